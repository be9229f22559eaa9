// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <cstddef>
#include <deque>
#include <utility>

namespace sigfire::detail {

/** Deadlines of things that all have the same time, so in order. What is over leaves its deadline behind;
 * `is_open(key)` tells. However fast things come and go, no more than 16 deadlines and two for each thing
 * that is open are kept. */
template <class Key>
class deadline_queue {
public:
    /// Adds one, no earlier than those before. `open`: how many things are open at the most.
    template <class IsOpen>
    void add(time_point at, Key key, std::size_t open, IsOpen is_open) {
        if (entries_.size() >= 16 + 2 * open)
            std::erase_if(entries_, [&](const auto& e) { return !is_open(e.second); });
        entries_.emplace_back(at, std::move(key));
    }

    /** Calls `f(key)` for each thing that is open and due, in order.
     *  @returns the next deadline of an open one; `time_point::max()` = there is none. */
    template <class IsOpen, class F>
    time_point expire(time_point now, IsOpen is_open, F f) {
        while (!entries_.empty()) {
            const bool open = is_open(entries_.front().second);
            if (open && entries_.front().first > now) return entries_.front().first;
            const auto key = std::move(entries_.front().second);
            entries_.pop_front();
            if (open) f(key);
        }
        return time_point::max();
    }

    /// How many are kept.
    std::size_t size() const noexcept { return entries_.size(); }

private:
    std::deque<std::pair<time_point, Key>> entries_;
};

} // namespace sigfire::detail
