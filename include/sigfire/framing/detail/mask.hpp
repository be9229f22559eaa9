// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/random.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sigfire::inline v0_1::detail {

/// The key for the bytes after the first `n` bytes masked with `key`. Keys are in memory order.
template <class T>
constexpr T advance_mask(T key, std::size_t n) noexcept {
    const auto bits = static_cast<int>(n % 4 * 8);
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

// Masks as many bytes at a time as a word has. The last word overlaps earlier words. So the function reads
// the last word first and writes it last. This avoids a loop over the remaining bytes.
template <class Word>
[[gnu::always_inline]] inline void mask_words(char* p, std::size_t n, std::uint32_t key) noexcept {
    constexpr auto size = sizeof(Word), unrolled = 4 * size;
    const auto wide = [](std::uint32_t k) { return Word{} + (std::uint64_t{k} << 32 | k); };
    const auto masked = [](const char* at, Word by) {
        Word word;
        std::memcpy(&word, at, size);
        return word ^ by;
    };
    const auto step = [&](char* at, Word by) {
        const auto word = masked(at, by);
        std::memcpy(at, &word, size);
    };
    const auto by = wide(key);
    const auto tail = p + n - size;
    const auto last = masked(tail, wide(advance_mask(key, n)));
    for (; tail - p >= static_cast<std::ptrdiff_t>(unrolled); p += unrolled)
        for (std::size_t i = 0; i != unrolled; i += size) step(p + i, by);
    for (; p < tail; p += size) step(p, by);
    std::memcpy(tail, &last, size);
}

/// Masks or unmasks `n` bytes in place (RFC 6455, section 5.3).
inline void mask(char* p, std::size_t n, std::uint32_t key) noexcept {
    using two_words [[gnu::vector_size(16)]] = std::uint64_t;
    if (n >= sizeof(two_words)) return mask_words<two_words>(p, n, key);
    if (n >= sizeof(std::uint64_t)) return mask_words<std::uint64_t>(p, n, key);
    for (; n != 0; --n, key = advance_mask(key, 1)) {
        char low[sizeof key];
        std::memcpy(low, &key, sizeof key);
        *p = static_cast<char>(*p ^ low[0]), ++p;
    }
}

/** A fresh masking key. The author of a payload must not be able to predict the key. Otherwise the author
 *  could write bytes that look like another protocol to intermediaries (RFC 6455, section 10.3). The peer
 *  sees all earlier keys, so a small generator is not enough. The keys come from the system's random bytes,
 *  64 keys per call. Throws if `random_bytes` throws. */
inline std::uint32_t fresh_mask_key() {
    struct keys {
        std::array<std::uint32_t, 64> values;
        std::size_t left = 0;
    };
    thread_local keys pool;
    if (pool.left == 0) {
        random_bytes(std::span{reinterpret_cast<unsigned char*>(pool.values.data()), sizeof pool.values});
        pool.left = pool.values.size();
    }
    return pool.values[--pool.left];
}

} // namespace sigfire::inline v0_1::detail
