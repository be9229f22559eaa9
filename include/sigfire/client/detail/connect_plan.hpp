// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Sorts addresses in the order of RFC 8305, 4: address families alternate, beginning with that of the first
/// address. `family(address)` returns the family.
template <class Address, class Family>
std::vector<Address> by_turns(std::vector<Address> addresses, Family family) {
    if (addresses.empty()) return addresses;
    const auto first = family(addresses.front());
    std::vector<Address> own, others, out;
    for (auto& a : addresses) (family(a) == first ? own : others).push_back(std::move(a));
    for (std::size_t i = 0; i < std::max(own.size(), others.size()); ++i) {
        if (i < own.size()) out.push_back(std::move(own[i]));
        if (i < others.size()) out.push_back(std::move(others[i]));
    }
    return out;
}

/// Decides when to try each of several addresses (RFC 8305, 5). The next attempt begins when one fails, or
/// 250 ms after the last began. Each attempt has a time limit. Does no I/O, reads no clock.
class connect_plan {
public:
    static constexpr std::chrono::milliseconds delay{250};

    /// `count` addresses; `limit`: the time for each.
    connect_plan(std::size_t count, std::chrono::milliseconds limit) : limit_{limit}, attempts_(count) {}

    /// The address to try now, if it is time for one. Call it until it returns none.
    std::optional<std::size_t> next(time_point now) {
        if (started_ == attempts_.size() || now < due_) return {};
        due_ = now + delay;
        attempts_[started_] = {now + limit_, true};
        return started_++;
    }

    /// The attempt at address `i` has failed.
    void failed(std::size_t i) {
        attempts_[i].running = false;
        due_ = time_point{};
    }

    /// Calls `f(i)` for each attempt that has timed out; these count as failed.
    template <class F>
    void expire(time_point now, F f) {
        for (std::size_t i = 0; i < started_; ++i) {
            if (!attempts_[i].running || now < attempts_[i].until) continue;
            failed(i);
            f(i);
        }
    }

    /// Whether no attempt runs and no address is left.
    bool over() const noexcept {
        return started_ == attempts_.size() &&
               std::none_of(attempts_.begin(), attempts_.end(), [](const attempt& a) { return a.running; });
    }

    /// When to call `expire` and `next` again; `time_point::max()` = there is nothing to wait for.
    time_point deadline() const noexcept {
        auto first = started_ == attempts_.size() ? time_point::max() : due_;
        for (const auto& a : attempts_)
            if (a.running) first = std::min(first, a.until);
        return first;
    }

private:
    struct attempt {
        time_point until{};
        bool running = false;
    };

    std::chrono::milliseconds limit_;
    std::vector<attempt> attempts_;
    std::size_t started_ = 0; // started attempts: the first so many
    time_point due_{};        // when the next may begin
};

} // namespace sigfire::inline v0_1::detail
