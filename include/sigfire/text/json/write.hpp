// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/simd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

/** Writing JSON: strings with their escapes, into memory of which there is enough or into a string. */
namespace sigfire::detail {

// Like ==, but a comparison with a constant number of bytes is a few integer compares, not a call.
template <std::size_t N>
[[gnu::always_inline]] inline bool is(std::string_view s, const char (&word)[N]) noexcept {
    return s.size() == N - 1 && std::memcmp(s.data(), word, N - 1) == 0;
}

/// Room for a decoded id or command; a longer one names nobody.
inline constexpr std::size_t json_name_room = 256 + 4;

/// Room for the digits of a number.
inline constexpr std::size_t json_number_room = 20;

// Whether s can stand between quotes as it is. Says no to text that is not ASCII, which costs only time.
inline bool json_plain(std::string_view s) noexcept {
    const auto p = s.data();
    const auto n = s.size();
    if (n >= 16) {
        for (std::size_t i = 0; i + 16 < n; i += 16)
            if (baseline::first_special(p + i) != 16) return false;
        return baseline::first_special(p + n - 16) == 16;
    }
    // Shorter ones as two words that may overlap. Which byte stands where does not matter here.
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

// Calls put(char) for each byte of s as it stands between quotes.
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

// Bytes of s between quotes at the most. To look closer would cost more than a frame's header that turns out
// shorter.
constexpr std::size_t json_text_bound(std::string_view s) noexcept {
    return 6 * s.size();
}

/// Writes the pieces of a message.
class json_writer {
public:
    explicit json_writer(char* p) noexcept : begin_(p), p_(p) {}

    template <std::size_t N>
    void literal(const char (&text)[N]) noexcept {
        std::memcpy(p_, text, N - 1);
        p_ += N - 1;
    }

    void raw(std::string_view s) noexcept {
        // Ids have some 20 bytes: two moves instead of a call.
        if (s.size() - 16 <= 16) {
            std::memcpy(p_, s.data(), 16);
            std::memcpy(p_ + s.size() - 16, s.data() + s.size() - 16, 16);
        } else if (!s.empty()) {
            std::memcpy(p_, s.data(), s.size());
        }
        p_ += s.size();
    }

    void text(std::string_view s) noexcept {
        if (json_plain(s)) [[likely]]
            return raw(s);
        json_escape(s, [this](char c) { *p_++ = c; });
    }

    std::size_t size() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

private:
    char* begin_;
    char* p_;
};

template <std::size_t N>
constexpr std::size_t length(const char (&)[N]) noexcept {
    return N - 1;
}

/** Composes JSON text in a string: for what the hub itself has to say. */
class json_text {
public:
    json_text() = default;

    /// Text as it is.
    json_text& raw(std::string_view s) {
        text_ += s;
        return *this;
    }
    /// A string: quoted and escaped.
    json_text& string(std::string_view s) {
        text_ += '"';
        json_escape(s, [this](char c) { text_ += c; });
        text_ += '"';
        return *this;
    }
    json_text& number(std::integral auto n) {
        text_ += std::to_string(n);
        return *this;
    }

    std::string_view view() const noexcept { return text_; }
    std::size_t size() const noexcept { return text_.size(); }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

} // namespace sigfire::detail
