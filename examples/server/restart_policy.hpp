// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

/** Decides whether and when a worker process starts again after its end. Time is an argument.
 *
 *  The first pause is half a second; each further one is twice as long, up to a minute. A worker that has run
 *  for a minute begins anew. */
class restart_policy {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    /// Exit status of a program with wrong settings: another start would end the same way.
    static constexpr int wrong_settings = 2;
    static constexpr milliseconds first_pause{500}, longest_pause{60'000};

    /// The worker starts.
    void started(time_point now) noexcept {
        begin_ = now;
        served_ = false;
    }
    /// The worker serves.
    void serves() noexcept { served_ = ever_served_ = true; }

    /** The worker has ended. Returns the pause until its next start, or nothing: it is not to start again. It
     *  is not if it ended as told, if its settings are wrong, or if no worker has ever served.
     *  @param status the exit status; negative: the signal that ended the worker */
    std::optional<milliseconds> ended(time_point now, int status) noexcept {
        if (status == 0 || status == wrong_settings || !ever_served_) return {};
        if (served_ && now - begin_ >= longest_pause) pause_ = {};
        pause_ = pause_.count() == 0 ? first_pause : std::min(longest_pause, pause_ * 2);
        ++restarts_;
        return pause_;
    }

    /// Number of restarts so far.
    int restarts() const noexcept { return restarts_; }

private:
    time_point begin_{};
    milliseconds pause_{};
    bool served_ = false, ever_served_ = false;
    int restarts_ = 0;
};
