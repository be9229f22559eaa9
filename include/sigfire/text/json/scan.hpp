// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/string.hpp>
#include <sigfire/text/simd.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/** JSON texts (RFC 8259) without a tree: one pass checks and finds members. Nothing here allocates, throws
 *  or recurses. */
namespace sigfire::detail {

/// Deepest nesting of arrays and objects that is accepted.
inline constexpr unsigned json_max_depth = 512;

constexpr bool is_json_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** The end of the one UTF-8 sequence (RFC 3629) at `p`, or null. */
constexpr const char* utf8_sequence(const char* p, const char* end) noexcept {
    const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
    const auto first = byte(0);
    if (first < 0x80) return p + 1;
    const int size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4 || end - p < size) return nullptr;
    // The second byte alone tells overlong forms, surrogates and values beyond Unicode.
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) return nullptr;
    for (int i = 2; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return nullptr;
    return p + size;
}

/** Strings by blocks of 64 bytes, however many escapes they hold. `Check` false: only the end is looked for.
 */
template <bool Check>
struct json_string_loop {
    template <class Kernel>
    [[gnu::always_inline]] static const char* run(const char* p, const char* end) noexcept {
        constexpr std::uint64_t odd = 0xaaaaaaaaaaaaaaaau;
        std::uint64_t carry = 0; // 1: the block before ended in a backslash that escapes the first byte
        for (;;) {
            char tail[64];
            const char* block = p;
            const bool last = end - p < 64;
            if (last) {
                std::memset(tail, 0, sizeof tail);
                if (p != end) std::memcpy(tail, p, static_cast<std::size_t>(end - p)); // p may be null
                block = tail;
            }
            const auto m = Kernel::classify(block);

            // A backslash escapes the next byte unless it is itself escaped. In each run of backslashes every
            // second one is: the subtraction carries through the run and marks them all at once.
            const auto open = m.backslash & ~carry;
            const auto ends = (((open << 1) | odd) - open) ^ odd;
            const auto escaped = ends ^ (m.backslash | carry);
            carry = (ends & m.backslash) >> 63;

            const auto stop = (m.quote & ~escaped) | (Check ? m.unplain : 0);
            if constexpr (Check) {
                const auto up_to_stop = stop ^ (stop - 1);
                auto rare = escaped & ~(m.quote | m.backslash | m.r_or_n) & up_to_stop;
                for (; rare != 0; rare &= rare - 1)
                    if (!is_json_escape(p + std::countr_zero(rare), end)) return nullptr;
            }
            if (stop == 0) {
                if (last) return nullptr;
                p += 64;
                continue;
            }
            p += std::countr_zero(stop);
            if (p >= end) return nullptr;
            if (*p == '"') return p + 1;
            do {
                if (static_cast<unsigned char>(*p) < 0x20) return nullptr;
                if (!(p = utf8_sequence(p, end))) return nullptr;
            } while (p != end && static_cast<signed char>(*p) < 0);
            carry = 0;
        }
    }
};

/// The position behind the number at `p`, or null.
constexpr const char* json_number_end(const char* p, const char* end) noexcept {
    const auto digits = [&p, end] {
        const auto start = p;
        while (p != end && *p >= '0' && *p <= '9') ++p;
        return p != start;
    };
    if (*p == '-') ++p;
    if (p != end && *p == '0')
        ++p;
    else if (!digits())
        return nullptr;
    if (p != end && *p == '.') {
        ++p;
        if (!digits()) return nullptr;
    }
    if (p != end && (*p == 'e' || *p == 'E')) {
        ++p;
        if (p != end && (*p == '+' || *p == '-')) ++p;
        if (!digits()) return nullptr;
    }
    return p;
}

/** Walks over one JSON text.
 *
 *  It relies on this: the text of an array or object ends in a bracket (the constructor looks), so there is
 *  always a byte behind a comma, a colon, a name or a scalar, and only a bracket can be the last token. */
class json_scanner {
public:
    /// `trusted`: arrays and objects are skipped by counting brackets, strings in them are not looked into.
    explicit json_scanner(std::string_view text, bool trusted = false) noexcept
        : begin_(text.data()), p_(text.data()), end_(p_ + text.size()), trusted_(trusted) {
        while (p_ != end_ && is_json_blank(*p_)) ++p_;
        while (p_ != end_ && is_json_blank(end_[-1])) --end_;
        if ((first() == '{' || first() == '[') && end_[-1] != '}' && end_[-1] != ']') p_ = end_;
    }

    /// The first byte of the next value, 0 if there is none.
    char first() const noexcept { return p_ != end_ ? *p_ : '\0'; }

    /// The first byte of a member's value: there is one.
    char member_first() const noexcept { return *p_; }

    /** The next value as it stands in the text; empty if it is not one. There must be something: `first` is
     *  not 0. */
    std::string_view value() noexcept {
        const auto start = p_;
        const auto p = *start == '"' ? string_end(start + 1) : skip(start);
        return p && taken(p) ? std::string_view{start, p} : std::string_view{};
    }

    /** The next value, which is an object: calls `f(name)` for each member, `name` as it stands between its
     *  quotes. `f` takes the value, by `value` or `object`, and returns whether that went well. */
    template <class F>
    std::string_view object(F f) {
        const auto start = p_;
        auto p = blanks(start + 1);
        ++depth_;
        if (*p != '}')
            for (;;) {
                p_ = p;
                const auto named = name_end(p);
                if (!named.value) return {};
                p_ = named.value;
                if (!f(std::string_view{p + 1, named.name_size})) return {};
                p = blanks(p_);
                if (*p == '}') break;
                if (*p != ',') return p_ = p, std::string_view{};
                p = blanks(p + 1);
            }
        --depth_;
        return taken(p + 1) ? std::string_view{start, p_} : std::string_view{};
    }

