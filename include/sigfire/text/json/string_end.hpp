// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/string.hpp>
#include <sigfire/text/simd.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// Finds the end of a JSON string that is long or has escapes.
namespace sigfire::inline v0_1::detail {

/// The end of the UTF-8 sequence (RFC 3629) at `p`, or null.
constexpr const char* utf8_sequence(const char* p, const char* end) noexcept {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    const auto first = byte(0);
    if (first < 0x80) return p + 1;
    const int size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || end - p < size) return nullptr;
    // The second byte alone reveals overlong forms, surrogates and numbers above U+10FFFF.
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) return nullptr;
    for (int i = 2; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return nullptr;
    return p + size;
}

/// Reads strings in blocks of 64 bytes, with any number of escapes. Without `Check`, only finds the end.
template <bool Check>
class json_string_loop {
public:
    template <class Kernel>
    [[gnu::always_inline]] static const char* run(const char* p, const char* end) noexcept {
        json_string_loop loop{p, end};
        // The loop has no call, so the kernel keeps its constants in registers.
        while (end - loop.p_ >= 64)
            if (!loop.template passes<false>(Kernel::classify(loop.p_))) return loop.p_;
        for (;;) {
            char tail[64] = {};
            const auto rest = static_cast<std::size_t>(end - loop.p_);
            if (rest != 0) std::memcpy(tail, loop.p_, rest); // p may be null
            if (!loop.template passes<true>(Kernel::classify(tail))) return loop.p_;
        }
    }

private:
    json_string_loop(const char* p, const char* end) noexcept : p_(p), end_(end) {}

    // Whether the string continues; `p_` is then the next position. Else `p_` is the result: the end, or
    // null.
    template <bool Last>
    [[gnu::always_inline]] bool passes(const string_masks& m) noexcept {
        constexpr std::uint64_t odd = 0xaaaaaaaaaaaaaaaau;
        // A backslash escapes the next byte unless the backslash itself is escaped. So every second backslash
        // of a run is escaped. The subtraction carries through the run and marks all of them at once.
        const auto open = m.backslash & ~carry_;
        const auto ends = (((open << 1) | odd) - open) ^ odd;
        const auto escaped = ends ^ (m.backslash | carry_);

        const auto stop = (m.quote & ~escaped) | (Check ? m.unplain : 0);
        if constexpr (Check) {
            const auto up_to_stop = stop ^ (stop - 1);
            auto rare = escaped & ~(m.quote | m.backslash | m.r_or_n) & up_to_stop;
            for (; rare != 0; rare &= rare - 1)
                if (!is_json_escape(p_ + std::countr_zero(rare), end_)) return p_ = nullptr, false;
        }
        if (stop == 0) {
            if constexpr (Last) return p_ = nullptr, false;
            carry_ = (ends & m.backslash) >> 63;
            p_ += 64;
            return true;
        }
        carry_ = 0;
        p_ += std::countr_zero(stop);
        if (p_ >= end_) return p_ = nullptr, false;
        if (*p_ == '"') return ++p_, false;
        do {
            if (static_cast<unsigned char>(*p_) < 0x20) return p_ = nullptr, false;
            if (!(p_ = utf8_sequence(p_, end_))) return false;
        } while (p_ != end_ && static_cast<signed char>(*p_) < 0);
        return true;
    }

    const char* p_;
    const char* end_;
    std::uint64_t carry_ = 0; // 1 if the last block ended in a backslash that escapes the next byte
};

} // namespace sigfire::inline v0_1::detail
