// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sigfire {

namespace detail {

/// What came of something that was put off.
struct late_answer {
    std::uint64_t key; // what was put off
    errc cause;        // ok, or why not
    bool answered;     // ok, and `text` is the data of the reply
    std::string text;  // what to say
};

/// Where late answers wait for the hub's turn.
struct late_box {
    std::vector<late_answer> answers;
    std::function<void()> ring; // asks for a turn; empty where somebody calls `resumed` by himself
    std::uint64_t last = 0;     // key given out
    bool rung = false;

    void put(late_answer a) {
        answers.push_back(std::move(a));
        if (ring && !std::exchange(rung, true)) ring();
    }
};

} // namespace detail

/** A ticket for an answer that comes later: exactly one of its members is called, once. Dropped, it is a
 *  `denied`. An answer after the hub's patience has ended (`expired`) does nothing, nor does one after the
 * hub itself. To be used on the hub's thread, but not from inside a hook. */
class deferral {
public:
    deferral(std::shared_ptr<detail::late_box> box, std::uint64_t key) noexcept
        : box_(std::move(box)), key_(key) {}
    deferral(deferral&&) noexcept = default;
    deferral& operator=(deferral&& other) noexcept {
        if (box_) settle(errc::denied, false, {});
        box_ = std::move(other.box_);
        key_ = other.key_;
        return *this;
    }
    ~deferral() {
        if (box_) settle(errc::denied, false, {});
    }

    /// Lets the message go its way. To a request: replies `ok` without data.
    void pass() { settle(errc::ok, false, {}); }
    /// Replies `ok` with `data`, JSON text or empty; a message ends here.
    void reply(std::string data = {}) { settle(errc::ok, true, std::move(data)); }
    /// Replies with a failure, in words of your own if `text` is not empty.
    void refuse(errc cause, std::string text = {}) {
        settle(is_verdict(cause) ? errc::denied : cause, false, std::move(text));
    }

private:
    void settle(errc cause, bool answered, std::string text) {
        if (const auto box = std::exchange(box_, nullptr)) box->put({key_, cause, answered, std::move(text)});
    }

    std::shared_ptr<detail::late_box> box_;
    std::uint64_t key_;
};

} // namespace sigfire
