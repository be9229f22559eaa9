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

/// Reads messages that are JSON objects.
namespace sigfire::inline v0_1::detail {

constexpr bool is_json_object(std::string_view raw) noexcept {
    return !raw.empty() && raw[0] == '{';
}

/// Checks a message that is not an object. Such a message has no meaning.
inline errc decode_scalar(message m, bool trusted) noexcept {
    json_scanner text{m.view(), trusted};
    const auto value = text.first() == '\0' ? std::string_view{} : text.value();
    if (value.empty() || !text.finished()) return not_json(m);
    return value == "null" ? errc::internal_error : errc::ok;
}

/// Reads values in JSON.
struct json_values {
    static constexpr wire_id wire = wire_id::json;

    /// Room for a text with decoded escapes.
    using buffer = char[json_name_room];

    [[gnu::always_inline]] static bool truthy(std::string_view raw) noexcept { return json_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_json_string(raw); }
    static bool is_map(std::string_view raw) noexcept { return is_json_object(raw); }
    static bool is_false(std::string_view raw) noexcept { return raw == "false"; }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return json_unsigned(raw); }
    /** The text of `raw`; empty if `raw` is not a text, or its text cannot be a name. `plain`: whether there
     *  is no escape. */
    [[gnu::always_inline]] static std::string_view text(std::string_view raw, buffer& room,
                                                        bool plain = false) noexcept {
        return plain && is_json_string(raw) ? json_contents(raw) : json_name(raw, room);
    }
    /// The text of `raw` if it is a text without escapes, else empty.
    static std::string_view plain_text(std::string_view raw) noexcept {
        const auto text = is_json_string(raw) ? json_contents(raw) : std::string_view{};
        return text.find('\\') == text.npos ? text : std::string_view{};
    }
    static bool members(std::string_view raw, std::initializer_list<wanted_member> wanted) noexcept {
        return json_members(raw, wanted);
    }
};

} // namespace sigfire::inline v0_1::detail
