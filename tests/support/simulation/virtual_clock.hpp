// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/// Draws numbers: the same ones for the same seed, on every platform (SplitMix64).
class generator {
public:
    explicit generator(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        auto z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }

    /// One of 0 to n - 1.
    std::uint32_t below(std::uint32_t n) noexcept {
        return static_cast<std::uint32_t>((next() >> 32) * n >> 32);
    }

    /// True in so many of a hundred cases.
    bool chance(std::uint32_t percent) noexcept { return below(100) < percent; }

    /// Between nothing and `longest`.
    std::chrono::milliseconds up_to(std::chrono::milliseconds longest) noexcept {
        return std::chrono::milliseconds{below(static_cast<std::uint32_t>(longest.count()) + 1)};
    }

private:
    std::uint64_t state_;
};

/// Time that passes when it is told to, and the acts due then.
class virtual_clock {
public:
    time_point now() const noexcept { return now_; }

    /// Calls `f()` once that much time has passed; acts due at the same time go in this order.
    void after(std::chrono::milliseconds time, std::function<void()> f) {
        due_.push_back({now_ + time, count_++, std::move(f)});
        std::push_heap(due_.begin(), due_.end());
    }

    /// When the next thing is due; `time_point::max()` = nothing is.
    time_point next() const noexcept { return due_.empty() ? time_point::max() : due_.front().at; }

    /// Lets it be `t`; never goes back.
    void advance(time_point t) noexcept { now_ = std::max(now_, t); }

    /// Does one act that is due by now; false if there was none.
    bool run_one() {
        if (next() > now_) return false;
        std::pop_heap(due_.begin(), due_.end());
        const auto f = std::move(due_.back().f);
        due_.pop_back();
        f();
        return true;
    }

private:
    struct event {
        time_point at;
        std::uint64_t order;
        std::function<void()> f;

        friend bool operator<(const event& a, const event& b) noexcept {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };

    time_point now_{std::chrono::hours{1}};
    std::uint64_t count_ = 0;
    std::vector<event> due_; // a heap, the next one in front
};

} // namespace sigfire::inline v0_1::test