    /// Takes the next value without reading it, if that is `seen`, which was read before.
    bool passes(std::string_view seen) noexcept {
        if (p_ != seen.data() || seen.empty()) return false;
        p_ += seen.size();
        return true;
    }

    /// Whether the text ends here.
    bool finished() const noexcept { return p_ == end_; }

    /// Bytes of the text that were read; after a failure, those before the token that is wrong.
    std::size_t offset() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

private:
    struct named_value {
        const char* value; // where it stands, or null
        std::size_t name_size;
    };

    // Most messages are written without blanks.
    static const char* blanks(const char* p) noexcept {
        if (static_cast<unsigned char>(*p) > ' ') [[likely]]
            return p;
        return skip_blanks(p);
    }

    [[gnu::noinline]] static const char* skip_blanks(const char* p) noexcept {
        while (is_json_blank(*p)) ++p;
        return p;
    }

    // Within an array or object, the text cannot end behind a value.
    bool taken(const char* p) noexcept {
        if (p == end_ && depth_ != 0) return false;
        p_ = p;
        return true;
    }

    // The position behind the string with its opening quote at p[-1], or null. Names and ids are short and
    // plain: for them this costs less than a call.
    template <bool Check = true>
    [[gnu::always_inline]] const char* string_end(const char* p) const noexcept {
        if (end_ - p > 16) [[likely]] {
            p += baseline::first_special(p);
            if (*p == '"') [[likely]]
                return p + 1;
        }
        return long_string_end<Check>(p);
    }

    template <bool Check>
    [[gnu::noinline]] const char* long_string_end(const char* p) const noexcept {
        if (end_ - p > 16) {
            p += baseline::first_special(p);
            if (*p == '"') return p + 1;
        } else if (end_ - begin_ >= 16) {
            const auto last = end_ - 16;
            p = last + baseline::first_special(last, static_cast<unsigned>(p - last));
            if (p == end_) return nullptr;
            if (*p == '"') return p + 1;
        }
        return best_kernel<json_string_loop<Check>>::call(p, end_);
    }

    [[gnu::always_inline]] named_value name_end(const char* p) const noexcept {
        if (*p != '"') return {};
        const auto behind = string_end(p + 1);
        if (!behind) return {};
        const auto colon = *behind == ':' ? behind : blanks(behind);
        if (*colon != ':') return {};
        return {blanks(colon + 1), static_cast<std::size_t>(behind - p) - 2};
    }

    const char* scalar(const char* p) const noexcept {
        const auto literal = [p, this](std::string_view word) {
            return static_cast<std::size_t>(end_ - p) >= word.size() &&
                           std::memcmp(p, word.data(), word.size()) == 0
                       ? p + word.size()
                       : nullptr;
        };
        switch (*p) {
        case '"': return string_end(p + 1);
        case 't': return literal("true");
        case 'f': return literal("false");
        case 'n': return literal("null");
        default: return json_number_end(p, end_);
        }
    }

    const char* wrong(const char* p) noexcept {
        p_ = p;
        return nullptr;
    }

    // The position behind the value at p, or null and p_ at the token that is wrong.
    const char* skip(const char* p) noexcept {
        if (*p != '{' && *p != '[') {
            const auto behind = scalar(p);
            return behind ? behind : wrong(p);
        }
        if (trusted_) return skip_trusted(p);
        char brackets[json_max_depth]; // the closing brackets that are due, innermost last
        unsigned due = 0;
        for (;;) {
            if (due != 0 && brackets[due - 1] == '}') {
                const auto named = name_end(p);
                if (!named.value) return wrong(p);
                p = named.value;
            }
            if (*p == '{' || *p == '[') {
                if (due + depth_ == json_max_depth) return wrong(p);
                const auto bracket = static_cast<char>(*p + 2);
                brackets[due++] = bracket;
                p = blanks(p + 1);
                if (*p != bracket) continue;
            } else {
                const auto behind = scalar(p);
                if (!behind) return wrong(p);
                p = blanks(behind);
            }
            while (*p == brackets[due - 1]) {
                ++p;
                if (--due == 0) return p;
                if (p == end_) return wrong(p);
                p = blanks(p);
            }
            if (*p != ',') return wrong(p);
            p = blanks(p + 1);
        }
    }

    const char* skip_trusted(const char* p) noexcept {
        for (std::size_t open = 0;;) {
            const char c = *p++;
            if (c == '"') {
                const auto behind = string_end<false>(p);
                if (!behind) return wrong(p - 1);
                p = behind;
            } else if (c == '{' || c == '[') {
                ++open;
            } else if (c == '}' || c == ']') {
                if (--open == 0) return p;
                if (p == end_) return wrong(p);
            }
        }
    }

    const char* begin_;
    const char* p_;
    const char* end_;
    unsigned depth_ = 0;
    bool trusted_;
};

/// Whether not all digits before the exponent are zero.
constexpr bool json_number_truthy(std::string_view raw) noexcept {
    return raw.substr(0, raw.find_first_of("eE")).find_first_of("123456789") != raw.npos;
}

/// Whether JavaScript takes the checked value `raw` for true; false for no value at all.
[[gnu::always_inline]] constexpr bool json_truthy(std::string_view raw) noexcept {
    if (raw.empty()) return false;
    switch (raw[0]) {
    case '"': return raw.size() > 2;
    case 'f':
    case 'n': return false;
    case '{':
    case '[':
    case 't': return true;
    default: return json_number_truthy(raw);
    }
}

} // namespace sigfire::detail
