// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_handshake.hpp>
#include <sigfire/core/detail/base64.hpp>
#include <sigfire/core/detail/percent.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// An HTTP proxy that opens tunnels (RFC 9110, 9.3.6).
struct client_proxy {
    std::string host;        ///< name or numeric address, without brackets
    std::string port;        ///< digits
    std::string credentials; ///< `user:password`; empty: none
};

/** `http://[user[:password]@]host[:port]`, port 80 by default; user and password percent-encoded. All else is
 * a `bad_url`. */
inline result<client_proxy> parse_proxy(std::string_view text) {
    constexpr std::string_view prefix = "http://";
    const auto bad = make_error_code(errc::bad_url);
    if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return bad;
    text.remove_prefix(prefix.size());
    if (text.ends_with('/')) text.remove_suffix(1);
    client_proxy out;
    if (const auto at = text.rfind('@'); at != text.npos) {
        const auto said = text.substr(0, at);
        const auto colon = said.find(':');
        out.credentials = percent_decoded(said.substr(0, colon)) + ':';
        if (out.credentials.find(':') + 1 != out.credentials.size()) return bad; // RFC 7617, 2
        if (colon != said.npos) out.credentials += percent_decoded(said.substr(colon + 1));
        text.remove_prefix(at + 1);
    }
    const auto url = parse_url("ws://" + std::string{text});
    if (!url || url->target != "/" || text.ends_with('/')) return bad;
    out.host = url->host;
    out.port = url->port;
    return out;
}

/// The request for a tunnel to `to`.
inline std::string connect_request(const client_proxy& proxy, const client_url& to) {
    const bool numeric = to.host.find(':') != to.host.npos;
    const auto authority = (numeric ? '[' + to.host + ']' : to.host) + ':' + to.port;
    std::string out = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (!proxy.credentials.empty()) out += "Proxy-Authorization: Basic " + base64(proxy.credentials) + "\r\n";
    return out += "\r\n";
}

/// Whether the proxy's answer, a whole header, says that the tunnel stands.
inline bool tunnel_stands(std::string_view block) {
    response_header r;
    return r.parse(block) && r.status >= 200 && r.status < 300;
}

} // namespace sigfire::inline v0_1::detail
