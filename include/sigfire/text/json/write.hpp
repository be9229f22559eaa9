// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/string.hpp>
#include <sigfire/text/sink.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string_view>

/** Writing JSON: the pieces of a text, in any order that the caller wants. */
namespace sigfire::detail {

/// Room for the digits of a number.
inline constexpr std::size_t json_number_room = 20;

// Bytes of s between quotes at the most. To look closer would cost more than a frame's header that turns out
// shorter.
constexpr std::size_t json_text_bound(std::string_view s) noexcept {
    return 6 * s.size();
}

template <std::size_t N>
constexpr std::size_t length(const char (&)[N]) noexcept {
    return N - 1;
}

/// Writes the pieces of a JSON text to `Sink`.
template <class Sink = memory_sink>
class json_writer {
public:
    explicit json_writer(Sink sink) : sink_(sink) {}
    explicit json_writer(char* p) noexcept
        requires std::same_as<Sink, memory_sink>
        : sink_(p) {}

    template <std::size_t N>
    void literal(const char (&text)[N]) {
        sink_(text, N - 1);
    }

    /// Text as it is.
    void raw(std::string_view s) { sink_(s.data(), s.size()); }

    /// `s` as it stands between quotes.
    void text(std::string_view s) {
        if (json_plain(s)) [[likely]]
            return raw(s);
        sink_ = escaped(sink_, s);
    }

    /// A string: `s` with its quotes.
    void string(std::string_view s) {
        literal("\"");
        text(s);
        literal("\"");
    }

    void number(std::integral auto n) {
        char digits[json_number_room + 1];
        const char* const end = std::to_chars(digits, digits + sizeof digits, n).ptr;
        const auto size = static_cast<std::size_t>(end - digits);
        if (size > sizeof digits) __builtin_unreachable(); // else g++ 12 warns of copies of more
        raw({digits, size});
    }

    void boolean(bool b) { raw(b ? std::string_view{"true"} : std::string_view{"false"}); }

    /// How much there is.
    std::size_t size() const noexcept { return sink_.size(); }

private:
    // By value: a writer with an address known to a function would not be kept in registers.
    [[gnu::noinline]] static Sink escaped(Sink sink, std::string_view s) {
        json_escape(s, [&sink](char c) { sink(&c, 1); });
        return sink;
    }

    Sink sink_;
};

json_writer(char*) -> json_writer<memory_sink>;

} // namespace sigfire::detail
