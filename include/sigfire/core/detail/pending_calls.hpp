// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

namespace sigfire::inline v0_1::detail {

/** The calls that wait for a reply, with their deadlines. Does no I/O, reads no clock.
 *
 *  `Waiter` is the party that waits for a call. The caller numbers its calls: each number is higher than all
 *  before. Deadlines do not decrease from one call to the next. */
template <class Waiter>
class pending_calls {
public:
    /// Number of calls that wait.
    std::size_t size() const noexcept { return waiting_.size(); }

    /// Lets `waiter` wait for the reply to call `number` until `deadline`.
    void wait(std::uint64_t number, Waiter waiter, time_point deadline) {
        waiting_.emplace_hint(waiting_.end(), number, pending{std::move(waiter), deadline});
    }

    /// Ends the wait for call `number`: calls `f(Waiter)` if the call waits.
    template <class F>
    void forget(std::uint64_t number, F f) {
        if (auto at = waiting_.extract(number)) f(std::move(at.mapped().waiter));
    }

    /// Ends the wait for each call with `which(number)`: calls `f(Waiter)`. `f` must not start or end calls.
    template <class Which, class F>
    void forget_if(Which which, F f) {
        for (auto next = waiting_.begin(); next != waiting_.end();) {
            const auto at = next++;
            if (which(at->first)) f(std::move(waiting_.extract(at).mapped().waiter));
        }
    }

    /// Calls `f(Waiter)` for each call with a deadline up to `now`; `time_point::max()` = all calls.
    template <class F>
    void expire(time_point now, F f) {
        while (!waiting_.empty() && waiting_.begin()->second.deadline <= now)
            f(std::move(waiting_.extract(waiting_.begin()).mapped().waiter));
    }

    /// Deadline of the first call; `time_point::max()` = no call waits.
    time_point deadline() const noexcept {
        return waiting_.empty() ? time_point::max() : waiting_.begin()->second.deadline;
    }

    /// The number in `digits`, if they contain nothing else; 0 = not the number of a call.
    static std::uint64_t number(std::string_view digits) noexcept {
        std::uint64_t n = 0;
        const auto end = digits.data() + digits.size();
        const auto [at, failed] = std::from_chars(digits.data(), end, n);
        return failed == std::errc{} && at == end ? n : 0;
    }

private:
    struct pending {
        Waiter waiter;
        time_point deadline;
    };

    std::map<std::uint64_t, pending> waiting_;
};

} // namespace sigfire::inline v0_1::detail
