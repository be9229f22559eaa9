// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <string>
#include <string_view>

namespace sigfire::detail {

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

} // namespace sigfire::detail
