// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

/** Decides when a stopping server disconnects how many peers. Time is an argument.
 *
 *  At first, for `delay`, the server only says that it is not ready. Then it refuses new connections and
 *  disconnects the peers evenly over `spread`, but at least `least_rate` in a second: a small crowd does not
 *  wait. */
class drain_plan {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    static constexpr std::size_t least_rate = 200;  ///< peers in a second
    static constexpr milliseconds step_length{100}; ///< time between two steps

    /// What to do now.
    struct step {
        bool refuse = false;  ///< refuse new connections
        std::size_t shed = 0; ///< peers to disconnect
        bool over = false;    ///< then stop
        time_point next{};    ///< time of the next step, unless `over`
    };

    drain_plan(time_point now, milliseconds delay, milliseconds spread)
        : begin_{now + delay}, spread_{spread} {}

    /// @param now the time; never earlier than before
    /// @param left number of connected peers
    step at(time_point now, std::size_t left) {
        if (now < begin_) return {false, 0, false, begin_};
        if (!counted_) total_ = left;
        counted_ = true;
        const auto past = std::chrono::duration_cast<milliseconds>(now - begin_);
        if (past >= spread_) return {true, left, true, now};
        // The first step ends its share of the peers too.
        const auto share = static_cast<double>((past + step_length).count());
        const auto evenly = static_cast<double>(total_) * share / static_cast<double>(spread_.count());
        const auto least = static_cast<double>(least_rate) * share / 1000;
        const auto goal = std::max(0.0, static_cast<double>(total_) - std::max(evenly, least));
        const auto shed = left - std::min(left, static_cast<std::size_t>(goal));
        return {true, shed, shed == left, now + step_length};
    }

private:
    time_point begin_;
    milliseconds spread_;
    std::size_t total_ = 0;
    bool counted_ = false;
};
