// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/detail/native_loop.hpp>
#include <sigfire/detail/stream_engine.hpp>
#include <sigfire/detail/tcp_bind.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/transport/stream_limits.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace sigfire {

/// Where and how to serve plain TCP.
struct tcp_options {
    std::string address =
        "127.0.0.1"; ///< numeric IPv4 or IPv6 address, or `localhost`; `0.0.0.0` and `::` are all interfaces
    std::uint16_t port = 0;  ///< 0 = any free one; the bound address can be read back
    bool reuse_port = false; ///< several sockets, one per thread or process, share the port (SO_REUSEPORT)
    stream_limits limits{};  ///< what peers may make it store, and for how long
};

namespace transport {

/** TCP, each message behind its length (4 bytes, big endian). Models Transport.
 *
 *  A description: sockets come into being with its engine. The wire has no pings, so a dead peer is noticed
 *  by TCP's own keep-alive. The io_context outlives the engine and is run by one thread. */
template <class Loop>
class basic_tcp {
public:
    using loop_type = Loop;
    using framing_type = framing::length;
    static constexpr bool upgrades = false;

    template <class State>
    using connection = detail::stream_connection<basic_tcp, Loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_tcp, Loop, State>::template with<Sink>;

    basic_tcp(boost::asio::io_context& io, tcp_options options = {})
        : io_{&io}, options_{std::move(options)} {}

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }

    void bind(detail::stream_acceptor& a, error_code& ec) const {
        detail::tcp_bind(a, options_.address, options_.port, options_.reuse_port, ec);
    }
    void unbind(detail::stream_acceptor&) const {}

    /// The bound address, or the one asked for while there is none.
    std::string address(const detail::stream_acceptor& a) const {
        const auto bound = detail::bound_address(a);
        return "tcp://" + (bound.empty() ? detail::host_port(options_.address, options_.port) : bound);
    }

private:
    boost::asio::io_context* io_;
    tcp_options options_;
};

/// TCP on the fastest loop this system has.
using tcp = basic_tcp<detail::native_loop>;

static_assert(Transport<tcp>);

} // namespace transport

using transport::tcp;

} // namespace sigfire
