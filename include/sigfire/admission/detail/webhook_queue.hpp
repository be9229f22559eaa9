// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Bounds and times of a queue of events.
struct webhook_queue_limits {
    std::size_t events, batch;
    unsigned attempts;
    std::chrono::milliseconds back_off, longest_back_off;
};

/** Events on their way to a service: in order, one batch at a time. A batch that fails is tried again after a
 *  pause that doubles, with jitter; after the last attempt its events are lost. Does no I/O and reads no
 *  clock. */
class webhook_queue {
public:
    /// A batch on its way: JSON with its events, the number of the first one, and how many were lost.
    struct batch {
        std::string events;
        std::uint64_t number, lost;
    };

    explicit webhook_queue(webhook_queue_limits limits) noexcept : limits_{limits} {}

    /// Adds an event, a JSON object. Without room the event is lost.
    void push(std::string event) {
        if (waiting_.size() >= limits_.events) return lose(1);
        waiting_.push_back(std::move(event));
    }

    /// The batch to send now, if it is time for one. Call `sent` or `failed` next.
    std::optional<batch> take(time_point now) {
        if (in_flight_ != 0 || waiting_.empty() || now < due_) return {};
        // A second attempt has the same events.
        if (size_ == 0) size_ = std::min(limits_.batch, waiting_.size());
        in_flight_ = size_;
        batch out{"[", number_ + 1, lost_now_};
        for (std::size_t i = 0; i < size_; ++i) out.events += (i == 0 ? "" : ",") + waiting_[i];
        out.events += ']';
        told_ = lost_now_;
        return out;
    }

    /// The service has the batch.
    void sent() {
        lost_now_ -= told_;
        remove();
    }
    /// The service does not have the batch. `jitter` is from 0 to 1; `wish` is the pause that the service
    /// asks for, or 0. Returns whether the batch is lost.
    bool failed(time_point now, double jitter, std::chrono::milliseconds wish = {}) {
        if (++attempts_ >= limits_.attempts || stopped_) {
            const auto n = in_flight_;
            remove();
            lose(n);
            if (stopped_) lose(std::exchange(waiting_, {}).size());
            // The service does not get better by the next batch.
            due_ = now + pause(limits_.attempts, jitter, wish);
            return true;
        }
        in_flight_ = 0;
        due_ = now + pause(attempts_, jitter, wish);
        return false;
    }

    /// From now on, events are tried once and at once.
    void stop() noexcept {
        stopped_ = true;
        due_ = time_point::min();
    }

    /// When to call `take` again; `time_point::max()` = after the next `push`, `sent` or `failed`.
    time_point deadline() const noexcept {
        return in_flight_ != 0 || waiting_.empty() ? time_point::max() : due_;
    }
    bool empty() const noexcept { return waiting_.empty(); }
    std::size_t size() const noexcept { return waiting_.size(); }
    std::uint64_t lost() const noexcept { return lost_; }

private:
    std::chrono::milliseconds pause(unsigned attempt, double jitter, std::chrono::milliseconds wish) const {
        auto longest = limits_.back_off;
        for (unsigned i = 1; i < attempt && longest < limits_.longest_back_off; ++i) longest *= 2;
        longest = std::min(longest, limits_.longest_back_off);
        // At least half of it, so that a service that is down has rest.
        const auto drawn = std::chrono::milliseconds{
            static_cast<std::int64_t>(static_cast<double>(longest.count()) * (0.5 + 0.5 * jitter))};
        return std::max(drawn, std::min(wish, limits_.longest_back_off));
    }
    void remove() {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
        number_ += in_flight_;
        in_flight_ = size_ = 0;
        attempts_ = 0;
        due_ = time_point::min();
    }
    void lose(std::size_t n) noexcept {
        lost_ += n;
        lost_now_ += n;
    }

    webhook_queue_limits limits_;
    std::deque<std::string> waiting_;
    std::size_t in_flight_ = 0, size_ = 0; // events on their way; events of the first batch, 0 = not fixed
    unsigned attempts_ = 0;                // of that batch
    time_point due_ = time_point::min();
    std::uint64_t number_ = 0;                         // of the last event sent or given up
    std::uint64_t lost_ = 0, lost_now_ = 0, told_ = 0; // in all; not told to the service; told by this batch
    bool stopped_ = false;
};

} // namespace sigfire::inline v0_1::detail
