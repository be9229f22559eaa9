// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Base64url without padding (RFC 4648, section 5; RFC 7515, section 2).
namespace sigfire::inline v0_1::detail {

inline constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Encodes bytes.
inline std::string base64url(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : bytes) {
        held = held << 8 | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6; bits -= 6) out += base64url_alphabet[held >> (bits - 6) & 63];
    }
    if (bits != 0) out += base64url_alphabet[held << (6 - bits) & 63];
    return out;
}

/** Decodes `text` to bytes. Each value has exactly one text: padding, blanks, characters of plain base64 and
 *  trailing bits that are not zero are errors. */
inline std::optional<std::string> base64url_decoded(std::string_view text) {
    static constexpr auto values = [] {
        std::array<std::int8_t, 256> out{};
        out.fill(-1);
        for (std::size_t i = 0; i < base64url_alphabet.size(); ++i)
            out[static_cast<unsigned char>(base64url_alphabet[i])] = static_cast<std::int8_t>(i);
        return out;
    }();
    if (text.size() % 4 == 1) return {};
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = values[static_cast<unsigned char>(c)];
        if (value < 0) return {};
        held = held << 6 | static_cast<std::uint32_t>(value);
        if ((bits += 6) >= 8) out += static_cast<char>(held >> (bits -= 8) & 0xff);
    }
    if ((held & ((1u << bits) - 1)) != 0) return {};
    return out;
}

} // namespace sigfire::inline v0_1::detail
