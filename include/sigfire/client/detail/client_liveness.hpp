// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <chrono>

namespace sigfire::inline v0_1::detail {

/// Decides when the client pings a silent server, and when the server counts as gone. Does no I/O, reads no
/// clock.
class client_liveness {
public:
    /// The next step.
    enum class verdict : unsigned char { fine, ask, gone };

    /// If `look` is called later than this, the client itself did not run, so it pings once more.
    static constexpr std::chrono::seconds stalled{1};

    /// `ping_interval`: the time without a byte before a ping; 0 = never.
    explicit client_liveness(std::chrono::milliseconds ping_interval) noexcept
        : ping_interval_{ping_interval} {}

    /// The connection is open.
    void begin(time_point now) noexcept {
        on_ = ping_interval_.count() > 0;
        held_ = false;
        heard(now);
    }
    /// The connection has ended.
    void end() noexcept { on_ = false; }

    /// Bytes came.
    void heard(time_point now) noexcept {
        since_ = now;
        asked_ = false;
    }

    /// The client stops reading, so bytes of the server go unnoticed.
    void hold() noexcept { held_ = true; }
    /// The client reads again, if it did not.
    void release(time_point now) noexcept {
        if (held_) heard(now);
        held_ = false;
    }

    bool held() const noexcept { return held_; }

    /// When to call `look`; `time_point::max()` = never.
    time_point deadline() const noexcept { return on_ ? since_ + ping_interval_ : time_point::max(); }

    /// The step to take. A held client pings too, so that the server does not time out.
    verdict look(time_point now) noexcept {
        const auto due = deadline();
        if (now < due) return verdict::fine;
        if (asked_ && !held_ && now - due <= stalled) return verdict::gone;
        since_ = now;
        asked_ = true;
        return verdict::ask;
    }

private:
    std::chrono::milliseconds ping_interval_;
    time_point since_{}; // when bytes came last, or when the last ping was sent
    bool on_ = false;
    bool asked_ = false;
    bool held_ = false;
};

} // namespace sigfire::inline v0_1::detail
