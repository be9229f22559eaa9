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

namespace sigfire {

/// Where and how to serve WebSockets.
struct websocket_options {
    std::string address =
        "127.0.0.1"; ///< numeric IPv4 or IPv6 address, or `localhost`; `0.0.0.0` and `::` are all interfaces
    std::uint16_t port = 0;  ///< 0 = any free one; the bound address can be read back
    int descriptor = -1;     ///< a listening socket that this process was handed, see `activated_sockets`, to
                             ///< use instead of one of its own; -1 = none
    bool reuse_port = false; ///< several sockets, one per thread or process, share the port (SO_REUSEPORT)
    std::string path{};      ///< the only path on which peers are let in; empty = any
    std::vector<std::string>
        origins{}; ///< pages that may connect, as browsers send `Origin` (`https://example.org`); `none` =
                   ///< clients that send no `Origin`, as those that are no browsers; empty = any
    std::vector<std::string>
        proxies{}; ///< `X-Forwarded-For` and `X-Forwarded-Proto` of these are believed: addresses and
                   ///< networks (`10.0.0.0/8`), `unix` = connections by a Unix socket; empty = of none
    forwarded_header forwarded_by = forwarded_header::x_forwarded; ///< the header that is believed of them
    stream_limits limits{}; ///< bounds of the memory and time that peers cost it
    accept_gate gate{};     ///< asked about each connection
};

namespace transport {

/** WebSocket (RFC 6455) over TCP, with plain HTTP beside it. Models Transport.
 *
 *  A description: sockets come into being with its engine. Compression is declined. A refused upgrade is
 *  answered by status, text and `Connection: close`. The io_context outlives the engine and is run by one
 *  thread. `Loop` waits for the sockets. */
template <class Loop>
class basic_websocket {
public:
    using loop_type = Loop;
    using framing_type = framing::websocket<framing::role::server>;
    static constexpr bool upgrades = true;

    template <class State>
    using connection = detail::stream_connection<basic_websocket, Loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_websocket, Loop, State>::template with<Sink>;

    /// @throws std::invalid_argument that names an origin that no browser could send
    basic_websocket(boost::asio::io_context& io, websocket_options options = {})
        : io_{&io}, options_{std::move(options)}, proxies_{options_.proxies} {
        options_.origins = detail::serialized_origins(std::move(options_.origins));
    }

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }
    const accept_gate& gate() const { return options_.gate; }
    bool trusts(std::string_view remote) const { return proxies_.contains(remote); }
    std::string_view path() const { return options_.path; }
    std::span<const std::string> origins() const { return options_.origins; }
    const detail::network_list& proxies() const { return proxies_; }
    forwarded_header forwarded_by() const { return options_.forwarded_by; }

    void bind(detail::stream_acceptor& a, error_code& ec) const {
        if (!proxies_.valid()) {
            ec = boost::asio::error::invalid_argument;
            return;
        }
        if (options_.descriptor >= 0) return detail::adopt_descriptor(a, options_.descriptor, ec);
        detail::tcp_bind(a, options_.address, options_.port, options_.reuse_port, ec);
    }
    void unbind(detail::stream_acceptor&) const {}

    /// The bound address, or the one asked for while there is none.
    std::string address(const detail::stream_acceptor& a) const {
        const auto bound = detail::bound_address(a);
        return "ws://" + (bound.empty() ? detail::host_port(options_.address, options_.port) : bound);
    }

private:
    boost::asio::io_context* io_;
    websocket_options options_;
    detail::network_list proxies_;
};

/// WebSocket on the fastest loop this system has.
using websocket = basic_websocket<detail::native_loop>;

static_assert(Transport<websocket>);

} // namespace transport

using transport::websocket;

} // namespace sigfire
