// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "framing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/** What the load generator says and hears: nothing of a contestant's. */
namespace bench {

/// How many digits numbers of messages have.
inline constexpr std::size_t digits = 8;

/// A number as messages have it.
struct number_text {
    char text[digits];

    explicit number_text(std::uint32_t n) {
        for (std::size_t i = digits; i-- > 0; n /= 10) text[i] = static_cast<char>('0' + n % 10);
    }
    operator std::string_view() const { return {text, digits}; }
};

/// The number that `text` is, if it is one.
inline std::optional<std::uint32_t> read_number(std::string_view text) {
    std::uint32_t n = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return {};
        n = n * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return n;
}

/** A message that is the same each time but for some holes of constant sizes: is written as a client's frame,
 *  and told from any other byte by byte. */
class form {
public:
    explicit form(framing f = framing::websocket) : framing_(f), mask_(mask_of(f)) {}

    form& text(std::string_view piece) {
        for (const char c : piece) masked_ += static_cast<char>(c ^ mask_[text_.size() & 3]), text_ += c;
        return *this;
    }
    form& hole(std::size_t size) {
        holes_.push_back({text_.size(), size});
        return text(std::string(size, '?'));
    }
    std::size_t size() const { return text_.size(); }

    /** Appends a frame of it to `out`: the first byte of its header is `kind`, a value stands in each hole.
     *  @param values in the order of the holes, and of their sizes */
    void write(std::string& out, char kind, std::initializer_list<std::string_view> values) const {
        out += client_head(framing_, kind, size());
        const auto body = out.size();
        out += masked_;
        auto hole = holes_.begin();
        for (const auto value : values) {
            if (value.size() != hole->size) die("\"" + std::string(value) + "\" does not fit");
            for (std::size_t i = 0, at = hole->at; i < value.size(); ++i, ++at)
                out[body + at] = static_cast<char>(value[i] ^ mask_[at & 3]);
            ++hole;
        }
    }

    /** Whether `got` is it, with any contents of the holes.
     *  @param values are set to those contents, in the order of the holes */
    bool read(std::string_view got, std::initializer_list<std::string_view*> values) const {
        if (got.size() != size()) return false;
        const std::string_view expected = text_;
        std::size_t at = 0;
        auto hole = holes_.begin();
        for (auto* const value : values) {
            if (got.substr(at, hole->at - at) != expected.substr(at, hole->at - at)) return false;
            *value = got.substr(hole->at, hole->size);
            at = hole->at + hole->size;
            ++hole;
        }
        return got.substr(at) == expected.substr(at);
    }

private:
    struct place {
        std::size_t at, size;
    };

    framing framing_;
    std::array<char, 4> mask_;
    std::string text_, masked_;
    std::vector<place> holes_;
};

/// As much of a session description as has `size` bytes in a JSON string, behind `o=- NUMBER`.
inline std::string description(std::size_t size) {
    static constexpr std::string_view lines[] = {
        R"( 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n)",
        R"(m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n)",
        R"(a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlon\r\na=ice-options:trickle\r\n)",
        R"(a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43\r\n)",
        R"(a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=msid:- 6a9e1c0f-4f1d-4b6b-9a43-0f6cd1b0b8a2\r\n)",
        R"(a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=rtcp-mux\r\na=rtcp-rsize\r\n)",
        R"(a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n)",
        R"(a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n)",
    };
    std::string all;
    for (std::size_t i = 0; all.size() + lines[i % 8].size() <= size; ++i) all += lines[i % 8];
    all.resize(size, 'x');
    return all;
}

/// The rest of `size` bytes when `taken` are spoken for; dies if they are too few.
inline std::size_t remaining(std::size_t size, std::size_t taken) {
    if (size < taken) die("--size is at least " + std::to_string(taken));
    return size - taken;
}

} // namespace bench
