// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Appends `text` to `out`, percent-encoded. Unreserved characters stay as they are (RFC 3986, section 2.3).
inline void append_percent_encoded(std::string& out, std::string_view text) {
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        constexpr auto digits = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        (out += '%') += digits[byte >> 4];
        out += digits[byte & 15];
    }
}

/// Undoes it: each `%` with two digits becomes a byte, another one stays. With `plus_is_blank`, as in a
/// query, `+` is a blank.
inline std::string percent_decoded(std::string_view text, bool plus_is_blank = false) {
    const auto hex = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            out += c == '+' && plus_is_blank ? ' ' : c;
        }
    }
    return out;
}

} // namespace sigfire::inline v0_1::detail
