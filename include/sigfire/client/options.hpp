// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_cipher.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/** When a client goes back by itself, and how often.
 *
 *  The server's close code decides, if there is one: with 4400-4499, 4600-4999, 1002, 1003 and 1007-1010 the
 *  client stays away; with 1000 `on_close` decides; with all others (1001, 1005, 1006, 1011-1015, 3000-4399,
 *  4500-4599) `on_error`. Without a code the client stays away on `condition::stay_away`, when it would only
 *  repeat a mistake (`condition::fix_request`), and after `client::close`. */
struct reconnect_options {
    bool on_error = true; ///< after a connection that broke or could not be opened, and when the server stops
    bool on_close = false; ///< after the server closed the connection properly (code 1000)
    bool at_first = false; ///< before the first welcome too: `connect` goes on until the client is welcomed,
                           ///< is told to stay away, or has made its `attempts`
    std::chrono::milliseconds interval{1000}; ///< before the first attempt
    double growth = 2;                        ///< by how much each interval is longer than the one before
    std::chrono::milliseconds max_interval{30000}; ///< no interval is longer
    double jitter =
        0.5; ///< share of the interval that is left to chance (0-1): 0.5 = wait half of it or more
    std::uint32_t attempts = std::numeric_limits<std::uint32_t>::max(); ///< in a row, then the client ends
    /// Makes the URL to connect to from the URL given to `connect`, before each attempt; empty = that URL.
    /// If it throws, the attempt fails with `internal_error`.
    std::function<std::string(std::string url)> url{};
    bool resumable =
        true; ///< ask the server to go on where the last connection ended: same id, nothing missing
};

/// A client's name and proof, for a server that asks for a `hello` (`tcp_options::hello`). Empty members are
/// left out.
struct client_hello {
    std::string token{}; ///< for `bearer`
    std::string id{};    ///< for `requested_id`
};

/// Settings of a client. No deadline is met early; 0 is at once, not never, but for `silence`.
struct client_options {
    /// WebSocket sub-protocol to offer. A server may have none; another is a `bad_handshake`.
    std::string subprotocol{json_client::subprotocol};
    /// Further fields of the upgrade request: `Authorization`, `Cookie`, `Origin`, ...
    std::vector<std::pair<std::string, std::string>> headers{};
    std::chrono::milliseconds connect_timeout{10000}; ///< to be connected, WebSocket handshake included
    /// For each address of a name: they are tried by turns, 250 ms apart, and the first that answers is
    /// taken.
    std::chrono::milliseconds address_timeout{5000};
    std::chrono::milliseconds welcome_timeout{5000};  ///< from the connection on, to be welcomed
    std::chrono::milliseconds request_timeout{10000}; ///< for the reply to each request
    std::chrono::milliseconds session_timeout{30000}; ///< for the other side to accept a session or reject it
    std::chrono::milliseconds close_timeout{5000};    ///< for the server to agree to a close
    /// After that time without a byte the server is asked for a sign of life, by a ping or, on wires without
    /// pings, by the request `exists`. After as long again the connection ends with `pong_timeout`. 0 =
    /// never.
    std::chrono::milliseconds silence{30000};
    /// Messages that wait for `receive`, at least 1. With more of them the client stops reading: it hears no
    /// replies then and answers no pings. On WebSocket it sends pings of its own, each `silence`, which show
    /// the server that the client is there.
    std::size_t inbox = 256;
    std::uint32_t message = 1u << 20; ///< bytes of the longest message in either direction
    std::size_t outbox = 4u << 20;    ///< bytes that wait to be sent before requests are `full`
    std::size_t header = 8192;        ///< bytes of the server's answer to the upgrade request
    std::uint32_t idle_frames = 1000; ///< control and empty frames in a row without a message
    /// For `wss://` and `tls+tcp://`: `client_tls()` of `client/tls.hpp`. Without it they end with `no_tls`.
    std::shared_ptr<const detail::client_security> tls{};
    std::optional<reconnect_options> reconnect{}; ///< none: a connection that ends is the end
    /// The first message on TCP and Unix sockets; none: the client waits for the welcome, which most servers
    /// send at once. On a WebSocket `headers` and the URL's query carry the same.
    std::optional<client_hello> hello{};
};

/// How a server greets.
struct welcome {
    std::string id;            ///< this client's id, by which others reach it
    std::string configuration; ///< RTCConfiguration, JSON text; empty if the server has none
};

/// The kinds of news that `client::receive` tells.
enum class incoming_kind : unsigned char {
    message, ///< somebody says something
    offline, ///< the connection ended by `cause`; the client is going to reconnect
    online,  ///< it has reconnected
    refused, ///< it is new to the server, which by `cause` does not let it `join` or `watch` again where it
             ///< did
};

/// A message of another peer or of the server, or news of the connection.
struct incoming {
    std::string command; ///< `offer`, `answer`, `ice`, `session-start`, `publish`, `request`, `presence`, ...
    std::string from;    ///< the other peer's id; empty if the server says it itself
    std::string data;    ///< JSON text; empty if there is none
    std::string topic{}; ///< where it is said; empty if not in a topic
    std::uint64_t request = 0;          ///< of a `request`: its number, for `client::respond`
    politeness role = politeness::none; ///< of a `session-start`: this side's part, if the server says so
    incoming_kind kind = incoming_kind::message;
    error_code cause{};     ///< of `offline` and `refused`
    bool recovered = false; ///< of `online`: the client is the same peer as before, and no message is missing
};

// An object in braces inside a `co_await` is destroyed twice by g++ 12, unless there is nothing to destroy.

/// How to join a topic.
struct join_options {
    std::string_view
        metadata{};          ///< JSON object that the members see; empty = none. Read by the call of `join`
    std::uint32_t limit = 0; ///< refuse with `full` beyond so many members; 0 = as the server has it
    std::uint32_t match = 0; ///< make groups of so many: the reply names the topic of the own one; 0 = none
};

/// How to publish.
struct publish_options {
    bool echo = false;      ///< to the sender too, if it is a member
    bool droppable = false; ///< need not reach a slow member
};

} // namespace sigfire
