// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/** The only file with intrinsics. A kernel reads a block of 64 bytes and returns bit masks: bit i is for byte
 *  i. The library is built for the baseline architecture and selects AVX2 at run time. */
namespace sigfire::inline v0_1::detail {

/// The facts about 64 bytes that a JSON string scanner needs.
struct string_masks {
    std::uint64_t quote;     ///< `"`
    std::uint64_t backslash; ///< `\`
    std::uint64_t r_or_n;    ///< the letters of the two most common escapes in session descriptions
    std::uint64_t unplain;   ///< control characters and bytes that are not ASCII
};

/// The portable kernel, with 64-bit words only.
struct swar {
    static constexpr std::uint64_t all(std::uint64_t c) noexcept { return c * 0x0101010101010101u; }

    static std::uint64_t load(const char* p) noexcept {
        std::uint64_t w;
        std::memcpy(&w, p, sizeof w);
        if constexpr (std::endian::native == std::endian::big) w = __builtin_bswap64(w);
        return w;
    }

    // The top bit of each zero byte, exactly: no carry leaves a byte.
    static constexpr std::uint64_t zeros(std::uint64_t w) noexcept {
        return ~(((w & all(0x7f)) + all(0x7f)) | w) & all(0x80);
    }

    static constexpr std::uint64_t unplain(std::uint64_t w) noexcept {
        return (~((w & all(0x7f)) + all(0x60)) | w) & all(0x80);
    }

    static constexpr std::uint64_t equal(std::uint64_t w, char c) noexcept {
        return zeros(w ^ all(static_cast<unsigned char>(c)));
    }

    // Moves the top bit of each byte to eight adjacent bits.
    static constexpr std::uint64_t gather(std::uint64_t tops) noexcept {
        return ((tops >> 7) * 0x0102040810204080u) >> 56;
    }

    static string_masks classify(const char* p) noexcept {
        string_masks m{};
        for (unsigned i = 0; i < 64; i += 8) {
            const auto w = load(p + i);
            m.quote |= gather(equal(w, '"')) << i;
            m.backslash |= gather(equal(w, '\\')) << i;
            m.r_or_n |= gather(equal(w, 'r') | equal(w, 'n')) << i;
            m.unplain |= gather(unplain(w)) << i;
        }
        return m;
    }

    /** Of the 16 bytes at `p`: the index of the first special byte at or after `from`, or 16. Special are a
     *  quote, a backslash, a control character and a byte that is not ASCII. */
    static unsigned first_special(const char* p, unsigned from = 0) noexcept {
        for (unsigned i = 0; i < 16; i += 8) {
            const auto w = load(p + i);
            auto m = equal(w, '"') | equal(w, '\\') | unplain(w);
            if (from > i) m = from - i < 8 ? m >> (from - i) * 8 << (from - i) * 8 : 0;
            if (m != 0) return i + static_cast<unsigned>(std::countr_zero(m)) / 8;
        }
        return 16;
    }
};

#if defined(__x86_64__)

// Vector types that g++ and clang add to the language, and two built-in functions: <immintrin.h> would cost
// half a second of compile time. Bytes are signed here, so bytes beyond ASCII are less than a blank too.

struct sse2 {
    using bytes [[gnu::vector_size(16)]] = signed char;
    using chars [[gnu::vector_size(16)]] = char; // the type that the built-in function takes

    static std::uint64_t bits(bytes v) noexcept {
        return static_cast<std::uint32_t>(__builtin_ia32_pmovmskb128(reinterpret_cast<chars>(v)));
    }
    static bytes equal(bytes v, char c) noexcept { return v == static_cast<signed char>(c); }
    static bytes load(const char* p) noexcept {
        bytes v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }

    static string_masks classify(const char* p) noexcept {
        string_masks m{};
        for (unsigned i = 0; i < 64; i += 16) {
            const auto v = load(p + i);
            m.quote |= bits(equal(v, '"')) << i;
            m.backslash |= bits(equal(v, '\\')) << i;
            m.r_or_n |= bits(equal(v, 'r') | equal(v, 'n')) << i;
            m.unplain |= bits(v < ' ') << i;
        }
        return m;
    }

