// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

/** The packets of npm nanomessage and nanomessage-rpc, and byte strings as npm buffer-json writes them. Reads
 *  in place. No function here allocates or throws. */
namespace sigfire::inline v0_1::detail {

/** The first id that JavaScript peers cannot use: one bit of the packet's header is taken, and JavaScript
 *  counts in signed 32 bits. */
inline constexpr std::uint32_t nano_ids = 1u << 30;

/// One packet.
struct nano_packet {
    std::uint32_t id = 0;       ///< below `nano_ids`; 0 = wants no response
    bool response = false;      ///< whether it answers the request with that id
    bool event = false;         ///< of a request: whether an acknowledgement is the only response
    bool error = false;         ///< of a response: whether the request failed
    std::string_view name = {}; ///< of a request: name of the method
    std::string_view json = {}; ///< the document, unchecked
};

/** Takes a number of at most 32 bits from the front: 7 bits per byte, low bits first. Returns false if there
 *  is no such number. */
inline bool take_varint(std::string_view& in, std::uint32_t& out) noexcept {
    out = 0;
    for (unsigned i = 0; i < 5 && i < in.size(); ++i) {
        const auto byte = static_cast<unsigned char>(in[i]);
        if (i == 4 && byte > 15) return false;
        out |= static_cast<std::uint32_t>(byte & 127) << 7 * i;
        if (byte < 128) {
            in.remove_prefix(i + 1);
            return true;
        }
    }
    return false;
}

inline char* put_varint(char* p, std::uint32_t n) noexcept {
    for (; n >= 128; n >>= 7) *p++ = static_cast<char>(n | 128);
    *p++ = static_cast<char>(n);
    return p;
}

/// Number of bytes of `n` as a varint.
constexpr std::uint32_t varint_size(std::uint32_t n) noexcept {
    std::uint32_t size = 1;
    for (; n >= 128; n >>= 7) ++size;
    return size;
}

namespace nano_flag {
inline constexpr std::uint32_t response = 1, event = 2, error = 4;
}

/// Reads the packet at the start of a message. Ignores bytes after it.
inline std::optional<nano_packet> read_packet(std::string_view message) noexcept {
    const auto take_text = [](std::string_view& in, std::string_view& out) {
        std::uint32_t size;
        if (!take_varint(in, size) || size > in.size()) return false;
        out = in.substr(0, size);
        in.remove_prefix(size);
        return true;
    };
    std::uint32_t header, flags;
    std::string_view body;
    nano_packet p;
    if (!take_varint(message, header) || header / 2 >= nano_ids) return {};
    if (!take_text(message, body) || !take_varint(body, flags)) return {};
    p.id = header / 2;
    p.response = header % 2 != 0;
    p.event = (flags & nano_flag::event) != 0;
    p.error = (flags & nano_flag::error) != 0;
    if (p.response != ((flags & nano_flag::response) != 0)) return {};
    if (!p.response && (!take_text(body, p.name) || p.name.empty())) return {};
    if (!take_text(body, p.json)) return {};
    return p;
}

/// Most bytes of a packet besides its name and document.
constexpr std::size_t nano_overhead = 5 + 5 + 1 + 5 + 5;

/** Writes the part of a packet before its document of `json` bytes at `p`.
 *  @return the position of the document */
inline char* put_packet_head(char* p, const nano_packet& what, std::uint32_t json) noexcept {
    const auto name = static_cast<std::uint32_t>(what.name.size());
    const auto body = 1 + (what.response ? 0 : varint_size(name) + name) + varint_size(json) + json;
    char* at = put_varint(p, what.id * 2 + (what.response ? 1 : 0));
    at = put_varint(at, body);
    *at++ = static_cast<char>((what.response ? nano_flag::response : 0) |
                              (what.event ? nano_flag::event : 0) | (what.error ? nano_flag::error : 0));
    if (!what.response) {
        at = put_varint(at, name);
        std::memcpy(at, what.name.data(), name);
        at += name;
    }
    return put_varint(at, json);
}

/** Writes a packet at `p`. `write(char*)` writes the document and returns its number of bytes. `what.json` is
 *  not used.
 *  @return number of bytes of the packet */
template <class Write>
std::size_t write_packet(char* p, const nano_packet& what, Write write) noexcept {
    // The document follows its size, so it moves to its place once the size is known.
    char* const far = p + nano_overhead + what.name.size();
    const auto json = static_cast<std::uint32_t>(write(far));
    char* const at = put_packet_head(p, what, json);
    std::memmove(at, far, json);
    return static_cast<std::size_t>(at - p) + json;
}

/** Writes a packet with the document `{"data":value}` at `p`, or `{}` if there is no value. `what.json` is
 *  not used.
 *  @return number of bytes of the packet */
inline std::size_t write_value_packet(char* p, const nano_packet& what, std::string_view value) noexcept {
    constexpr std::string_view open = R"({"data":)";
    const auto json = value.empty() ? 2 : open.size() + value.size() + 1;
    char* at = put_packet_head(p, what, static_cast<std::uint32_t>(json));
    if (value.empty()) {
        *at++ = '{';
    } else {
        at += open.copy(at, open.size());
        at += value.copy(at, value.size());
    }
    *at++ = '}';
    return static_cast<std::size_t>(at - p);
}

/// Prefix of byte strings in buffer-json; no other string has it.
inline constexpr std::string_view bytes_prefix = "base64:";

/// The value of a character of base64, also of its URL alphabet, or -1.
constexpr int base64_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

/** A byte string in canonical form: padded, without characters outside base64. Equal bytes become equal text.
 *  Other strings stay unchanged.
 *  @return `text`, or the text written to `buffer`; empty if the text and 4 more bytes do not fit */
inline std::string_view canonical_bytes(std::string_view text, char* buffer, std::size_t size) noexcept {
    if (!text.starts_with(bytes_prefix)) return text;
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (size < bytes_prefix.size() + 4) return {};
    char* out = buffer + bytes_prefix.copy(buffer, bytes_prefix.size());
    char* const start = out;
    int last = 0;
    for (const char c : text.substr(bytes_prefix.size(), text.find('=') - bytes_prefix.size())) {
        const int value = base64_value(c);
        if (value < 0) continue;
        if (out + 4 > buffer + size) return {};
        *out++ = digits[static_cast<std::size_t>(last = value)];
    }
    switch ((out - start) % 4) {
    case 1: --out; break; // 6 bits are less than a byte
    case 2:
        out[-1] = digits[static_cast<std::size_t>(last & 0x30)];
        *out++ = '=', *out++ = '=';
        break;
    case 3:
        out[-1] = digits[static_cast<std::size_t>(last & 0x3c)];
        *out++ = '=';
        break;
    default: break;
    }
    return {buffer, out};
}

/** Calls `put(char)` for each character of a name in messages: bytes in lower-case hex, other text unchanged.
 *  `name` comes from `canonical_bytes`. */
template <class Put>
void spell_bytes(std::string_view name, Put put) noexcept {
    if (!name.starts_with(bytes_prefix)) {
        for (const char c : name) put(c);
        return;
    }
    unsigned bits = 0, n = 0;
    for (const char c : name.substr(bytes_prefix.size())) {
        if (c == '=') break;
        bits = bits << 6 | static_cast<unsigned>(base64_value(c) & 63);
        n += 6;
        if (n < 8) continue;
        n -= 8;
        constexpr std::string_view digits = "0123456789abcdef";
        put(digits[bits >> (n + 4) & 15]);
        put(digits[bits >> n & 15]);
    }
}

} // namespace sigfire::inline v0_1::detail
