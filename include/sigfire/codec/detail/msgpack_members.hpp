// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/text/msgpack/member.hpp>
#include <sigfire/text/msgpack/read_members.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

/// Reads messages that are MessagePack maps.
namespace sigfire::inline v0_1::detail {

/// Checks a message that is not a map. Such a message has no meaning.
inline errc decode_msgpack_scalar(msgpack_scanner& text) noexcept {
    const auto value = text.value();
    if (value.empty() || !text.finished()) return errc::malformed;
    return msgpack_at(value).is(msgpack_kind::nil) ? errc::internal_error : errc::ok;
}

/// Reads values in MessagePack, as `json_values` in JSON.
struct msgpack_values {
    static constexpr wire_id wire = wire_id::msgpack;

    using buffer = char; // unused: texts have no escapes

    static bool truthy(std::string_view raw) noexcept { return msgpack_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_msgpack_text(raw); }
    static bool is_map(std::string_view raw) noexcept { return is_msgpack_map(raw); }
    static bool is_false(std::string_view raw) noexcept {
        const auto v = msgpack_at(raw);
        return v.is(msgpack_kind::boolean) && v.number == 0;
    }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return msgpack_uint(raw); }
    static std::string_view text(std::string_view raw, buffer&, bool = true) noexcept {
        return msgpack_text(raw);
    }
    static std::string_view plain_text(std::string_view raw) noexcept { return msgpack_text(raw); }
    static bool members(std::string_view raw, std::initializer_list<wanted_member> wanted) noexcept {
        return msgpack_members(raw, wanted);
    }
};

} // namespace sigfire::inline v0_1::detail
