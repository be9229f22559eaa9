// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/big_endian.hpp>
#include <sigfire/framing/detail/incomplete.hpp>
#include <sigfire/framing/detail/mask.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::framing {

/// The end of a WebSocket connection. A client masks its frames; a server must not (RFC 6455, section 5.1).
enum class role : unsigned char {
    server, ///< the end that accepted the connection
    client  ///< the end that opened the connection
};

/// The close code (RFC 6455, section 7.4) that ends a connection for `cause`.
constexpr std::uint16_t close_code(errc cause) noexcept {
    switch (cause) {
    case errc::closed: return 1000;
    case errc::stopping: return 1001;
    case errc::protocol_violation: return 1002;
    case errc::bad_utf8: return 1007;
    case errc::flood: return 1008;
    case errc::too_large: return 1009;
    case errc::overloaded: return 1013;
    case errc::pong_timeout: return 4002;
    default: return 1011;
    }
}

/** Whether a close frame may contain `code`. It may not contain 1005, 1006 and 1015, which only report
 *  events, nor reserved codes. */
constexpr bool is_close_code(unsigned code) noexcept {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

/** The data framing of RFC 6455 (section 5), after the upgrade, without extensions. Models Framing.
 *
 *  A message in one frame that is complete in the bytes fed is unmasked and lent in place. Any other message
 *  is collected in memory of its own, which is freed after delivery. Control messages are delivered at once,
 *  also between the fragments of a message. After a close, nothing more is delivered: `feed` consumes further
 *  bytes unread.
 *
 *  Errors of `feed`: `protocol_violation`, `too_large`, `flood`, `bad_utf8`. `feed` always checks close
 *  reasons for UTF-8. It checks text messages if `limits.check_utf8`, and fails at the first wrong byte.
 *  `close_code` maps an error to its close code. One thread at a time. */
template <role Role>
class websocket {
public:
    /// Most bytes that `write_control` writes.
    static constexpr std::size_t control_bound = Role == role::client ? 131 : 127;

    /// See Framing. `on_control` gets the code 0 for a close without a body.
    template <class Handler>
    framing_progress feed(std::span<char> bytes, const framing_limits& limits, Handler& handler) {
        auto p = bytes.data();
        const auto end = p + bytes.size();
        const auto stop = [&](errc e) {
            if (e != errc::ok) ended_ = true;
            if (ended_) held_.reset();
            return framing_progress{static_cast<std::size_t>(p - bytes.data()), e};
        };
        for (auto e = errc::ok; p != end && !ended_;) {
            if (held_ && held_->left != 0) {
                const auto n = std::min(held_->left, static_cast<std::size_t>(end - p));
                e = gather({p, n}, limits);
                p += n;
                if (e != errc::ok || !finish(limits, handler, e)) return stop(e);
                continue;
            }

            frame f;
            if (!held_ && parse_usual(p, end, limits, f)) [[likely]] {
                const std::span payload{p + f.size, static_cast<std::size_t>(f.length)};
                p = payload.data() + payload.size();
                if (!whole_message(f, payload, limits, handler, e)) return stop(e);
                continue;
            }

            // Collects the parts of a header or control frame after the held bytes of the message.
            auto at = p;
            auto there = static_cast<std::size_t>(end - p);
            const std::size_t cut = held_ ? held_->cut : 0;
            if (cut != 0) [[unlikely]] {
                const auto n = std::min(there, longest_control - cut);
                at = held_.append(p, n, held_.size() + n) - cut;
                there = cut + n;
            }
            if (e = parse(at, there, f); e != errc::ok) return stop(e);
            if (f.size == 0) {
                if (cut == 0) held_.append(p, there, held_.size() + there);
                held_->cut = static_cast<unsigned char>(there);
                break;
            }
            p += f.size - cut;
            if (f.opcode >= opcode_close) {
                const bool more = control_frame(f, at + f.size - f.length, limits, handler, e);
                if (cut != 0) uncut(there);
                if (!more) return stop(e);
                continue;
            }
            if (cut != 0) uncut(there);
            if (f.length + held_.size() > limits.message) return stop(errc::too_large);
            if (f.length == 0 && ++idle_ > limits.idle_frames) return stop(errc::flood);
            if (!held_ && f.last && f.length <= static_cast<std::uint64_t>(end - p)) {
                const std::span payload{p, static_cast<std::size_t>(f.length)};
                p += f.length;
                if (!whole_message(f, payload, limits, handler, e)) return stop(e);
                continue;
            }
            begin(f);
            if (f.length == 0 && !finish(limits, handler, e)) return stop(e);
        }
        if (ended_) held_.reset();
        return {bytes.size(), errc::ok};
    }

    /// See Framing: 2, 4 or 10 bytes, plus 4 bytes for the masking key of a client.
    static constexpr std::size_t header_bound(std::size_t n) noexcept {
        return (n < 126 ? 2u : n < 0x10000 ? 4u : 10u) + key_size(Role == role::client);
    }

    /** See Framing. Moves nothing if `head` is `header_bound(n)`. Masks a client's payload in place, with an
     *  unpredictable key. Throws only if the system has no source of randomness. */
    std::size_t seal(message_type type, char* p, std::size_t head, std::size_t n) {
        const auto size = header_bound(n);
        if (head != size) std::memmove(p + size, p + head, n);
        write_header(0x80u | static_cast<unsigned>(type), p, n);
        return size + n;
    }

    /** See Framing. Cuts the body after 125 bytes. A close has no body if its code must not be sent (0, 1005,
     *  1006, ...). Cuts a reason between characters, and omits a reason that is not UTF-8. */
    std::size_t write_control(control c, std::uint16_t code, std::string_view text, char* p) {
        const auto payload = p + header_bound(0);
        std::size_t n = 0;
        if (c == control::close) {
            if (!is_close_code(code)) {
                text = {};
            } else {
                detail::store_big(payload, code);
                n = sizeof code;
                if (text.size() > longest_payload - n) {
                    auto at = longest_payload - n;
                    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
                    text = text.substr(0, at);
                }
                if (!detail::is_utf8(text)) text = {};
            }
        }
        text = text.substr(0, longest_payload - n);
        if (!text.empty()) std::memcpy(payload + n, text.data(), text.size());
        n += text.size();
        const unsigned opcode = c == control::close  ? opcode_close
                                : c == control::ping ? opcode_ping
                                                     : opcode_pong;
        write_header(0x80u | opcode, p, n);
        return header_bound(0) + n;
    }

    /// See Framing.
    std::size_t incomplete() const noexcept { return held_.memory(); }

    /// See Framing.
    void reset_idle_count() noexcept { idle_ = 0; }

private:
    static constexpr unsigned char opcode_continuation = 0, opcode_text = 1, opcode_binary = 2;
    static constexpr unsigned char opcode_close = 8, opcode_ping = 9, opcode_pong = 10;
    static constexpr std::size_t longest_payload = 125; // of a control frame
    static constexpr std::size_t longest_control = 2 + 4 + longest_payload;

    static constexpr std::size_t key_size(bool masked) noexcept { return masked ? 4 : 0; }

    struct frame {
        std::uint64_t length = 0; // of the payload
        std::size_t size = 0;     // Bytes of the header; for a control frame, also of its payload.
                                  // 0 = incomplete.
        std::uint32_t key = 0;
        unsigned char opcode = 0;
        bool last = false;
    };

    // The state for reading on. The held bytes are the message so far, unmasked. After them come `cut` bytes
    // of a header or control frame, as received.
    struct reading {
        std::size_t left = 0;  // missing bytes of the current data frame
        std::uint32_t key = 0; // for the next missing byte
        detail::utf8 text;     // has checked the message so far
        unsigned char cut = 0;
        unsigned char type = 0; // opcode of the message; 0 = no message has begun
        bool last = false;      // whether the current frame is the last of the message
    };

    // The hot path: a complete message in one frame, without the checks that only other frames need.
    // False = another kind of frame, perhaps; `f` is unchanged.
    static bool parse_usual(const char* p, const char* end, const framing_limits& limits, frame& f) noexcept {
        const auto n = static_cast<std::size_t>(end - p);
        if (n < 2 + 2 + 4) return false;
        const unsigned opcode = static_cast<unsigned char>(p[0]) ^ 0x80u;
        if (opcode - 1 > 1) return false;
        // Greater than 126 if the masking bit is wrong.
        std::size_t length = static_cast<unsigned char>(p[1]) ^ (Role == role::server ? 0x80u : 0u);
        auto size = 2 + key_size(Role == role::server);
        if (length >= 126) {
            if (length > 126) return false;
            length = detail::load_big<std::uint16_t>(p + 2);
            if (length < 126) return false;
            size += 2;
        }
        if (length - 1 >= n - size || length > limits.message) return false; // rejects empty payloads too
        f.opcode = static_cast<unsigned char>(opcode);
        f.length = length;
        f.size = size;
        if constexpr (Role == role::server) std::memcpy(&f.key, p + size - sizeof f.key, sizeof f.key);
        return true;
    }

    // All checks of the header that do not depend on the limits.
    errc parse(const char* p, std::size_t n, frame& f) const noexcept {
        if (n < 2) return errc::ok;
        const unsigned first = static_cast<unsigned char>(p[0]);
        const unsigned second = static_cast<unsigned char>(p[1]);
        f.opcode = first & 0x0f;
        f.last = (first & 0x80) != 0;
        f.length = second & 0x7f;
        if ((first & 0x70) != 0 || ((second & 0x80) != 0) != (Role == role::server))
            return errc::protocol_violation;
        if (f.opcode >= opcode_close) {
            if (f.opcode > opcode_pong || !f.last || f.length > longest_payload)
                return errc::protocol_violation;
        } else {
            const bool inside = held_ && held_->type != 0;
            if (f.opcode > opcode_binary || inside != (f.opcode == opcode_continuation))
                return errc::protocol_violation;
        }

        auto size = 2 + key_size(Role == role::server);
        if (f.length > 125) {
            size += f.length == 126 ? 2u : 8u;
            if (n < size) return errc::ok;
            if (f.length == 126) {
                f.length = detail::load_big<std::uint16_t>(p + 2);
                if (f.length < 126) return errc::protocol_violation;
            } else {
                f.length = detail::load_big<std::uint64_t>(p + 2);
                if (f.length < 0x10000 || f.length >> 63 != 0) return errc::protocol_violation;
            }
        } else if (f.opcode >= opcode_close) {
            size += static_cast<std::size_t>(f.length);
        }
        if (n < size) return errc::ok;
        f.size = size;
        if constexpr (Role == role::server)
            std::memcpy(&f.key, p + size - sizeof f.key - (f.opcode >= opcode_close ? f.length : 0),
                        sizeof f.key);
        return errc::ok;
    }

    // Removes the last `n` held bytes, the collected part of a frame. Frees the memory if no message has
    // begun.
    void uncut(std::size_t n) noexcept {
        held_->cut = 0;
        held_.drop(n);
        if (held_->type == 0) held_.reset();
    }

    // These functions call the handler. They return false to stop, with an error in `e` or because the
    // handler returned false.

    template <class Handler>
    bool whole_message(const frame& f, std::span<char> payload, const framing_limits& limits,
                       Handler& handler, errc& e) {
        if constexpr (Role == role::server) detail::mask(payload.data(), payload.size(), f.key);
        const message m{payload, static_cast<message_type>(f.opcode)};
        if (f.opcode == opcode_text && limits.check_utf8 && !detail::is_utf8(m.view()))
            return e = errc::bad_utf8, false;
        if (!payload.empty()) idle_ = 0;
        return handler.on_message(m);
    }

    template <class Handler>
    bool control_frame(const frame& f, char* payload, const framing_limits& limits, Handler& handler,
                       errc& e) {
        if (++idle_ > limits.idle_frames) return e = errc::flood, false;
        std::string_view text{payload, static_cast<std::size_t>(f.length)};
        if constexpr (Role == role::server) detail::mask(payload, text.size(), f.key);
        if (f.opcode != opcode_close)
            return handler.on_control(f.opcode == opcode_ping ? control::ping : control::pong, 0, text);
        std::uint16_t code = 0;
        if (!text.empty()) {
            if (text.size() < sizeof code) return e = errc::protocol_violation, false;
            code = detail::load_big<std::uint16_t>(payload);
            text.remove_prefix(sizeof code);
            if (!is_close_code(code)) return e = errc::protocol_violation, false;
            if (!detail::is_utf8(text)) return e = errc::bad_utf8, false;
        }
        ended_ = true;
        return handler.on_control(control::close, code, text);
    }

    void begin(const frame& f) {
        if (!held_) held_.append(nullptr, 0, static_cast<std::size_t>(f.length));
        if (f.opcode != opcode_continuation) held_->type = f.opcode;
        held_->left = static_cast<std::size_t>(f.length);
        held_->key = f.key;
        held_->last = f.last;
    }

    errc gather(std::span<const char> bytes, const framing_limits& limits) {
        const auto n = bytes.size();
        const auto at = held_.append(bytes.data(), n, held_.size() + held_->left);
        if constexpr (Role == role::server) {
            detail::mask(at, n, held_->key);
            held_->key = detail::advance_mask(held_->key, n);
        }
        held_->left -= n;
        if (held_->left == 0) idle_ = 0;
        const bool check = held_->type == opcode_text && limits.check_utf8;
        return check && !held_->text.feed({at, n}) ? errc::bad_utf8 : errc::ok;
    }

    template <class Handler>
    bool finish(const framing_limits& limits, Handler& handler, errc& e) {
        if (held_->left != 0 || !held_->last) return true;
        const auto done = std::exchange(held_, {});
        if (done->type == opcode_text && limits.check_utf8 && !done->text.complete())
            return e = errc::bad_utf8, false;
        return handler.on_message({{done.data(), done.size()}, static_cast<message_type>(done->type)});
    }

    // A client masks the payload after the header too.
    static void write_header(unsigned first, char* p, std::size_t n) {
        const unsigned masked = Role == role::client ? 0x80 : 0;
        const auto size = header_bound(n);
        p[0] = static_cast<char>(first);
        if (n < 126) {
            p[1] = static_cast<char>(masked | n);
        } else if (n < 0x10000) {
            p[1] = static_cast<char>(masked | 126);
            detail::store_big(p + 2, static_cast<std::uint16_t>(n));
        } else {
            p[1] = static_cast<char>(masked | 127);
            detail::store_big(p + 2, std::uint64_t{n});
        }
        if constexpr (Role == role::client) {
            const auto key = detail::fresh_mask_key();
            std::memcpy(p + size - sizeof key, &key, sizeof key);
            detail::mask(p + size, n, key);
        }
    }

    detail::incomplete<reading> held_;
    std::uint32_t idle_ = 0; // control and empty frames since the last frame with data
    bool ended_ = false;     // after a close or an error: nothing more is delivered
};

static_assert(Framing<websocket<role::server>> && Framing<websocket<role::client>>);

} // namespace sigfire::inline v0_1::framing
