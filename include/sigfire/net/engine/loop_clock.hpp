// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <chrono>

namespace sigfire::inline v0_1::detail {

/** The time of a loop: real time without the time in which the loop did not run. All engines of one
 *  io_context share the clock, so a hub behind several engines never sees time decrease. One thread at a
 *  time.
 *
 *  After a stop of the process, or a suspend of the machine, peers are not to blame for unread bytes. */
class loop_clock : public boost::asio::execution_context::service {
public:
    using key_type = loop_clock;
    inline static boost::asio::execution_context::id id;

    explicit loop_clock(boost::asio::execution_context& c) : service{c} {}

    /** Begins a turn, and returns loop time.
     *  @param real the real time now
     *  @param due the loop time at which the sink asked to be called */
    time_point turn(time_point real, time_point due) {
        auto now = real - skipped_;
        if (last_ != time_point{}) {
            const auto gap = now - last_;
            auto lost = clock::duration::zero();
            if (gap > longest_gap)
                lost = gap - gap_counts;
            else if (gap > stall && due < now - stall)
                lost = now - std::max(due, last_);
            skipped_ += lost;
            now -= lost;
        }
        return last_ = std::max(last_, now);
    }

    /// Loop time outside of a turn.
    time_point now(time_point real) const noexcept { return std::max(last_, real - skipped_); }

    /// The real time at which loop time is `t`.
    time_point real(time_point t) const noexcept { return t == time_point::max() ? t : t + skipped_; }

    /// The time to pass to a sink for `t`: never less than in any call before.
    time_point tell(time_point t) noexcept { return told_ = std::max(told_, t); }

private:
    static constexpr std::chrono::seconds longest_gap{5}; // between two turns; a longer gap ...
    static constexpr std::chrono::seconds gap_counts{1};  // ... counts as so much
    // A shorter gap counts as lost time if the sink was due in it and was not called. Then a turn took too
    // long.
    static constexpr std::chrono::milliseconds stall{250};

    void shutdown() override {}

    time_point last_{}, told_{};
    clock::duration skipped_{};
};

} // namespace sigfire::inline v0_1::detail
