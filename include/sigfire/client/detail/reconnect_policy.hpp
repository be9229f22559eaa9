// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/options.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Decides whether and when a client reconnects. Does no I/O, reads no clock, draws no random numbers.
class reconnect_policy {
public:
    explicit reconnect_policy(reconnect_options options) : options_{std::move(options)} {}

    const reconnect_options& options() const noexcept { return options_; }

    /// The connection is open: attempts are counted from 0 again.
    void succeeded(time_point now) noexcept {
        attempts_ = 0;
        stood_since_ = now;
    }

    /** When to try again after a connection or an attempt ended with `why` and `close_code` (0: none).
     *  `time_point::max()` = never. `random` is uniform in 0..1. The interval grows further if the last
     *  connection was not open for longer than the interval before it. */
    time_point next(error_code why, std::uint16_t close_code, time_point now, double random) {
        if (!worth_it(why, close_code) || attempts_ >= options_.max_attempts) return time_point::max();
        if (attempts_ == 0 && now - stood_since_ >= interval_) growths_ = 0;
        const auto longest = static_cast<double>(options_.max_interval.count());
        const auto grown =
            static_cast<double>(options_.interval.count()) * std::pow(options_.multiplier, growths_);
        const auto wait = std::max(std::min(grown, longest), 0.0);
        interval_ = milliseconds(wait);
        ++growths_;
        ++attempts_;
        return now + milliseconds(wait * (1 - std::clamp(options_.jitter, 0.0, 1.0) * random));
    }

private:
    static std::chrono::milliseconds milliseconds(double n) {
        return std::chrono::milliseconds{static_cast<std::int64_t>(n)};
    }

    bool worth_it(error_code why, std::uint16_t close_code) const {
        if (why == boost::asio::error::operation_aborted) return false;
        if (close_code == 1000) return options_.on_close;
        // On a wire without close codes, every end looks like a proper close.
        if (close_code == 0)
            return options_.on_error && why != condition::do_not_reconnect && why != condition::fix_request;
        return options_.on_error && asks_back(close_code);
    }

    // Whether a server that sends this close code expects the client back.
    static constexpr bool asks_back(std::uint16_t code) noexcept {
        const auto within = [code](int first, int last) { return code >= first && code <= last; };
        const bool faulty = within(1002, 1003) || within(1007, 1010); // faults of the client's messages
        return !faulty && !within(4400, 4499) && !within(4600, 4999);
    }

    reconnect_options options_;
    time_point stood_since_{};             // when the last connection began
    std::chrono::milliseconds interval_{}; // interval before it, without the random part
    std::uint32_t attempts_ = 0;           // attempts since then
    std::uint32_t growths_ = 0;            // growth steps of the interval
};

} // namespace sigfire::inline v0_1::detail
