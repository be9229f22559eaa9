// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as the first thing on a WebSocket port: each is answered or waited for, never worse. The first
// byte chooses how the rest is cut and which options the server has.
#include "../support/memory_loop.hpp"

#include <sigfire/server.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace sigfire;
using namespace std::chrono_literals;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

// What the server answers to `bytes` in pieces of `piece`.
std::string answer(std::string_view bytes, std::size_t piece, const memory::options& o) {
    boost::asio::io_context io;
    server srv{memory::websocket{io, o}};
    memory::basic_peer<framing::websocket<framing::role::client>> p{io};
    p.at->piece = piece;
    p.write(bytes);
    memory::run(io);
    auto out = p.at->to_peer;
    // Nothing lasts: a client that says nothing more is gone soon.
    if (!out.starts_with("HTTP/1.1 101 ")) {
        memory::advance(io, 13s, 1s);
        require(p.at->server_closed);
        out = p.at->to_peer;
        require(out.starts_with("HTTP/1.1 "));
        require(out.find("\r\nConnection: close\r\n") != out.npos);
    }
    const auto end = out.find("\r\n\r\n");
    require(end != out.npos);
    const auto head = out.substr(0, end);
    for (std::size_t i = 0; i < head.size(); ++i) {
        require(head[i] != '\n' || (i > 0 && head[i - 1] == '\r'));
        require(head[i] != '\0');
    }
    return out.substr(0, out.find("\r\n"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    memory::options o;
    o.limits.header = data[0] & 0x80 ? 300 : 8192;
    if (data[0] & 0x40) o.path = "/rtc";
    if (data[0] & 0x20) o.origins = {"https://example.org"};
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = answer(bytes, memory::unlimited, o);
    const auto cut = answer(bytes, 1 + (data[0] & 0x1f), o);
    require(whole == cut);
    return 0;
}
