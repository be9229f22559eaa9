// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/transcoded_part.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/msgpack/write.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#ifndef __cpp_lib_to_chars
#include <locale.h>
#include <stdlib.h>
#endif

namespace sigfire::inline v0_1::detail {

/// The position after the string with its contents at `p`, in checked JSON.
constexpr const char* behind_json_string(const char* p) noexcept {
    while (*p != '"') p += *p == '\\' ? 2 : 1;
    return p + 1;
}

/** Numbers of elements or members of all arrays and objects in the checked `text`, in order of their first
 *  byte. MessagePack writes these numbers first. */
inline std::vector<std::uint32_t> json_sizes(std::string_view text) {
    std::vector<std::uint32_t> sizes;
    std::size_t open[json_max_depth]; // indexes of the open ones, innermost last
    unsigned depth = 0;
    bool empty = false; // directly after an opening bracket
    for (auto p = text.data(), end = p + text.size(); p != end;) {
        const char c = *p++;
        if (is_json_blank(c)) continue;
        if (empty && c != ']' && c != '}') sizes[open[depth - 1]] = 1;
        empty = c == '[' || c == '{';
        if (empty) {
            open[depth++] = sizes.size();
            sizes.push_back(0);
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',') {
            ++sizes[open[depth - 1]];
        } else if (c == '"') {
            p = behind_json_string(p);
        }
    }
    return sizes;
}

/** The double nearest to the number `raw`. Out of range, it is zero or infinity with the sign of `raw`, as in
 *  JavaScript. */
inline double json_double(std::string_view raw) {
#ifndef __cpp_lib_to_chars // libc++ 19 has no from_chars for double
    static const auto c_locale = ::newlocale(LC_ALL_MASK, "C", nullptr);
    return ::strtod_l(std::string{raw}.c_str(), nullptr, c_locale);
#else
    const auto begin = raw.data(), end = begin + raw.size();
    double d = 0;
    if (std::from_chars(begin, end, d).ec == std::errc{}) return d;
    // The decimal place of the first non-zero digit distinguishes overflow and underflow.
    const auto mantissa = raw.substr(0, raw.find_first_of("eE"));
    const auto first = static_cast<std::int64_t>(mantissa.find_first_of("123456789"));
    const auto point = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
    std::int64_t exponent = 0;
    if (mantissa.size() != raw.size()) {
        auto at = begin + mantissa.size() + 1;
        if (*at == '+') ++at;
        if (std::from_chars(at, end, exponent).ec != std::errc{})
            exponent = *at == '-' ? std::numeric_limits<int>::min() : std::numeric_limits<int>::max();
        exponent = std::clamp<std::int64_t>(exponent, std::numeric_limits<int>::min(),
                                            std::numeric_limits<int>::max());
    }
    const bool great = point - first + exponent > 0;
    d = great ? std::numeric_limits<double>::infinity() : 0.0;
    return raw[0] == '-' ? -d : d;
#endif
}

template <class Sink>
void number_to_msgpack(std::string_view raw, msgpack_writer<Sink>& out) {
    const auto begin = raw.data(), end = begin + raw.size();
    const auto whole = [&](auto n) {
        const auto [at, failed] = std::from_chars(begin, end, n);
        if (failed != std::errc{} || at != end) return false;
        if constexpr (std::is_signed_v<decltype(n)>)
            n < 0 ? out.negative(n) : out.number(0); // -0 becomes 0
        else
            out.number(n);
        return true;
    };
    if (raw[0] == '-' ? !whole(std::int64_t{}) : !whole(std::uint64_t{})) out.real(json_double(raw));
}

/** Appends the value of the JSON `text`, as MessagePack, to `out`. Errors: `malformed` if `text` is not JSON,
 *  `too_large` as soon as `out` has more than `limit` bytes. */
inline errc json_to_msgpack(std::string_view text, std::string& out, std::size_t limit,
                            transcoded_part& part) {
    json_scanner check{text};
    if (check.first() == '\0' || check.value().empty() || !check.finished()) return errc::malformed;
    const auto sizes = json_sizes(text);
    auto size = sizes.begin();
    msgpack_writer write{string_sink{out}};
    std::string plain; // a string with decoded escapes
    unsigned depth = 0;
    for (auto p = text.data(), end = p + text.size(); p != end;) {
        const auto start = p++;
        if (is_json_blank(*start) || *start == ',' || *start == ':') continue;
        if (*start == '}' || *start == ']') {
            part.ends(--depth, out.size());
            continue;
        }
        part.begins(start, depth, out.size());
        switch (*start) {
        case '{':
            write.map(*size++);
            ++depth;
            continue;
        case '[':
            write.array(*size++);
            ++depth;
            continue;
        case '"': {
            p = behind_json_string(p);
            const std::string_view contents{start + 1, p - 1};
            if (contents.find('\\') == contents.npos) {
                write.text(contents);
                break;
            }
            plain.resize(contents.size() + 4);
            write.text(json_unescape<true>(contents, plain.data(), plain.size()));
            break;
        }
        case 't':
            write.boolean(true);
            p = start + 4;
            break;
        case 'f':
            write.boolean(false);
            p = start + 5;
            break;
        case 'n':
            write.nil();
            p = start + 4;
            break;
        default: p = json_number_end(start, end); number_to_msgpack({start, p}, write);
        }
        part.ends(depth, out.size());
        if (out.size() > limit) return errc::too_large;
    }
    return out.size() > limit ? errc::too_large : errc::ok;
}

} // namespace sigfire::inline v0_1::detail
