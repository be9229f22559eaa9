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

namespace sigfire::inline v0_1 {

namespace detail {

/// The outcome of a deferred verdict.
struct late_verdict {
    std::uint64_t key = 0;       // of the verdict
    errc cause = errc::ok;       // `ok`, or the cause of the failure
    bool answered = false;       // `ok`, and `data` is the data of the reply
    std::string data{};          // of the reply
    wire_id wire = default_wire; // format of `data`
    std::string text{};          // of a failure; empty = the text of the cause
};

/// Keeps late verdicts until the hub takes them. Thread-safe, except `next_key`: tickets act on any thread.
class late_box {
public:
    /// Sets the function that asks the hub to take the verdicts. The box calls it on any thread, at most once
    /// between two calls of `take`.
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

    /// Returns a new key for a deferred verdict. On the thread of the hub only.
    std::uint64_t next_key() noexcept { return ++last_; }

private:
    std::mutex mutex_;
    std::vector<late_verdict> verdicts_;
    std::function<void()> ring_;
    std::uint64_t last_ = 0;
    bool rung_ = false;
};

} // namespace detail

/** A ticket for a verdict that arrives later. Call exactly one of `pass`, `reply` and `refuse`, once.
 *
 *  If a ticket is destroyed unused, the verdict is `denied`. A verdict has no effect after
 *  `hub_options::deferral_timeout`, when the message has ended with `expired`. A verdict has no effect after
 *  the end of the hub either.
 *
 *  Thread safety: any thread may use a ticket, one thread at a time. The hub applies the verdict in its next
 *  turn. */
class [[nodiscard]] deferral {
public:
    /// For hubs: a ticket with that key. Its verdict goes into `box`.
    deferral(std::shared_ptr<detail::late_box> box, std::uint64_t key) noexcept
        : box_(std::move(box)), key_(key) {}
    /// Moves the ticket; the other object becomes empty.
    deferral(deferral&&) noexcept = default;
    /// Drops the ticket of this object, if any, as `denied`. Then moves the ticket of `other` in.
    deferral& operator=(deferral&& other) noexcept {
        if (this == &other) return *this;
        if (box_) settle({.cause = errc::denied});
        box_ = std::move(other.box_);
        key_ = other.key_;
        return *this;
    }
    /// Drops the ticket: an unused one becomes `denied`.
    ~deferral() {
        if (box_) settle({.cause = errc::denied});
    }

    /// Lets the message continue: the next hook judges it. For a request to a function, replies `ok` without
    /// data.
    void pass() { settle({}); }
    /// Replies `ok` with `data`, and ends the message here.
    /// @param data a value in the format of `wire`, or empty
    /// @param wire the format of `data`
    void reply(std::string data = {}, wire_id wire = default_wire) {
        settle({.answered = true, .data = std::move(data), .wire = wire});
    }
    /// Rejects the message.
    /// @param cause the cause of the reply; a verdict such as `ok` becomes `denied`
    /// @param text failure text of the reply; empty = the text of the cause
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

} // namespace sigfire::inline v0_1
