// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/native_loop.hpp>
#include <sigfire/net/engine/socket_name.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/unix_path.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// Where and how to serve a Unix socket.
struct unix_socket_options {
    /// Path of the socket in the file system, at most 107 bytes. If a process has left the path behind, the
    /// server takes it over. `@name` = an abstract name of Linux, without a file.
    std::string path{};
    unsigned mode = 0; ///< permission to connect, as for `chmod` (0660); 0 = by the process' umask
    /// A listening socket that was passed to this process, see `activated_sockets`. The transport then
    /// creates, changes and removes nothing. -1 = none.
    int descriptor = -1;
    /// The first message of a peer is `hello`, with its identity (see docs/reference/protocol.md). The server
    /// refuses a peer that sends none in time.
    bool hello = false;
    stream_limits limits{}; ///< bounds of the memory and time that peers cost
    accept_gate gate{};     ///< check of each new connection
};

namespace transport {

/** Unix socket. Each message follows its length (4 bytes, big endian); with `framing::line`, each message
 *  is a line. Models Transport.
 *
 *  A description: its engine opens the sockets, and removes the path at the end. The wire has no pings;
 *  the system reports when a peer is gone. The io_context outlives the engine, and one thread runs it. */
template <class Loop, class Framing = framing::length>
class basic_unix_socket {
public:
    /// The loop that waits for the sockets.
    using loop_type = Loop;
    /// The framing of messages.
    using framing_type = Framing;
    /// No HTTP upgrade on this wire.
    static constexpr bool upgrades = false;
    /// The system knows the process at the other end.
    static constexpr bool local = true;

    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::stream_connection<basic_unix_socket, Loop, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_unix_socket, Loop, State>::template with<Sink>;

    /// Describes a Unix socket server on `io`.
    basic_unix_socket(boost::asio::io_context& io, unix_socket_options options)
        : io_{&io}, options_{std::move(options)} {}

    /// The io_context of the sockets.
    boost::asio::io_context& context() const { return *io_; }
    /// The limits for peers.
    const stream_limits& limits() const { return options_.limits; }
    /// The check of new connections.
    const accept_gate& gate() const { return options_.gate; }
    /// Whether the first message of a peer is `hello`.
    bool hello() const { return options_.hello; }

    /// Binds and listens, or takes over `unix_socket_options::descriptor`. Errors: `name_too_long`,
    /// `invalid_argument` (an empty path), or those of the system.
    void bind(detail::stream_acceptor& a, error_code& ec) {
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        // The address type would throw.
        if (options_.path.empty() || options_.path.size() > 107) {
            ec = boost::asio::error::name_too_long;
            if (options_.path.empty()) ec = boost::asio::error::invalid_argument;
            return;
        }
        place_.take(a, options_.path, options_.mode, ec);
    }

    /// Removes the path, if it is still this server's.
    void unbind(detail::stream_acceptor&) { place_.give_back(options_.path); }

    /// The path or abstract name as a URL: `unix:/path`, `unix:@name`.
    std::string address(const detail::stream_acceptor& a) const {
        error_code none;
        if (options_.descriptor < 0) return scheme + options_.path;
        const auto bound = a.local_endpoint(none);
        return scheme + (none ? std::string{} : detail::socket_path(bound));
    }

private:
    // Clients need to know the framing.
    static constexpr const char* scheme = std::is_same_v<Framing, framing::line> ? "line+unix:" : "unix:";

    boost::asio::io_context* io_;
    unix_socket_options options_;
    detail::unix_path place_;
};

/// Unix socket on the fastest loop of this system.
using unix_socket = basic_unix_socket<detail::native_loop>;

/// The same with one message per line (`framing::line`), for JSON from a terminal.
using unix_socket_lines = basic_unix_socket<detail::native_loop, framing::line>;

static_assert(Transport<unix_socket> && Transport<unix_socket_lines>);

} // namespace transport

using transport::unix_socket;
using transport::unix_socket_lines;

} // namespace sigfire::inline v0_1
