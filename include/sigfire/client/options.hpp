// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_cipher.hpp>
#include <sigfire/client/detail/client_format.hpp>
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

namespace sigfire::inline v0_1 {

/** When and how often a client reconnects by itself.
 *
 *  If the server gave a close code, the code decides:
 *  - 1000: `on_close` decides.
 *  - 1002, 1003, 1007-1010, 4400-4499, 4600-4999: the client does not reconnect.
 *  - All others (1001, 1005, 1006, 1011-1015, 3000-4399, 4500-4599): `on_error` decides.
 *
 *  Without a close code `on_error` decides, except for causes of `condition::do_not_reconnect` and
 *  `condition::fix_request`: for these the client does not reconnect. After `client::close` the client
 *  never reconnects. */
struct reconnect_options {
    /// Reconnect after a failed attempt, a broken connection, or a stop of the server.
    bool on_error = true;
    bool on_close = false; ///< reconnect after the server closed the connection properly (code 1000)
    /// Try again before the first welcome too. `connect` then waits until the server welcomes the client, or
    /// forbids more attempts, or all `max_attempts` have failed.
    bool retry_first_connect = false;
    std::chrono::milliseconds interval{1000};      ///< wait before the first attempt
    double multiplier = 2;                         ///< factor by which each interval grows
    std::chrono::milliseconds max_interval{30000}; ///< longest interval
    /// Random part of the interval, 0 to 1. 0.5: the client waits between half of the interval and all of it.
    double jitter = 0.5;
    /// Failed attempts in a row before the client gives up.
    std::uint32_t max_attempts = std::numeric_limits<std::uint32_t>::max();
    /// Called before each further attempt with the URL of `connect`. Returns the URL to use. Empty: the
    /// client uses the URL of `connect`. If it throws, the attempt fails with `internal_error`.
    std::function<std::string(std::string url)> url{};
    bool resumable = true; ///< ask the server to resume: the client keeps its id, and no message is missing
};

/// The identity of a client, for a server that asks for a `hello` (`tcp_options::hello`). Empty members are
/// left out.
struct client_hello {
    std::string token{}; ///< token for `bearer`
    std::string id{};    ///< id for `requested_id`
};

/// Settings of a client. A time-out never ends early. A time of 0 ends at once; only for `ping_interval` does
/// 0 mean never.
struct client_options {
    /// WebSocket sub-protocol to offer. The server may choose none. If the server chooses another, `connect`
    /// fails with `bad_handshake`.
    std::string subprotocol{json_client::subprotocol};
    /// Further fields of the upgrade request (name, value): `Authorization`, `Cookie`, `Origin`, ...
    std::vector<std::pair<std::string, std::string>> headers{};
    /// Time for the connection, WebSocket handshake included.
    std::chrono::milliseconds connect_timeout{10000};
    /// Time for each address of a host name. The client tries the addresses in turn, 250 ms apart, and takes
    /// the first that answers (RFC 8305).
    std::chrono::milliseconds address_timeout{5000};
    std::chrono::milliseconds welcome_timeout{5000};  ///< time from the connection to the welcome
    std::chrono::milliseconds request_timeout{10000}; ///< time for the reply to each request
    /// Time for the other peer to accept or reject a session.
    std::chrono::milliseconds session_timeout{30000};
    std::chrono::milliseconds close_timeout{5000}; ///< time for the server to close the connection too
    /** After this time without a byte, the client pings the server. On wires without pings it sends the
     *  request `exists`. If no byte comes for the same time again, the connection ends with
     *  `pong_timeout`. 0 = never. */
    std::chrono::milliseconds ping_interval{30000};
    /** Messages that may wait for `receive`, at least 1. At this number the client stops reading: it gets
     *  no replies and answers no pings. On WebSocket it then sends a ping of its own every `ping_interval`,
     * so that the server does not time out. */
    std::size_t inbox = 256;
    std::uint32_t message = 1u << 20; ///< longest message in bytes, in both directions
    /// Bytes that may wait to be sent; beyond this, requests end with `full`.
    std::size_t outbox = 4u << 20;
    std::size_t header = 8192; ///< longest response to the upgrade request, in bytes
    /// Control frames and empty frames in a row without a message; more end with `flood`.
    std::uint32_t idle_frames = 1000;
    /// TLS for `wss://` and `tls+...`: set it to `client_tls()` of `client/tls.hpp`. Without it such URLs end
    /// with `no_tls`.
    std::shared_ptr<const detail::client_security> tls{};
    /// Format of the messages: `client_msgpack()` of `sigfire/client/msgpack.hpp`. None: JSON. Lines
    /// (`line+`) are always JSON.
    std::shared_ptr<const detail::client_format> format{};
    /// HTTP proxy for connections to TCP addresses: `http://[user:password@]host[:port]`. The default port is
    /// 80; user and password are percent-encoded. The client sends `CONNECT`, with Basic credentials. Empty:
    /// no proxy.
    std::string proxy{};
    std::optional<reconnect_options> reconnect{}; ///< none: the client does not reconnect
    /// The first message on TCP and Unix sockets. None: the client waits for the welcome, which most servers
    /// send at once. On a WebSocket, use `headers` and the URL's query instead.
    std::optional<client_hello> hello{};
};

/// The server's welcome.
struct welcome {
    std::string id;            ///< this client's id; other peers use it to reach the client
    std::string configuration; ///< RTCConfiguration as JSON text; empty if the server has none
};

/// Kinds of `incoming`.
enum class incoming_kind : unsigned char {
    message, ///< a message of a peer or of the server
    offline, ///< the connection ended with `cause`; the client will reconnect
    online,  ///< the client has reconnected
    refused, ///< after a reconnect, the server refused a repeated `join` or `watch` with `cause`
};

/// A message of another peer or of the server, or an event of the connection.
struct incoming {
    /// Name of the message: `offer`, `answer`, `ice`, `session-start`, `publish`, `request`, `presence`, ...
    std::string command;
    std::string from;          ///< id of the sender; empty if the server itself is the sender
    std::string data;          ///< JSON text; empty if there is none
    std::string topic{};       ///< topic of the message; empty if there is none
    std::uint64_t request = 0; ///< in a `request`: its number, for `client::respond`
    /// In a `session-start`: the role of this side, if the server gives one.
    politeness role = politeness::none;
    incoming_kind kind = incoming_kind::message; ///< `message`, or an event of the connection
    error_code cause{};                          ///< in `offline` and `refused`: the cause
    /// In `online`: the server resumed the connection, so the id is the same and no message is missing.
    bool recovered = false;
};

// g++ 12 destroys an object in braces twice inside a `co_await`, unless its destructor is trivial.

/// Options of `client::join`.
struct join_options {
    /// JSON object that the other members see; empty = none. Read during the call of `join`.
    std::string_view metadata{};
    /// The server refuses with `full` beyond so many members; 0 = the server's own limit.
    std::uint32_t limit = 0;
    /// Size of groups: the server puts the client into a group, and the reply names its topic; 0 = no groups.
    std::uint32_t match = 0;
};

/// Options of `client::publish`.
struct publish_options {
    bool echo = false;      ///< deliver to the sender too, if it is a member
    bool droppable = false; ///< a slow member need not get the message
};

} // namespace sigfire::inline v0_1
