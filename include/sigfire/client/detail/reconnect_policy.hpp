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

namespace sigfire::detail {

/// Decides whether and when a client tries again. Does no I/O, reads no clock, draws no numbers.
class reconnect_policy {
public:
    explicit reconnect_policy(reconnect_options options) : options_{std::move(options)} {}

    const reconnect_options& options() const noexcept { return options_; }

    /// A connection stands: the next series of attempts begins anew.
    void succeeded() noexcept { attempts_ = 0; }

    /** When to try again after a connection, or an attempt at one, ended by `why` with `close_code` (0:
     * without a word); `time_point::max()` = never. `random` is evenly spread over 0..1. */
    time_point next(error_code why, std::uint16_t close_code, time_point now, double random) {
        if (!worth_it(why, close_code) || attempts_ >= options_.attempts) return time_point::max();
        const auto longest = static_cast<double>(options_.max_interval.count());
        const auto grown =
            static_cast<double>(options_.interval.count()) * std::pow(options_.growth, attempts_);
        const auto wait = std::min(grown, longest) * (1 - std::clamp(options_.jitter, 0.0, 1.0) * random);
        ++attempts_;
        return now + std::chrono::milliseconds{static_cast<std::int64_t>(std::max(wait, 0.0))};
    }

private:
    bool worth_it(error_code why, std::uint16_t close_code) const {
        const bool terminal =
            (close_code >= 4400 && close_code < 4500) || (close_code >= 4600 && close_code < 5000);
        if (terminal || why == boost::asio::error::operation_aborted) return false;
        // On a wire without close codes, every end looks like a proper one.
        if (why == errc::closed && close_code != 0) return options_.on_close;
        return options_.on_error && why != condition::stay_away && why != condition::fix_request;
    }

    reconnect_options options_;
    std::uint32_t attempts_ = 0; // since the last connection
};

} // namespace sigfire::detail
