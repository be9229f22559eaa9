// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/** The members of sigfire's messages where these are MessagePack: the same as in JSON, by the same names. */
namespace sigfire::detail {

/// Reads the map that comes next, which is the whole message, into `m`; false if it is not valid. `M` as
/// for `read_members`; a member's view shows its MessagePack as it stands.
template <class M>
bool read_msgpack_members(msgpack_scanner& text, M& m) noexcept {
    const auto whole = text.map([&](std::string_view name) {
        const auto view = m.find_top(name);
        if (view != &m.data) {
            const auto value = text.value();
            if (view != nullptr) *view = value;
            return !value.empty();
        }
        m.inner = {};
        m.data = !text.at_map() ? text.value() : text.map([&](std::string_view inner_name) {
            const auto inner_view = m.find_inner(inner_name);
            const auto value = text.value();
            if (inner_view != nullptr) *inner_view = value;
            return !value.empty();
        });
        return !m.data.empty();
    });
    return !whole.empty() && text.finished();
}

/// Checks a message that is no map: none of those says anything.
inline errc decode_msgpack_scalar(msgpack_scanner& text) noexcept {
    const auto value = text.value();
    if (value.empty() || !text.finished()) return errc::malformed;
    return msgpack_at(value).is(msgpack_kind::nil) ? errc::null_message : errc::ok;
}

/// The value of the member `id` and the name before it, which stands there in whatever way it was written.
constexpr std::string_view marked_token(std::string_view id) noexcept {
    return {id.data() - msgpack_token_mark.size(), id.size() + msgpack_token_mark.size()};
}

/// What a command says, for either direction.
inline payload msgpack_payload(std::string_view data, const json_signals& in,
                               const json_command& c) noexcept {
    payload p;
    p.kind = c.kind;
    if (!is_msgpack_map(data)) return p;
    p.bytes = data;
    p.format = payload_format::binary;
    if (p.kind == signal_kind::candidate) {
        p.signal = in.candidate;
    } else if (p.kind == signal_kind::offer || p.kind == signal_kind::answer) {
        p.signal = p.kind == signal_kind::offer ? in.offer : in.answer;
        if (!msgpack_truthy(p.signal)) p.signal = in.sdp; // Signal-Fire@2
        p.has_offer = p.kind == signal_kind::answer && !in.offer.empty();
    }
    if (!msgpack_truthy(p.signal)) p.signal = {};
    return p;
}

/// How `decode_extra` reads members that are MessagePack.
struct msgpack_values {
    struct room {
        char topic, token; // texts are read where they stand
    };

    static bool truthy(std::string_view raw) noexcept { return msgpack_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_msgpack_text(raw); }
    static bool is_false(std::string_view raw) noexcept {
        const auto v = msgpack_at(raw);
        return v.is(msgpack_kind::boolean) && v.number == 0;
    }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return msgpack_uint(raw); }
    static std::string_view text(std::string_view raw, char&) noexcept { return msgpack_text(raw); }
};

} // namespace sigfire::detail
