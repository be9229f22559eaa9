// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/error.hpp>

#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sigfire::inline v0_1::detail {

/// Takes over a listening stream socket that was passed to this process. Any other descriptor is an error,
/// and stays open.
inline void adopt_descriptor(stream_acceptor& a, int descriptor, error_code& ec) {
    int listens = 0, type = 0;
    socklen_t size = sizeof listens;
    sockaddr_storage address{};
    socklen_t address_size = sizeof address;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
        ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &address_size) != 0) {
        ec.assign(errno, boost::system::system_category());
        return;
    }
    if (listens == 0 || type != SOCK_STREAM) {
        ec = boost::asio::error::invalid_argument;
        return;
    }
    a.assign(stream_protocol{address.ss_family, 0}, descriptor, ec);
    if (ec) return;
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    a.non_blocking(true, ec);
    error_code ignored; // accepted sockets inherit the option; a Unix socket does not have it
    a.set_option(no_delay{true}, ignored);
}

/// Prepares a connected stream socket for the loop, and returns its address family. Any other descriptor is
/// an error, and stays unchanged.
inline int prepare_descriptor(int descriptor, error_code& ec) {
    int type = 0;
    socklen_t size = sizeof type;
    sockaddr_storage address{};
    socklen_t address_size = sizeof address;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &address_size) != 0) {
        ec.assign(errno, boost::system::system_category());
        return 0;
    }
    if (type != SOCK_STREAM) {
        ec = boost::asio::error::invalid_argument;
        return 0;
    }
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    const int on = 1; // a Unix socket has no Nagle's algorithm
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return address.ss_family;
}

} // namespace sigfire::inline v0_1::detail
