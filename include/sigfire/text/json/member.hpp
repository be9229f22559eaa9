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

/** Looks into JSON that has been checked, for members rare enough not to be read on the way. */
namespace sigfire::detail {

/// One member that is looked for, and where its value goes.
struct wanted_member {
    std::string_view name;
    std::string_view* value;
};

/** Members of the JSON object `text`, as they stand there, the last of equal ones; the value of an absent
 *  member stays as it is. `text` may be empty: an object without members. False if it is no object. `trusted`
 *  as for `json_scanner`. */
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

/// The value of the member `name` as it stands in `object`; empty if there is none, or it is no object.
inline std::string_view json_member(std::string_view object, std::string_view name) noexcept {
    std::string_view found;
    json_members(object, {{name, &found}});
    return found;
}

/// Calls `f(value)` for each element of `array` as it stands there; for none if it is no array.
template <class F>
void json_elements(std::string_view array, F f) {
    if (array.empty() || array[0] != '[') return;
    for (auto rest = array.substr(1);;) { // ends in a bracket, as the scanner wants it
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

/// The text of the string `raw`; empty if it is none.
inline std::string json_string(std::string_view raw) {
    if (!is_json_string(raw)) return {};
    std::string buffer(raw.size() + 4, '\0');
    return std::string{json_unescape(json_contents(raw), buffer.data(), buffer.size())};
}

/// The text of the string `raw`; empty if it is none, or none that could be a name.
inline std::string_view json_name(std::string_view raw, char (&buffer)[json_name_room]) noexcept {
    return is_json_string(raw) ? json_unescape(json_contents(raw), buffer, sizeof buffer)
                               : std::string_view{};
}

/// The number `raw`, if it is one without sign, fraction and exponent.
inline std::optional<std::uint64_t> json_unsigned(std::string_view raw) noexcept {
    std::uint64_t n = 0;
    const auto end = raw.data() + raw.size();
    const auto [at, failed] = std::from_chars(raw.data(), end, n);
    if (raw.empty() || failed != std::errc{} || at != end) return {};
    return n;
}

} // namespace sigfire::detail
