// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/big_endian.hpp>
#include <sigfire/text/utf8.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/** MessagePack (msgpack.org, specification of 2017) without a tree: one pass checks the message and finds
 *  members. No function here allocates, throws or recurses. An announced length is compared with the
 *  remaining bytes before use. Lengths and numbers need not have their shortest form. */
namespace sigfire::inline v0_1::detail {

/// Deepest accepted nesting of arrays and maps.
inline constexpr unsigned msgpack_max_depth = 512;

/// The kinds of values.
enum class msgpack_kind : unsigned char {
    wrong, ///< not a value: the byte 0xc1, or cut off
    nil,
    boolean,
    number,   ///< an integer that is not negative
    negative, ///< a negative integer
    real,     ///< a float of 32 or 64 bits
    text,
    bytes,
    ext,
    array,
    map,
};

/// One value, or the head of an array or map.
struct msgpack_value {
    msgpack_kind kind = msgpack_kind::wrong;
    std::uint64_t number = 0; ///< boolean: 0 or 1; number: its value; negative: 64-bit two's complement;
                              ///< real: bits of a double; array: number of elements; map: number of pairs
    std::string_view contents = {}; ///< bytes of text, bytes or ext, without the type byte of ext
    const char* behind = nullptr;   ///< position after the value

    /// Number of values that follow and belong to this one.
    constexpr std::uint64_t parts() const noexcept {
        return kind == msgpack_kind::array ? number : kind == msgpack_kind::map ? 2 * number : 0;
    }
    /// Whether the value is of kind `k`.
    constexpr bool is(msgpack_kind k) const noexcept { return kind == k; }
};

/// The value at `p`, or the head of an array or map. Does not check text for UTF-8.
inline msgpack_value read_msgpack(const char* p, const char* end) noexcept {
    using enum msgpack_kind;
    if (p == end) return {};
    const auto first = static_cast<unsigned char>(*p++);
    const auto left = [&] { return static_cast<std::uint64_t>(end - p); };
    const auto scalar = [&](msgpack_kind k, std::uint64_t n) { return msgpack_value{k, n, {}, p}; };
    const auto sized = [&](msgpack_kind k, std::uint64_t n) {
        if (n > left()) return msgpack_value{};
        return msgpack_value{k, 0, {p, static_cast<std::size_t>(n)}, p + n};
    };
    const auto several = [&](msgpack_kind k, std::uint64_t n) { // each element takes at least one byte
        return (k == map ? 2 * n : n) > left() ? msgpack_value{} : msgpack_value{k, n, {}, p};
    };
    if (first < 0x80) return scalar(number, first);
    if (first >= 0xe0) return scalar(negative, static_cast<std::uint64_t>(std::int64_t{first} - 0x100));
    if (first < 0x90) return several(map, first & 0x0fu);
    if (first < 0xa0) return several(array, first & 0x0fu);
    if (first < 0xc0) return sized(text, first & 0x1fu);

    // The number in the next `size` bytes.
    const auto next = [&](std::size_t size) -> std::uint64_t {
        const auto at = p;
        p += size;
        switch (size) {
        case 1: return load_big<std::uint8_t>(at);
        case 2: return load_big<std::uint16_t>(at);
        case 4: return load_big<std::uint32_t>(at);
        default: return load_big<std::uint64_t>(at);
        }
    };
    // For each first byte from 0xc0: bytes of the length or number that follows, plus the type byte of an
    // ext.
    constexpr unsigned char follow[32] = {0, 0, 0, 0, 1, 2, 4, 2, 3, 5, 4, 8, 1, 2, 4, 8,
                                          1, 2, 4, 8, 1, 1, 1, 1, 1, 1, 2, 4, 2, 4, 2, 4};
    if (left() < follow[first - 0xc0]) return {};
    const auto extension = [&](std::uint64_t n) {
        ++p; // skips the type byte
        return sized(ext, n);
    };
    const auto integer = [&](std::int64_t n) {
        return scalar(n < 0 ? negative : number, static_cast<std::uint64_t>(n));
    };
    switch (first) {
    case 0xc0: return scalar(nil, 0);
    case 0xc2: return scalar(boolean, 0);
    case 0xc3: return scalar(boolean, 1);
    case 0xc4: return sized(bytes, next(1));
    case 0xc5: return sized(bytes, next(2));
    case 0xc6: return sized(bytes, next(4));
    case 0xc7: return extension(next(1));
    case 0xc8: return extension(next(2));
    case 0xc9: return extension(next(4));
    case 0xca: {
        const double wide = std::bit_cast<float>(static_cast<std::uint32_t>(next(4)));
        return scalar(real, std::bit_cast<std::uint64_t>(wide));
    }
    case 0xcb: {
        const auto bits = next(8);
        return scalar(real, bits);
    }
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf: {
        const auto n = next(std::size_t{1} << (first - 0xcc));
        return scalar(number, n);
    }
    case 0xd0: return integer(static_cast<std::int8_t>(next(1)));
    case 0xd1: return integer(static_cast<std::int16_t>(next(2)));
    case 0xd2: return integer(static_cast<std::int32_t>(next(4)));
    case 0xd3: return integer(static_cast<std::int64_t>(next(8)));
    case 0xd4: return extension(1);
    case 0xd5: return extension(2);
    case 0xd6: return extension(4);
    case 0xd7: return extension(8);
    case 0xd8: return extension(16);
    case 0xd9: return sized(text, next(1));
    case 0xda: return sized(text, next(2));
    case 0xdb: return sized(text, next(4));
    case 0xdc: return several(array, next(2));
    case 0xdd: return several(array, next(4));
    case 0xde: return several(map, next(2));
    case 0xdf: return several(map, next(4));
    default: return {};
    }
}

/** The position after the value at `p` and all its parts, which are checked; or null. `depth`: number of
 *  arrays and maps around the value. */
inline const char* skip_msgpack(const char* p, const char* end, unsigned depth = 0) noexcept {
    std::uint64_t due[msgpack_max_depth]; // remaining values of each open array or map, innermost last
    unsigned open = 0;
    for (;;) {
        const auto v = read_msgpack(p, end);
        if (v.is(msgpack_kind::wrong)) return nullptr;
        if (v.is(msgpack_kind::text) && !is_utf8(v.contents)) return nullptr;
        p = v.behind;
        if (v.is(msgpack_kind::array) || v.is(msgpack_kind::map)) {
            if (depth + open == msgpack_max_depth) return nullptr;
            if (v.parts() != 0) {
                due[open++] = v.parts();
                continue;
            }
        }
        while (open != 0 && --due[open - 1] == 0) --open;
        if (open == 0) return p;
    }
}

/// Reads one MessagePack message from front to back.
class msgpack_scanner {
public:
    explicit msgpack_scanner(std::string_view message) noexcept
        : p_(message.data()), end_(p_ + message.size()) {}

