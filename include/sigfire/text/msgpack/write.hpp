// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/big_endian.hpp>
#include <sigfire/text/sink.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Writes MessagePack, each value in its shortest form, but floats always with 64 bits.
template <class Sink>
class msgpack_writer {
public:
    explicit msgpack_writer(Sink sink) : sink_(sink) {}

    /// Writes nil.
    void nil() { byte(0xc0); }
    /// Writes a boolean.
    void boolean(bool b) { byte(b ? 0xc3 : 0xc2); }

    /// Writes an integer that is not negative.
    void number(std::uint64_t n) {
        if (n < 0x80)
            byte(static_cast<unsigned>(n));
        else
            sized(n, 0xcc, 0xcd, 0xce);
    }

    /// Writes a negative integer.
    void negative(std::int64_t n) {
        if (n >= -32)
            byte(static_cast<unsigned>(n) & 0xff);
        else if (n >= INT8_MIN)
            head(0xd0, static_cast<std::uint8_t>(n));
        else if (n >= INT16_MIN)
            head(0xd1, static_cast<std::uint16_t>(n));
        else if (n >= INT32_MIN)
            head(0xd2, static_cast<std::uint32_t>(n));
        else
            head(0xd3, static_cast<std::uint64_t>(n));
    }

    /// Writes a float of 64 bits.
    void real(double d) { head(0xcb, std::bit_cast<std::uint64_t>(d)); }

    /// Writes text, which must be UTF-8. All sizes must be less than 4 GiB.
    void text(std::string_view s) {
        if (s.size() < 32)
            byte(0xa0 | static_cast<unsigned>(s.size()));
        else
            sized(s.size(), 0xd9, 0xda, 0xdb);
        raw(s);
    }

    /// Writes the head of an array of `n` elements. The elements follow.
    void array(std::size_t n) { several(n, 0x90, 0xdc); }
    /// Writes the head of a map of `n` pairs. The pairs follow.
    void map(std::size_t n) { several(n, 0x80, 0xde); }

    /// Writes MessagePack unchanged.
    void raw(std::string_view s) { sink_(s.data(), s.size()); }

    /// Number of bytes written.
    std::size_t size() const noexcept { return sink_.size(); }

private:
    void byte(unsigned b) {
        const auto c = static_cast<char>(b);
        sink_(&c, 1);
    }

    template <std::unsigned_integral T>
    void head(unsigned first, T n) {
        char bytes[1 + sizeof n] = {static_cast<char>(first)};
        store_big(bytes + 1, n);
        sink_(bytes, sizeof bytes);
    }

    // The arguments are the first bytes for 8, 16 and 32 bits; the first byte for 64 bits is the next one.
    void sized(std::uint64_t n, unsigned first8, unsigned first16, unsigned first32) {
        if (n <= 0xff)
            head(first8, static_cast<std::uint8_t>(n));
        else if (n <= 0xffff)
            head(first16, static_cast<std::uint16_t>(n));
        else if (n <= 0xffffffff)
            head(first32, static_cast<std::uint32_t>(n));
        else
            head(first32 + 1, n);
    }

    void several(std::size_t n, unsigned small, unsigned first16) {
        if (n < 16)
            byte(small | static_cast<unsigned>(n));
        else if (n <= 0xffff)
            head(first16, static_cast<std::uint16_t>(n));
        else
            head(first16 + 1, static_cast<std::uint32_t>(n));
    }

    Sink sink_;
};

} // namespace sigfire::inline v0_1::detail
