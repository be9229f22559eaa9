// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace sigfire::inline v0_1::detail {

/** The configurations of a service. One question serves all waiters, and its answer is kept for a while.
 *  After a failure there are no questions for a while; the last configuration serves as long as it is valid.
 *  Does no I/O and reads no clock. */
class ice_source {
public:
    using waiter = std::function<void(rtc_lease)>;

    /// Times for which an answer serves other peers too, and without questions after a failure.
    struct times {
        std::chrono::milliseconds share, pause;
    };

    ice_source(times t, std::size_t most) noexcept : times_{t}, most_{most} {}

    /// What there is to give now, without a question; an empty configuration = a failure. Nothing = call
    /// `wait`. `renewal`: the peer has the last configuration already.
    std::optional<rtc_lease> look(time_point now, bool renewal = false) const {
        if (kept_ && now < fresh_until_) return rest(now);
        if (now < silent_until_ || waiters_.size() >= most_) return renewal ? rtc_lease{} : rest(now);
        return {};
    }

    /// Adds a waiter. Returns its number; `question` tells whether the caller has to ask the service now.
    std::uint64_t wait(waiter w, bool& question) {
        waiters_.emplace(++last_, std::move(w));
        question = !std::exchange(asking_, true);
        return last_;
    }
    /// Removes a waiter. The question goes on.
    void forget(std::uint64_t number) { waiters_.erase(number); }

    /// The answer to the question came: tells all waiters. An empty configuration = a failure.
    void answered(rtc_lease made, time_point now) {
        asking_ = false;
        if (made.configuration.empty()) {
            silent_until_ = now + times_.pause;
        } else {
            kept_ = std::move(made);
            kept_at_ = now;
            // Peers get at least half of the life.
            fresh_until_ =
                now + (kept_->life.count() == 0 ? times_.share : std::min(times_.share, kept_->life / 2));
        }
        const auto given = rest(now);
        for (auto& [number, w] : std::exchange(waiters_, {})) w(given);
    }

    std::size_t waiting() const noexcept { return waiters_.size(); }

private:
    // What is left of the kept configuration, if it is worth a peer's while.
    rtc_lease rest(time_point now) const {
        if (!kept_) return {};
        if (kept_->life.count() == 0) return *kept_;
        const auto left = std::chrono::floor<std::chrono::milliseconds>(kept_at_ + kept_->life - now);
        if (left < kept_->life / 10) return {};
        return {kept_->configuration, left};
    }

    times times_;
    std::size_t most_;
    std::optional<rtc_lease> kept_;
    time_point kept_at_{}, fresh_until_ = time_point::min(), silent_until_ = time_point::min();
    std::map<std::uint64_t, waiter> waiters_; // in order
    std::uint64_t last_ = 0;
    bool asking_ = false;
};

} // namespace sigfire::inline v0_1::detail
