// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/** Deadlines of things, in any order. Equal deadlines are due in the order in which they were added. A
 *  finished thing leaves its deadline in the queue; `is_open(key)` returns whether a thing is unfinished. The
 *  queue keeps at most 16 deadlines and two for each open thing. If deadlines do not decrease, `add` takes
 *  constant time. */
template <class Key>
class deadline_queue {
public:
    /// Adds a deadline. `open` is an upper bound on the number of open things.
    template <class IsOpen>
    void add(time_point at, Key key, std::size_t open, IsOpen is_open) {
        if (entries_.size() >= 16 + 2 * open) {
            std::erase_if(entries_, [&](const entry& e) { return !is_open(e.key); });
            std::make_heap(entries_.begin(), entries_.end(), later{});
        }
        entries_.push_back({at, ++last_, std::move(key)});
        std::push_heap(entries_.begin(), entries_.end(), later{});
    }

    /// Removes and returns the first thing that is open and due, or nothing.
    template <class IsOpen>
    std::optional<Key> take(time_point now, IsOpen is_open) {
        if (next(is_open) > now || entries_.empty()) return {};
        return pop();
    }

    /// The first deadline of an open thing; `time_point::max()` = none.
    template <class IsOpen>
    time_point next(IsOpen is_open) {
        while (!entries_.empty() && !is_open(entries_.front().key)) pop();
        return entries_.empty() ? time_point::max() : entries_.front().at;
    }

    /** Calls `f(key)` for each thing that is open and due, in order. `f` may add deadlines.
     *  @returns the next deadline of an open thing; `time_point::max()` = none */
    template <class IsOpen, class F>
    time_point expire(time_point now, IsOpen is_open, F f) {
        while (auto due = take(now, is_open)) f(std::as_const(*due));
        return next(is_open);
    }

    /// Number of deadlines in the queue, of open and finished things.
    std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        time_point at;
        std::uint64_t number;
        Key key;
    };
    struct later {
        bool operator()(const entry& a, const entry& b) const noexcept {
            return a.at != b.at ? a.at > b.at : a.number > b.number;
        }
    };

    Key pop() {
        std::pop_heap(entries_.begin(), entries_.end(), later{});
        Key key = std::move(entries_.back().key);
        entries_.pop_back();
        return key;
    }

    std::vector<entry> entries_; // a heap
    std::uint64_t last_ = 0;
};

} // namespace sigfire::inline v0_1::detail
