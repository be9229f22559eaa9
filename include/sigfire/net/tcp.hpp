// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/native_loop.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// Where and how to serve plain TCP.
struct tcp_options {
    /// Numeric IPv4 or IPv6 address, or `localhost`. `0.0.0.0` and `::` are all interfaces.
    std::string address = "127.0.0.1";
    std::uint16_t port = 0; ///< 0 = any free port; `address` of the server returns the bound one
    /// A listening socket that was passed to this process, see `activated_sockets`. The transport then opens
    /// none. -1 = none.
    int descriptor = -1;
    /// Several sockets share the port, for example one per thread or process (SO_REUSEPORT). The kernel
    /// distributes the peers, and peers of different servers do not reach each other.
    bool reuse_port = false;
    /// The first message of a peer is `hello`, with its identity (see docs/reference/protocol.md). The server
    /// refuses a peer that sends none in time.
    bool hello = false;
    stream_limits limits{}; ///< bounds of the memory and time that peers cost
    accept_gate gate{};     ///< check of each new connection
};

namespace transport {

/** TCP. Each message follows its length (4 bytes, big endian); with `framing::line`, each message is a
 *  line. Models Transport.
 *
 *  A description: its engine opens the sockets. The wire has no pings, so the keep-alive of TCP detects a
 *  dead peer. The io_context outlives the engine, and one thread runs it. */
template <class Loop, class Framing = framing::length>
class basic_tcp {
public:
    /// The loop that waits for the sockets.
    using loop_type = Loop;
    /// The framing of messages.
    using framing_type = Framing;
    /// No HTTP upgrade on this wire.
    static constexpr bool upgrades = false;

    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::stream_connection<basic_tcp, Loop, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_tcp, Loop, State>::template with<Sink>;

    /// Describes a TCP server on `io`.
    basic_tcp(boost::asio::io_context& io, tcp_options options = {})
        : io_{&io}, options_{std::move(options)} {}

    /// The io_context of the sockets.
    boost::asio::io_context& context() const { return *io_; }
    /// The limits for peers.
    const stream_limits& limits() const { return options_.limits; }
    /// The check of new connections.
    const accept_gate& gate() const { return options_.gate; }
    /// Whether the first message of a peer is `hello`.
    bool hello() const { return options_.hello; }

    /// Binds and listens, or takes over `tcp_options::descriptor`. Errors are those of the system.
    void bind(detail::stream_acceptor& a, error_code& ec) const {
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        detail::tcp_bind(a, options_.address, options_.port, options_.reuse_port, ec);
    }
    /// Nothing to do: closing the acceptor is enough.
    void unbind(detail::stream_acceptor&) const {}

    /// The bound address as a URL. Before `bind`, the address of the options.
    std::string address(const detail::stream_acceptor& a) const {
        const auto bound = detail::bound_address(a);
        return scheme + (bound.empty() ? detail::host_port(options_.address, options_.port) : bound);
    }

private:
    // Clients need to know the framing.
    static constexpr const char* scheme = std::is_same_v<Framing, framing::line> ? "line+tcp://" : "tcp://";

    boost::asio::io_context* io_;
    tcp_options options_;
};

/// TCP on the fastest loop of this system.
using tcp = basic_tcp<detail::native_loop>;

/// The same with one message per line (`framing::line`), for JSON from a terminal.
using tcp_lines = basic_tcp<detail::native_loop, framing::line>;

static_assert(Transport<tcp> && Transport<tcp_lines>);

} // namespace transport

using transport::tcp;
using transport::tcp_lines;

} // namespace sigfire::inline v0_1
