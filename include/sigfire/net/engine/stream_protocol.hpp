// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/basic_endpoint.hpp>
#include <boost/asio/io_context.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sigfire::inline v0_1::detail {

// A concrete type: any_io_executor would cost the compiler much.
using loop_executor = boost::asio::io_context::executor_type;

/// Stream sockets of any family. Like Asio's own such protocol, but without its iostreams.
class stream_protocol {
public:
    using endpoint = boost::asio::generic::basic_endpoint<stream_protocol>;
    using socket = boost::asio::basic_stream_socket<stream_protocol, loop_executor>;

    stream_protocol(int family, int protocol) : family_{family}, protocol_{protocol} {}
    /// Makes the protocol of other stream sockets.
    template <class Protocol>
        requires requires(const Protocol& p) { p.family() + p.protocol(); }
    stream_protocol(const Protocol& p) : family_{p.family()}, protocol_{p.protocol()} {}

    int type() const noexcept { return SOCK_STREAM; }
    int protocol() const noexcept { return protocol_; }
    int family() const noexcept { return family_; }

private:
    int family_, protocol_;
};

/// An acceptor of stream sockets of any family.
using stream_acceptor = boost::asio::basic_socket_acceptor<stream_protocol, loop_executor>;
using no_delay = boost::asio::detail::socket_option::boolean<IPPROTO_TCP, TCP_NODELAY>;

} // namespace sigfire::inline v0_1::detail
