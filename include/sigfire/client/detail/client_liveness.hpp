// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <chrono>

namespace sigfire::detail {

/** Decides when a silent server is asked for a sign of life, and when it counts as gone. Does no I/O, reads
 * no clock. */
class client_liveness {
public:
    /// The next step.
    enum class verdict : unsigned char { fine, ask, gone };

    /// A look that comes later than this tells that the client itself stood still: the server is asked anew.
    static constexpr std::chrono::seconds stalled{1};

    /// `silence`: how long a server may say nothing before it is asked; 0 = for ever.
    explicit client_liveness(std::chrono::milliseconds silence) noexcept : silence_{silence} {}

    /// A connection stands.
    void begin(time_point now) noexcept {
        on_ = silence_.count() > 0;
        held_ = false;
        heard(now);
    }
    /// It ended.
    void end() noexcept { on_ = false; }

    /// Bytes came.
    void heard(time_point now) noexcept {
        since_ = now;
        asked_ = false;
    }

    /// The client reads no more: the server's messages are not heard.
    void hold() noexcept { held_ = true; }
    /// It reads again, if it did not.
    void release(time_point now) noexcept {
        if (held_) heard(now);
        held_ = false;
    }

    bool held() const noexcept { return held_; }

    /// When to `look`; `time_point::max()` = never.
    time_point deadline() const noexcept { return on_ ? since_ + silence_ : time_point::max(); }

    /// The step to take. A client that is held asks too: so the server hears that the client is there.
    verdict look(time_point now) noexcept {
        const auto due = deadline();
        if (now < due) return verdict::fine;
        if (asked_ && !held_ && now - due <= stalled) return verdict::gone;
        since_ = now;
        asked_ = true;
        return verdict::ask;
    }

private:
    std::chrono::milliseconds silence_;
    time_point since_{}; // when bytes came last, or the server was asked
    bool on_ = false;
    bool asked_ = false;
    bool held_ = false;
};

} // namespace sigfire::detail
