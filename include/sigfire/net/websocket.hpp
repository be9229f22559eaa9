// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/origin.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/net/accept_gate.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/native_loop.hpp>
#include <sigfire/net/engine/stream_engine.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/proxy/network_list.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Where and how to serve WebSockets.
struct websocket_options {
    /// Numeric IPv4 or IPv6 address, or `localhost`. `0.0.0.0` and `::` are all interfaces.
    std::string address = "127.0.0.1";
    std::uint16_t port = 0; ///< 0 = any free port; `address` of the server returns the bound one
    /// A listening socket that was passed to this process, see `activated_sockets`. The transport then opens
    /// none. -1 = none.
    int descriptor = -1;
    /// Several sockets share the port, for example one per thread or process (SO_REUSEPORT). The kernel
    /// distributes the peers, and peers of different servers do not reach each other.
    bool reuse_port = false;
    std::string path{}; ///< the only path for peers; empty = any path
    /// Pages that may connect, as in the header `Origin` (`https://example.org`). `none` = clients without an
    /// `Origin`, for example programs. Empty = any.
    std::vector<std::string> origins{};
    /// Trusted proxies: addresses and networks (`10.0.0.0/8`); `unix` = connections over a Unix socket. Only
    /// their `forwarded_by` header counts. Empty = none.
    std::vector<std::string> proxies{};
    /// The header that the server reads from trusted proxies.
    forwarded_header forwarded_by = forwarded_header::x_forwarded;
    stream_limits limits{}; ///< bounds of the memory and time that peers cost
    accept_gate gate{};     ///< check of each new connection
};

namespace transport {

/** WebSocket (RFC 6455) over TCP, with plain HTTP on the same port. Models Transport.
 *
 *  A description: its engine opens the sockets. The server declines compression. The answer to a refused
 *  upgrade has a status, a text and `Connection: close`. The io_context outlives the engine, and one
 *  thread runs it. `Loop` waits for the sockets. */
template <class Loop>
class basic_websocket {
public:
    /// The loop that waits for the sockets.
    using loop_type = Loop;
    /// The framing of messages.
    using framing_type = framing::websocket<framing::role::server>;
    /// A connection begins with an HTTP upgrade.
    static constexpr bool upgrades = true;

    /// A connection with the listener's own `State`.
    template <class State>
    using connection = detail::stream_connection<basic_websocket, Loop, State>;
    /// The engine for a `Sink`, as the concept Transport asks for.
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_websocket, Loop, State>::template with<Sink>;

    /// Describes a WebSocket server on `io`.
    /// @throws std::invalid_argument if no browser could send one of the origins; the text names it
    basic_websocket(boost::asio::io_context& io, websocket_options options = {})
        : io_{&io}, options_{std::move(options)}, proxies_{options_.proxies} {
        options_.origins = detail::serialized_origins(std::move(options_.origins));
    }

    /// The io_context of the sockets.
    boost::asio::io_context& context() const { return *io_; }
    /// The limits for peers.
    const stream_limits& limits() const { return options_.limits; }
    /// The check of new connections.
    const accept_gate& gate() const { return options_.gate; }
    /// Whether `remote`, a numeric address, is that of a trusted proxy.
    bool trusts(std::string_view remote) const { return proxies_.contains(remote); }
    /// The only path for peers; empty = any path.
    std::string_view path() const { return options_.path; }
    /// The origins that may connect, as browsers write them; empty = any.
    std::span<const std::string> origins() const { return options_.origins; }
    /// The trusted proxies.
    const detail::network_list& proxies() const { return proxies_; }
    /// The header that the server reads from trusted proxies.
    forwarded_header forwarded_by() const { return options_.forwarded_by; }

    /// Binds and listens, or takes over `websocket_options::descriptor`. `invalid_argument` if a listed proxy
    /// is neither an address, a network nor `unix`; else errors of the system.
    void bind(detail::stream_acceptor& a, error_code& ec) const {
        if (!proxies_.valid()) {
            ec = boost::asio::error::invalid_argument;
            return;
        }
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        detail::tcp_bind(a, options_.address, options_.port, options_.reuse_port, ec);
    }
    /// Nothing to do: closing the acceptor is enough.
    void unbind(detail::stream_acceptor&) const {}

    /// The bound address as a URL. Before `bind`, the address of the options.
    std::string address(const detail::stream_acceptor& a) const {
        const auto bound = detail::bound_address(a);
        return "ws://" + (bound.empty() ? detail::host_port(options_.address, options_.port) : bound);
    }

private:
    boost::asio::io_context* io_;
    websocket_options options_;
    detail::network_list proxies_;
};

/// WebSocket on the fastest loop of this system.
using websocket = basic_websocket<detail::native_loop>;

static_assert(Transport<websocket>);

} // namespace transport

using transport::websocket;

} // namespace sigfire::inline v0_1
