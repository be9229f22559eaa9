// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_handshake.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/http/http_proxy.hpp>

#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// Parses the proxy of a client as `parse_http_proxy` does. The scheme is required.
inline result<http_proxy> parse_proxy(std::string_view text) {
    if (text.find("://") == text.npos) return make_error_code(errc::bad_url);
    return parse_http_proxy(text);
}

/// The request for a tunnel to `to`.
inline std::string connect_request(const http_proxy& proxy, const client_url& to) {
    const bool numeric = to.host.find(':') != to.host.npos;
    const auto authority = (numeric ? '[' + to.host + ']' : to.host) + ':' + to.port;
    std::string out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (!proxy.credentials.empty()) out += "Proxy-Authorization: " + proxy.credentials + "\r\n";
    return out += "\r\n";
}

/// Whether the proxy's answer, a whole header, says that the tunnel stands.
inline bool tunnel_stands(std::string_view block) {
    response_header r;
    return r.parse(block) && r.status >= 200 && r.status < 300;
}

} // namespace sigfire::inline v0_1::detail
