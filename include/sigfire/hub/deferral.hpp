// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sigfire {

namespace detail {

/// The outcome of a verdict that was put off.
struct late_verdict {
    std::uint64_t key = 0;       // of the verdict
    errc cause = errc::ok;       // ok, or why not
    bool answered = false;       // ok, and `data` is the data of the reply
    std::string data{};          // of the reply
    wire_id wire = default_wire; // how it is written
    std::string text{};          // of a failure: words instead of the cause's own
};

/// Where late verdicts wait for the hub's turn. Tickets may be used, and dropped, on any thread.
class late_box {
public:
    /// Asks for a turn, in which the verdicts are taken; called on any thread, at most once between two
    /// `take`.
    void on_ring(std::function<void()> ring) {
        const std::lock_guard lock{mutex_};
        ring_ = std::move(ring);
    }

    void put(late_verdict v) {
        const std::lock_guard lock{mutex_};
        verdicts_.push_back(std::move(v));
        if (ring_ && !std::exchange(rung_, true)) ring_();
    }

    std::vector<late_verdict> take() {
        const std::lock_guard lock{mutex_};
        rung_ = false;
        return std::exchange(verdicts_, {});
    }

    /// A key for something that is put off. On the hub's thread.
    std::uint64_t next_key() noexcept { return ++last_; }

private:
    std::mutex mutex_;
    std::vector<late_verdict> verdicts_;
    std::function<void()> ring_;
    std::uint64_t last_ = 0;
    bool rung_ = false;
};

} // namespace detail

/** A ticket for a verdict that comes later: exactly one of its members is called, once. A ticket that is
 * dropped is a `denied`. A verdict after the hub's patience has ended (`expired`) does nothing, nor does one
 * after the hub itself. Thread-safe in that any one thread may use it; the hub acts on it in its next turn.
 */
class deferral {
public:
    deferral(std::shared_ptr<detail::late_box> box, std::uint64_t key) noexcept
        : box_(std::move(box)), key_(key) {}
    deferral(deferral&&) noexcept = default;
    deferral& operator=(deferral&& other) noexcept {
        if (this == &other) return *this;
        if (box_) settle({.cause = errc::denied});
        box_ = std::move(other.box_);
        key_ = other.key_;
        return *this;
    }
    ~deferral() {
        if (box_) settle({.cause = errc::denied});
    }

    /// Lets the message go its way. To a request: replies `ok` without data.
    void pass() { settle({}); }
    /// Replies `ok` with `data`, a value in the format of `wire`, or empty; a message ends here.
    void reply(std::string data = {}, wire_id wire = default_wire) {
        settle({.answered = true, .data = std::move(data), .wire = wire});
    }
    /// Replies with a failure, in words of your own if `text` is not empty.
    void refuse(errc cause, std::string text = {}) {
        settle({.cause = is_verdict(cause) ? errc::denied : cause, .text = std::move(text)});
    }

private:
    void settle(detail::late_verdict v) noexcept {
        const auto box = std::exchange(box_, nullptr);
        if (!box) return;
        v.key = key_;
        try {
            box->put(std::move(v));
        } catch (...) { // out of memory: the message expires
        }
    }

    std::shared_ptr<detail::late_box> box_;
    std::uint64_t key_;
};

} // namespace sigfire
