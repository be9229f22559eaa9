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

namespace sigfire {

/// Where and how to serve plain TCP.
struct tcp_options {
    std::string address =
        "127.0.0.1"; ///< numeric IPv4 or IPv6 address, or `localhost`; `0.0.0.0` and `::` are all interfaces
    std::uint16_t port = 0;  ///< 0 = any free one; the bound address can be read back
    int descriptor = -1;     ///< a listening socket that this process was handed, see `activated_sockets`, to
                             ///< use instead of one of its own; -1 = none
    bool reuse_port = false; ///< several sockets, one per thread or process, share the port (SO_REUSEPORT)
    bool hello = false;      ///< a peer's first message is `hello`, which tells its name and proof, see
                             ///< docs/reference/protocol.md; a peer without one in time is refused
    stream_limits limits{};  ///< bounds of the memory and time that peers cost it
    accept_gate gate{};      ///< asked about each connection
};

namespace transport {

/** TCP, each message behind its length (4 bytes, big endian) or, with `framing::line`, a line. Models
 *  Transport.
 *
 *  A description: sockets come into being with its engine. The wire has no pings, so a dead peer is noticed
 *  by TCP's own keep-alive. The io_context outlives the engine and is run by one thread. */
template <class Loop, class Framing = framing::length>
class basic_tcp {
public:
    using loop_type = Loop;
    using framing_type = Framing;
    static constexpr bool upgrades = false;

    template <class State>
    using connection = detail::stream_connection<basic_tcp, Loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_tcp, Loop, State>::template with<Sink>;

    basic_tcp(boost::asio::io_context& io, tcp_options options = {})
        : io_{&io}, options_{std::move(options)} {}

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }
    const accept_gate& gate() const { return options_.gate; }
    bool hello() const { return options_.hello; }

    void bind(detail::stream_acceptor& a, error_code& ec) const {
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        detail::tcp_bind(a, options_.address, options_.port, options_.reuse_port, ec);
    }
    void unbind(detail::stream_acceptor&) const {}

    /// The bound address, or the one asked for while there is none.
    std::string address(const detail::stream_acceptor& a) const {
        const auto bound = detail::bound_address(a);
        return scheme + (bound.empty() ? detail::host_port(options_.address, options_.port) : bound);
    }

private:
    // Clients have to know.
    static constexpr const char* scheme = std::is_same_v<Framing, framing::line> ? "line+tcp://" : "tcp://";

    boost::asio::io_context* io_;
    tcp_options options_;
};

/// TCP on the fastest loop this system has.
using tcp = basic_tcp<detail::native_loop>;

/// The same with a message a line (`framing::line`): JSON for a user with no more than a terminal.
using tcp_lines = basic_tcp<detail::native_loop, framing::line>;

static_assert(Transport<tcp> && Transport<tcp_lines>);

} // namespace transport

using transport::tcp;
using transport::tcp_lines;

} // namespace sigfire
