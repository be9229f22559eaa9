// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/socket_base.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace sigfire::inline v0_1::detail {

/// `host:port`, with an IPv6 address in brackets.
inline std::string host_port(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != host.npos;
    return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

/// The IP address of a socket address; unspecified for other families.
inline boost::asio::ip::address ip_address(const sockaddr_storage& address) {
    namespace ip = boost::asio::ip;
    if (address.ss_family == AF_INET)
        return ip::address_v4{ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr)};
    if (address.ss_family != AF_INET6) return {};
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return ip::address_v6{bytes, in.sin6_scope_id};
}

/// `192.0.2.1`, `2001:db8::1`. An IPv4-mapped IPv6 address is written as IPv4. Empty for other families.
inline std::string numeric_address(const sockaddr_storage& address) {
    namespace ip = boost::asio::ip;
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return {};
    const auto a = ip_address(address);
    if (a.is_v4()) return a.to_string();
    const ip::address_v6 v6{a.to_v6().to_bytes()};
    return v6.is_v4_mapped() ? ip::make_address_v4(ip::v4_mapped, v6).to_string() : v6.to_string();
}

/// The socket address of an IP address; the inverse of `ip_address`.
inline sockaddr_storage socket_address(const boost::asio::ip::address& address, std::uint16_t port = 0) {
    sockaddr_storage out{};
    if (address.is_v4()) {
        auto& in = reinterpret_cast<sockaddr_in&>(out);
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        in.sin_addr.s_addr = htonl(address.to_v4().to_uint());
    } else {
        auto& in = reinterpret_cast<sockaddr_in6&>(out);
        const auto bytes = address.to_v6().to_bytes();
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        in.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
        std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    }
    return out;
}

/// Binds and listens. `host` is a numeric address or `localhost`.
inline void tcp_bind(stream_acceptor& a, const std::string& host, std::uint16_t port, bool reuse_port,
                     error_code& ec) {
    namespace ip = boost::asio::ip;
    const auto address = ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec) return;
    const auto where = socket_address(address, port);
    const stream_protocol::endpoint endpoint{
        &where, address.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6), IPPROTO_TCP};
    a.open(endpoint.protocol(), ec);
    if (!ec) a.set_option(boost::asio::socket_base::reuse_address{true}, ec);
    if (!ec) a.set_option(no_delay{true}, ec); // accepted sockets inherit the option
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

/// The bound address of an acceptor, `127.0.0.1:3003`; empty if it is not bound.
inline std::string bound_address(const stream_acceptor& a) {
    error_code ec;
    const auto bound = a.local_endpoint(ec);
    if (ec) return {};
    sockaddr_storage address{};
    std::memcpy(&address, bound.data(), std::min(bound.size(), sizeof address));
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return {};
    const auto port = address.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                                                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
    return host_port(ip_address(address).to_string(), ntohs(port));
}

} // namespace sigfire::inline v0_1::detail