    /// Whether the first bytes of the next value are those of a map.
    bool at_map() const noexcept { return read_msgpack(p_, end_).is(msgpack_kind::map); }

    /// The MessagePack of the next value; empty if it is not valid.
    std::string_view value() noexcept {
        const auto start = p_;
        const auto behind = skip_msgpack(p_, end_, depth_);
        if (behind == nullptr) return {};
        p_ = behind;
        return {start, behind};
    }

    /** Reads the next value, a map: calls `f(name)` for each pair, with the text of its key. The name is
     *  empty if the key is not text. `f` reads the value by `value` or `map`, and returns whether that
     *  succeeded. Returns the MessagePack of the map, or an empty view. */
    template <class F>
    std::string_view map(F f) {
        const auto start = p_;
        const auto head = read_msgpack(p_, end_);
        if (!head.is(msgpack_kind::map) || depth_ == msgpack_max_depth) return {};
        p_ = head.behind;
        ++depth_;
        for (auto left = head.number; left != 0; --left) {
            const auto key = read_msgpack(p_, end_);
            if (value().empty()) return {};
            if (!f(key.is(msgpack_kind::text) ? key.contents : std::string_view{})) return {};
        }
        --depth_;
        return {start, p_};
    }

    /// Whether the message ends here.
    bool finished() const noexcept { return p_ == end_; }

private:
    const char* p_;
    const char* end_;
    unsigned depth_ = 0;
};

/// The checked value `raw`; `wrong` if it is empty.
inline msgpack_value msgpack_at(std::string_view raw) noexcept {
    return read_msgpack(raw.data(), raw.data() + raw.size());
}

/// Whether the checked value `raw` is text.
inline bool is_msgpack_text(std::string_view raw) noexcept {
    return msgpack_at(raw).is(msgpack_kind::text);
}

/// The contents of the text `raw`; empty if `raw` is not text.
inline std::string_view msgpack_text(std::string_view raw) noexcept {
    const auto v = msgpack_at(raw);
    return v.is(msgpack_kind::text) ? v.contents : std::string_view{};
}

/// Whether the checked value `raw` is a map.
inline bool is_msgpack_map(std::string_view raw) noexcept {
    return msgpack_at(raw).is(msgpack_kind::map);
}

/** The whole number `raw`, up to 2^53 if it is a float. Some JavaScript encoders write numbers of more than
 *  32 bits as floats. */
inline std::optional<std::uint64_t> msgpack_uint(std::string_view raw) noexcept {
    const auto v = msgpack_at(raw);
    if (v.is(msgpack_kind::number)) return v.number;
    if (!v.is(msgpack_kind::real)) return {};
    const auto n = std::bit_cast<double>(v.number);
    if (!(n >= 0 && n <= 9007199254740992.0) || n != std::floor(n)) return {};
    return static_cast<std::uint64_t>(n);
}

/// Whether the checked value `raw` is true in JavaScript; false for no value.
inline bool msgpack_truthy(std::string_view raw) noexcept {
    const auto v = msgpack_at(raw);
    switch (v.kind) {
    case msgpack_kind::wrong:
    case msgpack_kind::nil: return false;
    case msgpack_kind::boolean:
    case msgpack_kind::number: return v.number != 0;
    case msgpack_kind::real: {
        const auto n = std::bit_cast<double>(v.number);
        return n < 0 || n > 0; // neither zero nor NaN
    }
    case msgpack_kind::text: return !v.contents.empty();
    default: return true;
    }
}

} // namespace sigfire::inline v0_1::detail
