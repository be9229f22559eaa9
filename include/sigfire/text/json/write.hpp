// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/string.hpp>
#include <sigfire/text/sink.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string_view>

/// Writes JSON: the pieces of a text, in the caller's order.
namespace sigfire::inline v0_1::detail {

/// Bytes of room for the digits of a number.
inline constexpr std::size_t json_number_room = 20;

// Most bytes of s between quotes. A closer bound would cost more than a frame header that turns out too long.
constexpr std::size_t json_text_bound(std::string_view s) noexcept {
    return 6 * s.size();
}

/// Length of a string literal, without its null byte.
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

    /// Writes a string literal unchanged.
    template <std::size_t N>
    void literal(const char (&text)[N]) {
        sink_(text, N - 1);
    }

    /// Writes `s` unchanged.
    void raw(std::string_view s) { sink_(s.data(), s.size()); }

    /// Writes `s` in its form between quotes.
    void text(std::string_view s) {
        if (json_plain(s)) [[likely]]
            return raw(s);
        sink_ = escaped(sink_, s);
    }

    /// Writes a string: `s` with quotes.
    void string(std::string_view s) {
        literal("\"");
        text(s);
        literal("\"");
    }

    /// Writes the decimal digits of `n`.
    void number(std::integral auto n) {
        char digits[json_number_room + 1];
        const char* const end = std::to_chars(digits, digits + sizeof digits, n).ptr;
        const auto size = static_cast<std::size_t>(end - digits);
        if (size > sizeof digits) __builtin_unreachable(); // g++ 12 warns of a longer copy otherwise
        raw({digits, size});
    }

    /// Writes `true` or `false`.
    void boolean(bool b) { raw(b ? std::string_view{"true"} : std::string_view{"false"}); }

    /// Number of bytes written.
    std::size_t size() const noexcept { return sink_.size(); }

private:
    // By value: if a function knew the address of a writer, the compiler would not keep the writer in
    // registers.
    [[gnu::noinline]] static Sink escaped(Sink sink, std::string_view s) {
        json_escape(s, [&sink](char c) { sink(&c, 1); });
        return sink;
    }

    Sink sink_;
};

json_writer(char*) -> json_writer<memory_sink>;

} // namespace sigfire::inline v0_1::detail
