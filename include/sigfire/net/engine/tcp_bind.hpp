// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/ready.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>

#include <cstdint>
#include <cstring>
#include <string>

namespace sigfire::detail {

/// `host:port`, an IPv6 address in brackets.
inline std::string host_port(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

/// `192.0.2.1`, `2001:db8::1`; an IPv4 address in IPv6 clothes without them; empty if it is no address of
/// either.
inline std::string numeric_address(const sockaddr_storage& address) {
    namespace ip = boost::asio::ip;
    if (address.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        return ip::address_v4{ntohl(in.sin_addr.s_addr)}.to_string();
    }
    if (address.ss_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
        const ip::address_v6 v6{bytes};
        return v6.is_v4_mapped() ? ip::make_address_v4(ip::v4_mapped, v6).to_string() : v6.to_string();
    }
    return {};
}

/// Binds and listens; `host` is a numeric address or `localhost`.
inline void tcp_bind(stream_acceptor& a, const std::string& host, std::uint16_t port, bool reuse_port,
                     error_code& ec) {
    namespace ip = boost::asio::ip;
    const auto address = ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec) return;
    const ip::tcp::endpoint endpoint{address, port};
    a.open(endpoint.protocol(), ec);
    if (!ec) a.set_option(boost::asio::socket_base::reuse_address{true}, ec);
    if (!ec) a.set_option(ip::tcp::no_delay{true}, ec); // accepted sockets inherit it
    if (!ec) a.set_option(boost::asio::socket_base::keep_alive{true}, ec);
#ifdef SO_REUSEPORT
    using reuse = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    if (!ec && reuse_port) a.set_option(reuse{true}, ec);
#else
    if (!ec && reuse_port) ec = boost::asio::error::operation_not_supported;
#endif
    if (!ec) a.bind(endpoint, ec);
    if (!ec) a.listen(boost::asio::socket_base::max_listen_connections, ec);
    if (!ec) a.non_blocking(true, ec);
    error_code ignored;
    if (ec) a.close(ignored);
}

/// The address the acceptor is bound to, `127.0.0.1:3003`; empty if it is not.
inline std::string bound_address(const stream_acceptor& a) {
    error_code ec;
    const auto generic = a.local_endpoint(ec);
    boost::asio::ip::tcp::endpoint endpoint;
    if (ec || generic.size() > endpoint.capacity()) return {};
    std::memcpy(endpoint.data(), generic.data(), generic.size());
    endpoint.resize(generic.size());
    return host_port(endpoint.address().to_string(), endpoint.port());
}

} // namespace sigfire::detail
