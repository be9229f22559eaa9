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

namespace sigfire::detail {

/** The parties that wait for replies to calls, and how long. Does no I/O, reads no clock.
 *
 *  `Waiter` is the party that waits, known by a number that the caller draws: a fresh one, higher than all
 *  before, for each call. Deadlines do not decrease from one call to the next. */
template <class Waiter>
class pending_calls {
public:
    /// How many calls wait.
    std::size_t size() const noexcept { return waiting_.size(); }

    /// `waiter` waits for the reply to call `number`, no longer than `deadline`.
    void wait(std::uint64_t number, Waiter waiter, time_point deadline) {
        waiting_.emplace_hint(waiting_.end(), number, pending{std::move(waiter), deadline});
    }

    /// Ends the wait for call `number`: calls `f(Waiter)` if there is one.
    template <class F>
    void forget(std::uint64_t number, F f) {
        if (auto at = waiting_.extract(number)) f(std::move(at.mapped().waiter));
    }

    /// Ends the wait for each call of which `which(number)`: calls `f(Waiter)`, which may not start or end
    /// any.
    template <class Which, class F>
    void forget_if(Which which, F f) {
        for (auto next = waiting_.begin(); next != waiting_.end();) {
            const auto at = next++;
            if (which(at->first)) f(std::move(waiting_.extract(at).mapped().waiter));
        }
    }

    /// Calls `f(Waiter)` for each call that is due by `now`; `time_point::max()` = for all.
    template <class F>
    void expire(time_point now, F f) {
        while (!waiting_.empty() && waiting_.begin()->second.deadline <= now)
            f(std::move(waiting_.extract(waiting_.begin()).mapped().waiter));
    }

    /// When the first call is due; `time_point::max()` = there is none.
    time_point deadline() const noexcept {
        return waiting_.empty() ? time_point::max() : waiting_.begin()->second.deadline;
    }

    /// The number that `digits` write, if they do nothing else; 0 = no call's.
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

} // namespace sigfire::detail
