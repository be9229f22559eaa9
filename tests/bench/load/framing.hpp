// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// Ends the program: exit code 1, and why on stderr.
[[noreturn]] inline void die(const std::string& why) {
    std::fprintf(stderr, "load: %s\n", why.c_str());
    std::exit(1);
}

/// How messages stand one behind the other.
enum class framing {
    websocket, ///< RFC 6455
    length,    ///< each behind its length, 4 bytes, big endian
};

/// Bytes of a message at most.
inline constexpr std::size_t longest = 1 << 20;

/// What a client's messages are masked with.
inline std::array<char, 4> mask_of(framing f) {
    return f == framing::websocket ? std::array{'\x5a', '\x3c', '\x13', '\x66'} : std::array<char, 4>{};
}

/// The head of a client's message of `size` bytes: the mask at its end. `kind` is the first byte where
/// frames say that they are whole, text or binary.
inline std::string client_head(framing f, char kind, std::size_t size) {
    if (size > longest) die("messages are shorter");
    const char upper = static_cast<char>(size >> 16), high = static_cast<char>(size >> 8),
               low = static_cast<char>(size);
    if (f == framing::length) return {0, upper, high, low};
    std::string head(1, kind);
    if (size < 126)
        head += static_cast<char>(0x80 | size);
    else if (size < 65536)
        head += {static_cast<char>(0xfe), high, low};
    else
        head += {static_cast<char>(0xff), 0, 0, 0, 0, 0, upper, high, low};
    const auto mask = mask_of(f);
    return head.append(mask.data(), mask.size());
}

/// What a server says at once.
struct frame {
    char kind; ///< first byte of a WebSocket frame; 0x81 = whole text, which all others are
    std::string_view payload;
    std::size_t size; ///< of all of it
};

/** The frame at the front of `bytes`; none if it is not complete.
 *  Dies if its message is too long, or its header longer than it had to be. */
inline std::optional<frame> front_frame(framing f, std::string_view bytes) {
    const auto at = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
    std::size_t head = f == framing::length ? 4 : 2, length = 0;
    if (bytes.size() < head) return {};
    if (f == framing::length) {
        length = at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
    } else if (length = at(1); length == 126) {
        head = 4;
        if (bytes.size() < head) return {};
        length = at(2) << 8 | at(3);
        if (length < 126) die("a longer header than needed");
    } else if (length == 127) {
        head = 10;
        if (bytes.size() < head) return {};
        for (length = 0; const std::size_t i : {2, 3, 4, 5, 6, 7, 8, 9}) length = length << 8 | at(i);
        if (length < 65536) die("a longer header than needed");
    }
    if (length > longest || (head == 2 && length > 125)) die("unexpected frame length");
    if (bytes.size() < head + length) return {};
    const char kind = f == framing::length ? '\x81' : bytes.front();
    return frame{kind, bytes.substr(head, length), head + length};
}

} // namespace bench
