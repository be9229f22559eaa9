// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sigfire::detail {

/** Checks that bytes are UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF), in pieces
 *  cut anywhere. After `feed` said false the object is of no more use. */
class utf8 {
public:
    /// False as soon as no continuation can make the bytes fed so far valid.
    bool feed(std::string_view bytes) noexcept {
        auto p = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto end = p + bytes.size();
        // Locals: a store to a member might change the bytes, as far as the compiler knows.
        auto need = need_, low = low_, high = high_;
        while (p != end) {
            if (need == 0) {
                for (; end - p >= 16 && ((word(p) | word(p + 8)) & not_ascii) == 0; p += 16) {}
                for (; p != end && *p < 0x80; ++p) {}
                if (p == end) break;
                const auto lead = *p++;
                if (lead < 0xc2 || lead > 0xf4) return false;
                need = static_cast<unsigned char>(1 + (lead >= 0xe0) + (lead >= 0xf0));
                // A character that is overlong, a surrogate or too great shows in the second byte.
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

    /// Whether the bytes fed end with a whole character.
    bool complete() const noexcept { return need_ == 0; }

private:
    static constexpr std::uint64_t not_ascii = 0x8080808080808080;

    static std::uint64_t word(const unsigned char* p) noexcept {
        std::uint64_t w;
        std::memcpy(&w, p, sizeof w);
        return w;
    }

    unsigned char need_ =
        0; // bytes of the current character still to come; the next one lies in [low_, high_]
    unsigned char low_ = 0x80;
    unsigned char high_ = 0xbf;
};

/// Whether all of `bytes` is UTF-8.
inline bool is_utf8(std::string_view bytes) noexcept {
    utf8 check;
    return check.feed(bytes) && check.complete();
}

/// Whether `bytes` can be the name of something: UTF-8, 1-256 of them.
inline bool is_name(std::string_view bytes) noexcept {
    return !bytes.empty() && bytes.size() <= 256 && is_utf8(bytes);
}

} // namespace sigfire::detail
