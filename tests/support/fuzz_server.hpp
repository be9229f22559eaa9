// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "fuzz_script.hpp"
#include "memory_loop.hpp"

#include <sigfire/framing/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What fuzz targets have in common in which bytes of connections go through a whole server.
namespace fuzzing {

/// A peer on a WebSocket, and what it is sent: the answer to its upgrade, then JSON objects in whole texts.
struct json_peer : memory::basic_peer<sigfire::framing::websocket<sigfire::framing::role::client>> {
    using basic_peer::basic_peer;
    bool upgraded = false;

    /// The messages that came since the last call.
    std::vector<boost::json::object> objects() {
        std::vector<boost::json::object> out;
        if (!upgraded) {
            if (at->to_peer.find("\r\n\r\n") == std::string::npos) return out;
            if (!at->to_peer.starts_with("HTTP/1.1 101 ")) return out;
            read_header();
            upgraded = true;
        }
        for (const auto& e : events()) {
            require(!e.starts_with("!") && !e.starts_with("binary:"));
            if (!e.starts_with("text:")) continue;
            const auto v = sent_json(std::string_view{e}.substr(5));
            if (!v) continue;
            require(v->is_object());
            out.push_back(v->as_object());
        }
        return out;
    }
};

/// The last scene: everyone is gone, on either side.
template <class Server, class... Peers>
void stop(boost::asio::io_context& io, Server& server, const Peers&... lists) {
    using namespace std::chrono_literals;
    bool done = false;
    server.stop(2s, [&] { done = true; });
    memory::advance(io, 3s, 500ms);
    require(done);
    const auto all_closed = [](const auto& peers) {
        for (const auto& p : peers) require(p.at->server_closed);
    };
    (all_closed(lists), ...);
}

/// A new connection in the place of `p`; the old one is let go, and kept in `gone`.
template <class Peer, class Gone>
void replace(Peer& p, Gone& gone, Peer by) {
    p.shut();
    gone.push_back(std::move(p));
    p = std::move(by);
}

} // namespace fuzzing
