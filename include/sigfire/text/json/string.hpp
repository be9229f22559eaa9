// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/simd.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// The contents of JSON strings, and their escapes.
namespace sigfire::inline v0_1::detail {

// Like ==, but the comparison with a constant number of bytes compiles to a few integer compares, not to a
// call.
template <std::size_t N>
[[gnu::always_inline]] inline bool is(std::string_view s, const char (&word)[N]) noexcept {
    return s.size() == N - 1 && std::memcmp(s.data(), word, N - 1) == 0;
}

/// Bytes of room for a decoded id or command. Longer text cannot be a name.
inline constexpr std::size_t json_name_room = 256 + 4;

/// Whether the checked value `raw` is a string.
constexpr bool is_json_string(std::string_view raw) noexcept {
    return !raw.empty() && raw[0] == '"';
}

/// The contents between the quotes of the string `raw`.
constexpr std::string_view json_contents(std::string_view raw) noexcept {
    return {raw.data() + 1, raw.size() - 2};
}

// Whether s is valid between quotes without escapes. Returns false for text that is not ASCII, which costs
// only time.
inline bool json_plain(std::string_view s) noexcept {
    const auto p = s.data();
    const auto n = s.size();
    if (n >= 16) {
        if (n <= 32) return baseline::first_special(p) == 16 && baseline::first_special(p + n - 16) == 16;
        for (std::size_t i = 0; i + 16 < n; i += 16)
            if (baseline::first_special(p + i) != 16) return false;
        return baseline::first_special(p + n - 16) == 16;
    }
    // Shorter text fits in two words that may overlap; only the set of bytes counts here, not their order.
    const auto plain = [](std::uint64_t w) {
        return (swar::equal(w, '"') | swar::equal(w, '\\') | swar::unplain(w)) == 0;
    };
    if (n >= 8) return plain(swar::load(p)) && plain(swar::load(p + n - 8));
    std::uint32_t front = swar::all('a') & 0xffffffff, back = front;
    if (n >= 4) {
        std::memcpy(&front, p, 4);
        std::memcpy(&back, p + n - 4, 4);
    } else if (n != 0) {
        const char some[4] = {p[0], p[n / 2], p[n - 1], 'a'};
        std::memcpy(&front, some, 4);
    }
    return plain(front | static_cast<std::uint64_t>(back) << 32);
}

// Calls put(char) for each byte of s in its form between quotes.
template <class Put>
constexpr void json_escape(std::string_view s, Put put) {
    for (const char c : s) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            put('\\'), put(c);
        } else if (byte >= 0x20) {
            put(c);
        } else {
            constexpr auto digits = "0123456789abcdef";
            for (const char d : std::string_view{"\\u00"}) put(d);
            put(digits[byte >> 4]), put(digits[byte & 15]);
        }
    }
}

/// The value of four hexadecimal digits, or -1.
constexpr int hex4(const char* p) noexcept {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
        const char c = p[i], l = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (l >= 'a' && l <= 'f')
            value = value * 16 + (l - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/// Whether an escape follows the backslash at `p[-1]`.
constexpr bool is_json_escape(const char* p, const char* end) noexcept {
    if (p == end) return false;
    if (*p == 'u') return end - p >= 5 && hex4(p + 1) >= 0;
    switch (*p) { // no call, so that the calling loop keeps its constants in registers
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return true;
    default: return false;
    }
}

// The part of `json_unescape` for a string that is not plain.
template <bool Replace>
[[gnu::noinline]] inline std::string_view json_unescape_odd(std::string_view s, char* buffer,
                                                            std::size_t size) noexcept {
    if (s.find('\\') == s.npos) return s;
    auto out = buffer;
    for (auto p = s.data(), end = p + s.size(); p != end;) {
        if (size - static_cast<std::size_t>(out - buffer) < 4) return {};
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        ++p;
        if (*p != 'u') {
            constexpr std::string_view letters = "bfnrt", controls = "\b\f\n\r\t";
            const auto i = letters.find(*p);
            *out++ = i == letters.npos ? *p : controls[i];
            ++p;
            continue;
        }
        auto code = static_cast<std::uint32_t>(hex4(p + 1));
        p += 5;
        if (code >= 0xd800 && code < 0xe000) {
            const bool followed = code < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u';
            const auto low = followed ? static_cast<std::uint32_t>(hex4(p + 2)) : 0;
            if (low >= 0xdc00 && low < 0xe000) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                p += 6;
            } else {
                if constexpr (!Replace) return {};
                code = 0xfffd;
            }
        }
        const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xc0 | code >> 6);
            put(0x80 | (code & 0x3f));
        } else {
            if (code < 0x10000) {
                put(0xe0 | code >> 12);
            } else {
                put(0xf0 | code >> 18);
                put(0x80 | (code >> 12 & 0x3f));
            }
            put(0x80 | (code >> 6 & 0x3f));
            put(0x80 | (code & 0x3f));
        }
    }
    return {buffer, out};
}

/** Decodes the escapes of a string to UTF-8. `s` is the checked text between the quotes; `buffer` has `size`
 *  bytes.
 *
 *  Returns `s` itself if it has no escape, else the text in `buffer`. Returns a null view if the text does
 *  not fit, or if there is only half of a surrogate pair: no UTF-8 text equals that half. With `Replace`,
 *  such a half becomes U+FFFD. */
template <bool Replace = false>
inline std::string_view json_unescape(std::string_view s, char* buffer, std::size_t size) noexcept {
    if (json_plain(s)) [[likely]]
        return s;
    return json_unescape_odd<Replace>(s, buffer, size);
}

} // namespace sigfire::inline v0_1::detail
