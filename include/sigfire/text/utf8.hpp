// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/** Checks bytes for UTF-8 (RFC 3629), in pieces cut anywhere. Rejects overlong forms, surrogates and numbers
 *  above U+10FFFF. After `feed` has returned false, do not use the object again. */
class utf8 {
public:
    /// Checks the next bytes. Returns false as soon as no further bytes can make the text valid.
    bool feed(std::string_view bytes) noexcept {
        auto p = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto end = p + bytes.size();
        // Local copies: the compiler must assume that a store to a member changes the bytes.
        auto need = need_, low = low_, high = high_;
        while (p != end) {
            if (need == 0) {
                for (; end - p >= 16 && ((word(p) | word(p + 8)) & not_ascii) == 0; p += 16) {}
                for (; p != end && *p < 0x80; ++p) {}
                if (p == end) break;
                const auto lead = *p++;
                if (lead < 0xc2 || lead > 0xf4) return false;
                need = static_cast<unsigned char>(1 + (lead >= 0xe0) + (lead >= 0xf0));
                // The second byte reveals an overlong form, a surrogate or a number above U+10FFFF.
                low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
                high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
            } else {
                if (*p < low || *p > high) return false;
                ++p, --need, low = 0x80, high = 0xbf;
            }
        }
        need_ = need, low_ = low, high_ = high;
        return true;
    }

    /// Whether the bytes so far end with a whole character.
    bool complete() const noexcept { return need_ == 0; }

private:
    static constexpr std::uint64_t not_ascii = 0x8080808080808080;

    static std::uint64_t word(const unsigned char* p) noexcept {
        std::uint64_t w;
        std::memcpy(&w, p, sizeof w);
        return w;
    }

    unsigned char need_ = 0; // missing bytes of the current character; the next one must lie in [low_, high_]
    unsigned char low_ = 0x80;
    unsigned char high_ = 0xbf;
};

/// Whether all of `bytes` is UTF-8.
inline bool is_utf8(std::string_view bytes) noexcept {
    utf8 check;
    return check.feed(bytes) && check.complete();
}

/// Whether `bytes` can be a name: UTF-8, 1-256 bytes.
inline bool is_name(std::string_view bytes) noexcept {
    return !bytes.empty() && bytes.size() <= 256 && is_utf8(bytes);
}

} // namespace sigfire::inline v0_1::detail
