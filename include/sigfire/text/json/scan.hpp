// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/string_end.hpp>
#include <sigfire/text/simd.hpp>

#include <cstddef>
#include <cstring>
#include <string_view>

/** JSON texts (RFC 8259) without a tree: one pass checks the text and finds members. No function here
 *  allocates, throws or recurses. */
namespace sigfire::inline v0_1::detail {

/// Deepest accepted nesting of arrays and objects.
inline constexpr unsigned json_max_depth = 512;

/// Whether `c` is JSON whitespace.
constexpr bool is_json_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// The position after the number at `p`, or null.
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

/// A name that `guess` recognized by its first bytes, and the destination of its value.
struct known_name {
    std::string_view* view = nullptr; // null = not recognized
    std::size_t size = 0;             // bytes of the name, its closing quote and the colon
};

/// Whether the bytes at `p` begin with `word`, without its null byte.
template <std::size_t N>
[[gnu::always_inline]] inline bool begins(const char* p, const char (&word)[N]) noexcept {
    return std::memcmp(p, word, N - 1) == 0;
}

/** Reads one JSON text from front to back.
 *
 *  The constructor checks that the text of an array or object ends in a bracket. So a byte always follows a
 *  comma, a colon, a name or a scalar. Only a bracket can be the last token.
 *
 *  The out-of-line functions take the text by value. If such a function knew the address of a scanner, the
 *  compiler would not keep the scanner in registers. */
class json_scanner {
public:
    /** With `trusted`, the scanner skips arrays and objects by counting brackets. It does not check the
     *  strings inside. */
    [[gnu::always_inline]] explicit json_scanner(std::string_view text, bool trusted = false) noexcept
        : begin_(text.data()), p_(text.data()), end_(p_ + text.size()), trusted_(trusted) {
        if (p_ == end_) return;
        if (is_json_blank(*p_) || is_json_blank(end_[-1])) [[unlikely]] {
            while (p_ != end_ && is_json_blank(*p_)) ++p_;
            while (p_ != end_ && is_json_blank(end_[-1])) --end_;
            if (p_ == end_) return;
        }
        if ((*p_ == '{' || *p_ == '[') && end_[-1] != '}' && end_[-1] != ']') p_ = end_;
        if (end_ - begin_ > 16) blocks_ = end_ - 16;
    }

    /// The first byte of the next value, or 0 if there is no value.
    char first() const noexcept { return p_ != end_ ? *p_ : '\0'; }

    /// The first byte of a member's value; there is always a byte.
    char member_first() const noexcept { return *p_; }

    /// The JSON of the next value; empty if the value is not valid. Precondition: `first` is not 0.
    [[gnu::always_inline]] std::string_view value() noexcept {
        const auto start = p_;
        const char* behind = nullptr;
        if (*start == '"') {
            const auto string = string_end(start + 1, blocks_, text());
            behind = string.at;
            plain_ &= string.good;
        } else {
            const auto other = skip(start, blocks_, text(), depth_, trusted_);
            if (!other.good) [[unlikely]]
                return p_ = other.at, std::string_view{};
            behind = other.at;
        }
        return behind && taken(behind) ? std::string_view{start, behind} : std::string_view{};
    }

    /// Whether no string that `value` returned has an escape. False may be wrong; true is not.
    bool plain() const noexcept { return plain_ != 0; }

    /** Reads the next value, an object: calls `f(name)` for each member, with the undecoded name. `f` reads
     *  the value by `value` or `object`, and returns whether that succeeded. Returns the JSON of the object,
     *  or an empty view. */
    template <class F>
    [[gnu::always_inline]] std::string_view object(F f) {
        return members([&](const char* p) __attribute__((always_inline)) {
            const auto named = name_end(p, blocks_, text());
            if (!named.value) return false;
            p_ = named.value;
            return static_cast<bool>(f(std::string_view{p + 1, named.name_size}));
        });
    }

    /** The same, for objects with mostly known names: calls `f(view)`. `guess(p)` recognizes a name by the 16
     *  bytes at `p`. For all other names, `find(name)` returns the view. */
    template <class Guess, class Find, class F>
    [[gnu::always_inline]] std::string_view object(Guess guess, Find find, F f) {
        return members([&](const char* p) __attribute__((always_inline)) {
            known_name known;
            if (p < blocks_ && *p == '"') [[likely]]
                known = guess(p + 1);
            if (known.view) [[likely]] {
                p_ = blanks(p + 1 + known.size);
            } else {
                const auto named = name_end(p, blocks_, text());
                if (!named.value) return false;
                p_ = named.value;
                known.view = find(std::string_view{p + 1, named.name_size});
            }
            return static_cast<bool>(f(known.view));
        });
    }

    /// Skips the next value without reading it, if it is `seen`, a value read before.
    bool passes(std::string_view seen) noexcept {
        if (p_ != seen.data() || seen.empty()) return false;
        p_ += seen.size();
        return true;
    }

    /// Whether the text ends here.
    bool finished() const noexcept { return p_ == end_; }

    /// Bytes of the text read so far; after a failure, the position of the wrong token.
    std::size_t offset() const noexcept { return static_cast<std::size_t>(p_ - begin_); }

private:
    struct bounds {
        const char* begin;
        const char* end;
    };
    struct stop {
        const char* at;   // after the value; null if the value is not valid
        std::size_t good; // 1 or 0. For a string: whether it has no escape. As wide as the register that
                          // holds it.
    };
    struct named_value {
        const char* value; // position of the value, or null
        std::size_t name_size;
    };

    bounds text() const noexcept { return {begin_, end_}; }