    static unsigned first_special(const char* p, unsigned from = 0) noexcept {
        const auto v = load(p);
        const auto marks = equal(v, '"') | equal(v, '\\');
        // Bit 16 ends the search.
        const auto all = static_cast<std::uint32_t>(bits(marks | (v < ' '))) | 0x10000u;
        const auto special = all >> from << from;
        if (special == 0) __builtin_unreachable(); // `countr_zero` would test for zero otherwise
        return static_cast<unsigned>(std::countr_zero(special));
    }
};

struct avx2 {
    using bytes [[gnu::vector_size(32)]] = signed char;
    using chars [[gnu::vector_size(32)]] = char;

    [[gnu::target("avx2")]] static std::uint64_t bits(bytes low, bytes high) noexcept {
        return static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(reinterpret_cast<chars>(low))) |
               std::uint64_t{
                   static_cast<std::uint32_t>(__builtin_ia32_pmovmskb256(reinterpret_cast<chars>(high)))}
                   << 32;
    }

    [[gnu::target("avx2")]] static string_masks classify(const char* p) noexcept {
        bytes a, b;
        std::memcpy(&a, p, sizeof a);
        std::memcpy(&b, p + sizeof a, sizeof b);
        return {bits(a == '"', b == '"'), bits(a == '\\', b == '\\'),
                bits((a == 'r') | (a == 'n'), (b == 'r') | (b == 'n')), bits(a < ' ', b < ' ')};
    }
};

using baseline = sse2;

#elif defined(__aarch64__) && defined(__ARM_NEON)

struct neon {
    static uint8x16_t load(const char* p) noexcept { return vld1q_u8(reinterpret_cast<const uint8_t*>(p)); }
    static uint8x16_t equal(uint8x16_t v, char c) noexcept {
        return vceqq_u8(v, vdupq_n_u8(static_cast<uint8_t>(c)));
    }
    static uint8x16_t unplain(uint8x16_t v) noexcept {
        return vcgtq_s8(vdupq_n_s8(0x20), vreinterpretq_s8_u8(v));
    }
    static std::uint64_t bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) noexcept {
        const auto weight = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
        const auto low = vpaddq_u8(vandq_u8(a, weight), vandq_u8(b, weight));
        const auto high = vpaddq_u8(vandq_u8(c, weight), vandq_u8(d, weight));
        const auto sum = vpaddq_u8(low, high);
        return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
    }

    static string_masks classify(const char* p) noexcept {
        const auto a = load(p), b = load(p + 16), c = load(p + 32), d = load(p + 48);
        const auto line = [](uint8x16_t v) { return vorrq_u8(equal(v, 'r'), equal(v, 'n')); };
        return {bits(equal(a, '"'), equal(b, '"'), equal(c, '"'), equal(d, '"')),
                bits(equal(a, '\\'), equal(b, '\\'), equal(c, '\\'), equal(d, '\\')),
                bits(line(a), line(b), line(c), line(d)),
                bits(unplain(a), unplain(b), unplain(c), unplain(d))};
    }

    static unsigned first_special(const char* p, unsigned from = 0) noexcept {
        const auto v = load(p);
        const auto m = vorrq_u8(vorrq_u8(equal(v, '"'), equal(v, '\\')), unplain(v));
        const auto nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(m), 4)), 0);
        const auto wanted = from == 16 ? 0 : nibbles >> 4 * from << 4 * from;
        return static_cast<unsigned>(std::countr_zero(wanted)) / 4;
    }
};

using baseline = neon;

#else

using baseline = swar;

#endif

/// Calls `Loop::run<Kernel>(p, end)` with the best kernel for this machine.
template <class Loop>
struct best_kernel {
    using function = const char*(const char*, const char*) noexcept;

    static const char* on_baseline(const char* p, const char* end) noexcept {
        return Loop::template run<baseline>(p, end);
    }

#if defined(__x86_64__)
    // Flattened, because a function for the baseline architecture cannot inline the kernel.
    [[gnu::target("avx2"), gnu::flatten]] static const char* on_avx2(const char* p,
                                                                     const char* end) noexcept {
        return Loop::template run<avx2>(p, end);
    }
#endif

    static function* choose() noexcept {
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2")) return &on_avx2;
#endif
        return &on_baseline;
    }

    static const char* call(const char* p, const char* end) noexcept {
        static function* const chosen = choose();
        return chosen(p, end);
    }
};

} // namespace sigfire::inline v0_1::detail
