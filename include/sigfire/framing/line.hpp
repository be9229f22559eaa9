// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/detail/incomplete.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::framing {

/** Framing for stream sockets and pipes, one message per line: the payload, then LF. Drops one CR before the
 *  LF. Has no control messages and does not mark text and binary: all messages are text. An empty line is an
 *  empty message, but too many in a row fail with `flood`.
 *
 *  A sealed payload must not end with CR. `seal` replaces each LF in the payload by a blank; in JSON, an LF
 *  is only valid where a blank is valid. Models Framing; one thread at a time. */
class line {
public:
    /// No room for control messages: there are none.
    static constexpr std::size_t control_bound = 0;

    /// See Framing. Errors: `too_large`, `flood`, and `bad_utf8` if `limits.check_utf8`.
    template <class Handler>
    framing_progress feed(std::span<char> bytes, const framing_limits& limits, Handler& handler) {
        auto p = bytes.data();
        const auto end = p + bytes.size();
        const auto rest = [&] { return static_cast<std::size_t>(end - p); };
        const auto stop = [&](errc e) { return framing_progress{bytes.size() - rest(), e}; };
        const std::size_t most = limits.message;
        while (p != end) {
            const auto lf = static_cast<char*>(std::memchr(p, '\n', rest()));
            auto n = lf ? static_cast<std::size_t>(lf - p) : rest();
            const auto size = held_.size() + n;
            // The byte before the LF. Without an LF, the last byte so far, which may be the CR of the line
            // end.
            const bool cr = (n != 0 ? p[n - 1] : held_.size() != 0 ? held_.data()[size - 1] : '\0') == '\r';
            if (size - cr > most) return held_.reset(), stop(errc::too_large);
            if (!lf) {
                held_.append(p, n, most + 1);
                p += n;
                break;
            }
            auto text = p;
            if (held_) text = held_.append(p, n, most + 1) - (size - n);
            const auto held = std::exchange(held_, {});
            p = lf + 1;
            const message m{{text, size - cr}};
            if (m.bytes.empty()) {
                if (++idle_ > limits.idle_frames) return stop(errc::flood);
            } else {
                idle_ = 0;
            }
            if (limits.check_utf8 && !detail::is_utf8(m.view())) return stop(errc::bad_utf8);
            if (!handler.on_message(m)) return stop(errc::ok);
        }
        return {bytes.size(), errc::ok};
    }

    /// See Framing: always 1, the room for the LF.
    static constexpr std::size_t header_bound(std::size_t) noexcept { return 1; }

    /// See Framing. Moves the payload to the front, so that the LF takes the place of its last byte.
    std::size_t seal(message_type, char* p, std::size_t head, std::size_t n) noexcept {
        std::memmove(p, p + head, n);
        std::replace(p, p + n, '\n', ' ');
        p[n] = '\n';
        return n + 1;
    }

    /// See Framing: always 0, because there are no control messages.
    std::size_t write_control(control, std::uint16_t, std::string_view, char*) noexcept { return 0; }

    /// See Framing.
    std::size_t incomplete() const noexcept { return held_.memory(); }

    /// See Framing.
    void reset_idle_count() noexcept { idle_ = 0; }

private:
    struct reading {};

    detail::incomplete<reading> held_; // an incomplete line
    std::uint32_t idle_ = 0;           // empty lines since the last non-empty one
};

static_assert(Framing<line>);

} // namespace sigfire::inline v0_1::framing
