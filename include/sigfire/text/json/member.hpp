// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/// Finds rare members in JSON that has been checked before.
namespace sigfire::inline v0_1::detail {

/// The name of a wanted member, and the destination of its value.
struct wanted_member {
    std::string_view name;
    std::string_view* value;
};

/** Finds members of the JSON object `text`. Each value is a view of its JSON; the last of equal names counts.
 *  The value of an absent member stays unchanged. An empty `text` is an object without members. Returns false
 *  if `text` is not an object. `trusted`: as for `json_scanner`. */
inline bool json_members(std::string_view text, std::initializer_list<wanted_member> wanted,
                         bool trusted = false) noexcept {
    if (text.empty()) return true;
    json_scanner scan{text, trusted};
    if (scan.first() != '{') return false;
    const auto whole = scan.object([&](std::string_view raw_name) {
        char buffer[24];
        const auto name = json_unescape(raw_name, buffer, sizeof buffer);
        const auto value = scan.value();
        for (const auto& w : wanted)
            if (w.name == name) *w.value = value;
        return !value.empty();
    });
    return !whole.empty() && scan.finished();
}

/// The JSON of the member `name` of `object`; empty if `object` has no such member or is not an object.
inline std::string_view json_member(std::string_view object, std::string_view name) noexcept {
    std::string_view found;
    json_members(object, {{name, &found}});
    return found;
}

/// Calls `f(value)` with the JSON of each element of `array`; does nothing if `array` is not an array.
template <class F>
void json_elements(std::string_view array, F f) {
    if (array.empty() || array[0] != '[') return;
    for (auto rest = array.substr(1);;) { // ends in a bracket, as the scanner needs
        json_scanner text{rest};
        if (text.first() == ',') {
            rest.remove_prefix(text.offset() + 1);
            continue;
        }
        if (text.first() == ']' || text.first() == '\0') return;
        const auto value = text.value();
        if (value.empty()) return;
        f(value);
        rest.remove_prefix(text.offset());
    }
}

/// The decoded text of the string `raw`; empty if `raw` is not a string.
inline std::string json_string(std::string_view raw) {
    if (!is_json_string(raw)) return {};
    std::string buffer(raw.size() + 4, '\0');
    return std::string{json_unescape(json_contents(raw), buffer.data(), buffer.size())};
}

/// The decoded text of the string `raw`; empty if `raw` is not a string, or its text cannot be a name.
inline std::string_view json_name(std::string_view raw, char (&buffer)[json_name_room]) noexcept {
    return is_json_string(raw) ? json_unescape(json_contents(raw), buffer, sizeof buffer)
                               : std::string_view{};
}

/// The number `raw`, if it has no sign, fraction or exponent and fits in 64 bits.
inline std::optional<std::uint64_t> json_unsigned(std::string_view raw) noexcept {
    std::uint64_t n = 0;
    const auto end = raw.data() + raw.size();
    const auto [at, failed] = std::from_chars(raw.data(), end, n);
    if (raw.empty() || failed != std::errc{} || at != end) return {};
    return n;
}

} // namespace sigfire::inline v0_1::detail
