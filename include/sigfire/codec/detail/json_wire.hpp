// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/own_members.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/read_members.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

/** Reading messages that are JSON objects. */
namespace sigfire::detail {

constexpr bool is_json_object(std::string_view raw) noexcept {
    return !raw.empty() && raw[0] == '{';
}

/// Checks a message that is no object: none of those says anything.
inline errc decode_scalar(message m, bool trusted) noexcept {
    json_scanner text{m.view(), trusted};
    const auto value = text.first() == '\0' ? std::string_view{} : text.value();
    if (value.empty() || !text.finished()) return not_json(m);
    return value == "null" ? errc::internal_error : errc::ok;
}

/// How values that are JSON are read.
struct json_values {
    static constexpr wire_id wire = wire_id::json;

    /// For the text behind escapes.
    using buffer = char[json_name_room];

    [[gnu::always_inline]] static bool truthy(std::string_view raw) noexcept { return json_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_json_string(raw); }
    static bool is_map(std::string_view raw) noexcept { return is_json_object(raw); }
    static bool is_false(std::string_view raw) noexcept { return raw == "false"; }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return json_unsigned(raw); }
    /// Its text; empty if it is no text, or none that could be a name. `plain`: there is no escape in it.
    [[gnu::always_inline]] static std::string_view text(std::string_view raw, buffer& room,
                                                        bool plain = false) noexcept {
        return plain && is_json_string(raw) ? json_contents(raw) : json_name(raw, room);
    }
    static bool members(std::string_view raw, std::initializer_list<wanted_member> wanted) noexcept {
        return json_members(raw, wanted);
    }
};

} // namespace sigfire::detail
