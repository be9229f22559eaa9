// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/** Looks into JSON that has been checked: what is rare enough not to be read on the way. */
namespace sigfire::detail {

/// The value of the member `name` as it stands in `object`; empty if there is none, or it is no object.
inline std::string_view json_member(std::string_view object, std::string_view name) noexcept {
    json_scanner text{object};
    std::string_view found;
    if (text.first() == '{')
        text.object([&](std::string_view member) {
            char buffer[24];
            const auto value = text.value();
            if (json_unescape(member, buffer, sizeof buffer) == name) found = value;
            return !value.empty();
        });
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

/// The number `raw`, if it is one without sign, fraction and exponent.
inline std::optional<std::uint64_t> json_unsigned(std::string_view raw) noexcept {
    std::uint64_t n = 0;
    const auto end = raw.data() + raw.size();
    const auto [at, failed] = std::from_chars(raw.data(), end, n);
    if (raw.empty() || failed != std::errc{} || at != end) return {};
    return n;
}

} // namespace sigfire::detail
