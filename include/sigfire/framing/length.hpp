// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/big_endian.hpp>
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

/** Framing for stream sockets without WebSocket: a length of 4 bytes, most significant byte first, then the
 *  payload. Has no control messages and does not mark text and binary: all messages are text. Empty messages
 *  are valid, but too many in a row fail with `flood`. Models Framing; one thread at a time. */
class length {
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
        const auto deliver = [&](char* payload, std::size_t n, errc& e) {
            if (n != 0) idle_ = 0;
            const message m{{payload, n}};
            if (limits.check_utf8 && !detail::is_utf8(m.view())) return e = errc::bad_utf8, false;
            return static_cast<bool>(handler.on_message(m));
        };
        for (auto e = errc::ok; p != end;) {
            if (held_ && held_->left != 0) {
                const auto n = std::min(held_->left, rest());
                held_.append(p, n, held_.size() + held_->left);
                held_->left -= n;
                p += n;
                if (held_->left != 0) break;
                const auto done = std::exchange(held_, {});
                if (!deliver(done.data(), done.size(), e)) return stop(e);
                continue;
            }
            const auto cut = held_.size(); // header bytes from earlier calls
            const auto n = std::min(head_size - cut, rest());
            const auto head = n == head_size ? p : held_.append(p, n, head_size) - cut;
            p += n;
            if (cut + n < head_size) break;
            const std::size_t size = detail::load_big<std::uint32_t>(head);
            held_.reset();
            if (size > limits.message) return stop(errc::too_large);
            if (size == 0 && ++idle_ > limits.idle_frames) return stop(errc::flood);
            if (size > rest()) {
                const auto there = rest();
                held_.append(p, there, size);
                held_->left = size - there;
                break;
            }
            p += size;
            if (!deliver(p - size, size, e)) return stop(e);
        }
        return {bytes.size(), errc::ok};
    }

    /// See Framing: always 4.
    static constexpr std::size_t header_bound(std::size_t) noexcept { return head_size; }

    /// See Framing. `n` is at most 2^32 - 1.
    std::size_t seal(message_type, char* p, std::size_t head, std::size_t n) noexcept {
        if (head != head_size) std::memmove(p + head_size, p + head, n);
        detail::store_big(p, static_cast<std::uint32_t>(n));
        return head_size + n;
    }

    /// See Framing: always 0, because there are no control messages.
    std::size_t write_control(control, std::uint16_t, std::string_view, char*) noexcept { return 0; }

    /// See Framing.
    std::size_t incomplete() const noexcept { return held_.memory(); }

    /// See Framing.
    void reset_idle_count() noexcept { idle_ = 0; }

private:
    static constexpr std::size_t head_size = 4;

    struct reading {
        std::size_t left = 0; // missing bytes of the payload; 0 = the held bytes are part of a header
    };

    detail::incomplete<reading> held_;
    std::uint32_t idle_ = 0; // empty messages since the last non-empty one
};

static_assert(Framing<length>);

} // namespace sigfire::inline v0_1::framing