    // Calls `f(p)` at each member; `f` reads name and value.
    template <class F>
    [[gnu::always_inline]] std::string_view members(F f) {
        const auto start = p_;
        auto p = blanks(start + 1);
        ++depth_;
        if (*p != '}')
            for (;;) {
                p_ = p;
                if (!f(p)) return {};
                p = blanks(p_);
                if (*p == '}') break;
                if (*p != ',') return p_ = p, std::string_view{};
                p = blanks(p + 1);
            }
        --depth_;
        return taken(p + 1) ? std::string_view{start, p_} : std::string_view{};
    }

    // Most messages have no blanks.
    [[gnu::always_inline]] static const char* blanks(const char* p) noexcept {
        if (static_cast<unsigned char>(*p) > ' ') [[likely]]
            return p;
        return skip_blanks(p);
    }

    [[gnu::noinline]] static const char* skip_blanks(const char* p) noexcept {
        while (is_json_blank(*p)) ++p;
        return p;
    }

    // Inside an array or object, the text cannot end after a value.
    [[gnu::always_inline]] bool taken(const char* p) noexcept {
        if (p == end_ && depth_ != 0) return false;
        p_ = p;
        return true;
    }

    // The position after the string with its opening quote at p[-1]. Names and ids are short and plain: for
    // them this costs less than a call.
    template <bool Check = true>
    [[gnu::always_inline]] static stop string_end(const char* p, const char* blocks, bounds text) noexcept {
        if (p < blocks) [[likely]] {
            p += baseline::first_special(p);
            if (*p == '"') [[likely]]
                return {p + 1, 1};
        }
        return long_string_end<Check>(p, text);
    }

    template <bool Check>
    [[gnu::noinline]] static stop long_string_end(const char* p, bounds text) noexcept {
        if (text.end - p > 16) {
            p += baseline::first_special(p);
            if (*p == '"') return {p + 1, 1};
        } else if (text.end - text.begin >= 16) {
            const auto last = text.end - 16;
            p = last + baseline::first_special(last, static_cast<unsigned>(p - last));
            if (p == text.end) return {nullptr, 0};
            if (*p == '"') return {p + 1, 1};
        }
        return other_string_end<Check>(p, text.end);
    }

    template <bool Check>
    [[gnu::noinline]] static stop other_string_end(const char* p, const char* end) noexcept {
        return {best_kernel<json_string_loop<Check>>::call(p, end), 0};
    }

    [[gnu::always_inline]] static named_value name_end(const char* p, const char* blocks,
                                                       bounds text) noexcept {
        if (*p != '"') return {};
        const auto behind = string_end(p + 1, blocks, text).at;
        if (!behind) return {};
        const auto colon = *behind == ':' ? behind : blanks(behind);
        if (*colon != ':') return {};
        return {blanks(colon + 1), static_cast<std::size_t>(behind - p) - 2};
    }

    static const char* scalar(const char* p, const char* blocks, bounds text) noexcept {
        const auto literal = [p, text](std::string_view word) {
            return static_cast<std::size_t>(text.end - p) >= word.size() &&
                           std::memcmp(p, word.data(), word.size()) == 0
                       ? p + word.size()
                       : nullptr;
        };
        switch (*p) {
        case '"': return string_end(p + 1, blocks, text).at;
        case 't': return literal("true");
        case 'f': return literal("false");
        case 'n': return literal("null");
        default: return json_number_end(p, text.end);
        }
    }

    // The position after the value at p; or, not good, the position of the wrong token.
    [[gnu::noinline]] static stop skip(const char* p, const char* blocks, bounds text, unsigned depth,
                                       bool trusted) noexcept {
        if (*p != '{' && *p != '[') {
            const auto behind = scalar(p, blocks, text);
            return behind ? stop{behind, 1} : stop{p, 0};
        }
        if (trusted) return skip_trusted(p, blocks, text);
        char brackets[json_max_depth]; // the missing closing brackets, innermost last
        unsigned due = 0;
        for (;;) {
            if (due != 0 && brackets[due - 1] == '}') {
                const auto named = name_end(p, blocks, text);
                if (!named.value) return {p, 0};
                p = named.value;
            }
            if (*p == '{' || *p == '[') {
                if (due + depth == json_max_depth) return {p, 0};
                const auto bracket = static_cast<char>(*p + 2);
                brackets[due++] = bracket;
                p = blanks(p + 1);
                if (*p != bracket) continue;
            } else {
                const auto behind = scalar(p, blocks, text);
                if (!behind) return {p, 0};
                p = blanks(behind);
            }
            while (*p == brackets[due - 1]) {
                ++p;
                if (--due == 0) return {p, 1};
                if (p == text.end) return {p, 0};
                p = blanks(p);
            }
            if (*p != ',') return {p, 0};
            p = blanks(p + 1);
        }
    }

    static stop skip_trusted(const char* p, const char* blocks, bounds text) noexcept {
        for (std::size_t open = 0;;) {
            const char c = *p++;
            if (c == '"') {
                const auto behind = string_end<false>(p, blocks, text).at;
                if (!behind) return {p - 1, 0};
                p = behind;
            } else if (c == '{' || c == '[') {
                ++open;
            } else if (c == '}' || c == ']') {
                if (--open == 0) return {p, 1};
                if (p == text.end) return {p, 0};
            }
        }
    }

    const char* begin_;
    const char* p_;
    const char* end_;
    const char* blocks_ = begin_; // before this position, more than 16 bytes can be read
    std::size_t plain_ = 1;
    unsigned depth_ = 0;
    bool trusted_;
};

/// Whether any digit before the exponent is not zero.
constexpr bool json_number_truthy(std::string_view raw) noexcept {
    return raw.substr(0, raw.find_first_of("eE")).find_first_of("123456789") != raw.npos;
}

/// Whether the checked value `raw` is true in JavaScript; false for no value.
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

} // namespace sigfire::inline v0_1::detail
