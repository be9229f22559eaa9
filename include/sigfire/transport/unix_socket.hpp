// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/detail/native_loop.hpp>
#include <sigfire/detail/stream_engine.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/transport/stream_limits.hpp>

#include <boost/asio/local/stream_protocol.hpp>

#include <cstdio>
#include <string>
#include <utility>

#include <sys/stat.h>

namespace sigfire {

/// Where and how to serve a Unix socket.
struct unix_socket_options {
    std::string path{}; ///< of the socket in the file system, at most 107 bytes. A path that nobody listens
                        ///< on any more is taken over
    stream_limits limits{}; ///< what peers may make it store, and for how long
};

namespace transport {

/** Unix socket, each message behind its length (4 bytes, big endian). Models Transport.
 *
 *  A description: sockets come into being with its engine; the path is removed with it. The wire has no
 *  pings: the system tells when a peer is gone. The io_context outlives the engine and is run by one
 *  thread. */
template <class Loop>
class basic_unix_socket {
    using protocol = boost::asio::local::stream_protocol;

public:
    using loop_type = Loop;
    using framing_type = framing::length;
    static constexpr bool upgrades = false;

    template <class State>
    using connection = detail::stream_connection<basic_unix_socket, Loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<basic_unix_socket, Loop, State>::template with<Sink>;

    basic_unix_socket(boost::asio::io_context& io, unix_socket_options options)
        : io_{&io}, options_{std::move(options)} {}

    boost::asio::io_context& context() const { return *io_; }
    const stream_limits& limits() const { return options_.limits; }

    void bind(detail::stream_acceptor& a, error_code& ec) const {
        // The address type would throw.
        if (options_.path.empty() || options_.path.size() > 107) {
            ec = boost::asio::error::name_too_long;
            if (options_.path.empty()) ec = boost::asio::error::invalid_argument;
            return;
        }
        const protocol::endpoint endpoint{options_.path};
        a.open(endpoint.protocol(), ec);
        if (!ec) a.bind(endpoint, ec);
        if (ec == boost::asio::error::address_in_use) {
            error_code refused;
            protocol::socket probe{*io_};
            probe.connect(endpoint, refused);
            // What is no socket refuses too, and may be somebody's file.
            struct stat there{};
            if (refused == boost::asio::error::connection_refused &&
                ::stat(options_.path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode) &&
                std::remove(options_.path.c_str()) == 0) {
                ec.clear();
                a.bind(endpoint, ec);
            }
        }
        if (!ec) a.listen(boost::asio::socket_base::max_listen_connections, ec);
        if (!ec) a.non_blocking(true, ec);
        error_code ignored;
        if (ec) a.close(ignored);
    }

    void unbind(detail::stream_acceptor&) const { std::remove(options_.path.c_str()); }

    std::string address(const detail::stream_acceptor&) const { return "unix:" + options_.path; }

private:
    boost::asio::io_context* io_;
    unix_socket_options options_;
};

/// Unix socket on the fastest loop this system has.
using unix_socket = basic_unix_socket<detail::native_loop>;

static_assert(Transport<unix_socket>);

} // namespace transport

using transport::unix_socket;

} // namespace sigfire
