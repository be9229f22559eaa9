// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace sigfire::inline v0_1 {

/** A token bucket: what may be spent at once, and how fast that grows again. It begins full. Reads no clock.
 *  The rate and the size of the bucket are arguments, so that many buckets share them. 16 bytes. */
class token_bucket {
public:
    /** Takes tokens, if there are enough.
     *  @param cost number of tokens
     *  @param now the time
     *  @param rate tokens per second; 0 or less = no limit
     *  @param burst size of the bucket
     *  @return whether the tokens were there */
    bool take(double cost, time_point now, double rate, double burst) noexcept {
        if (rate <= 0) return true;
        tokens_ = tokens(now, rate, burst);
        filled_ = std::max(now, filled_);
        // A cost larger than the bucket takes a full bucket, or it could never pass.
        if (tokens_ < std::min(cost, burst)) return false;
        tokens_ -= std::min(cost, burst);
        return true;
    }

    /// Milliseconds until `take` succeeds with the same arguments; 0 = now.
    std::chrono::milliseconds wait(double cost, time_point now, double rate, double burst) const noexcept {
        if (rate <= 0) return {};
        const double missing = std::min(cost, burst) - tokens(now, rate, burst);
        if (missing <= 0) return {};
        return std::chrono::milliseconds{
            static_cast<std::chrono::milliseconds::rep>(std::min(std::ceil(missing / rate * 1000), longest))};
    }

private:
    static constexpr double longest = 1e12; // milliseconds: about 30 years
    static constexpr auto never = time_point::min();

    double tokens(time_point now, double rate, double burst) const noexcept {
        if (filled_ == never) return burst;
        const std::chrono::duration<double> since = now > filled_ ? now - filled_ : clock::duration{};
        return std::min(burst, tokens_ + since.count() * rate);
    }

    double tokens_ = 0; // at the time filled_
    time_point filled_ = never;
};

} // namespace sigfire::inline v0_1
