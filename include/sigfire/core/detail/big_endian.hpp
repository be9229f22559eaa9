// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <concepts>
#include <cstddef>

namespace sigfire::inline v0_1::detail {

/// The number at `p`, most significant byte first.
template <std::unsigned_integral T>
constexpr T load_big(const char* p) noexcept {
    T v = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        v = static_cast<T>(v | static_cast<T>(static_cast<unsigned char>(p[i])) << 8 * (sizeof(T) - 1 - i));
    return v;
}

/// Writes `v` at `p`, most significant byte first.
template <std::unsigned_integral T>
constexpr void store_big(char* p, T v) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i) p[i] = static_cast<char>(v >> 8 * (sizeof(T) - 1 - i));
}

} // namespace sigfire::inline v0_1::detail
