// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/http/http_rules.hpp>
#include <sigfire/net/http/sec_websocket.hpp>
#include <sigfire/net/http/upgrade.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The wires that a URL can select.
enum class scheme : unsigned char { ws, tcp, unix_socket };

/// A parsed URL of `connect`.
struct client_url {
    scheme via = scheme::ws;
    bool secure = false;   ///< with TLS
    bool lines = false;    ///< one message per line
    std::string host;      ///< name or numeric address, without brackets; the path of a Unix socket
    std::string port;      ///< digits
    std::string authority; ///< for the header `Host`
    std::string target;    ///< path and query
};

/** Parses `ws://host[:port][/path][?query]` (RFC 6455, 3), `tcp://host:port`, `unix:/path`, `unix:@name`.
 *  The last three take the prefix `line+` for one message per line. With TLS: `wss://`, and the prefix
 *  `tls+` for the others. Any other text is a `bad_url`. */
inline result<client_url> parse_url(std::string_view text) {
    const auto bad = make_error_code(errc::bad_url);
    const auto starts = [&text](std::string_view prefix) {
        if (!equal_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
        text.remove_prefix(prefix.size());
        return true;
    };
    client_url url;
    url.secure = starts("tls+");
    url.lines = starts("line+");
    if (starts("unix:")) {
        // sockaddr_un holds no more, and the address type would throw.
        if (text.empty() || text.size() > 107 || text.find('\0') != text.npos) return bad;
        url.via = scheme::unix_socket;
        url.host = text;
        return url;
    }
    const bool prefixed = url.secure || url.lines;
    if (!prefixed && starts("wss://"))
        url.secure = true;
    else if (prefixed || !starts("ws://"))
        url.via = scheme::tcp;
    if (url.via == scheme::tcp && !starts("tcp://")) return bad;
    // Other characters would break the request line.
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; }))
        return bad;

    const auto authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(authority.size());
    if (authority.find('@') != authority.npos || (url.via == scheme::tcp && !text.empty())) return bad;
    url.authority = authority;
    url.target = (text.starts_with('/') ? "" : "/") + std::string{text};

    auto rest = authority;
    if (authority.starts_with('[')) {
        const auto bracket = authority.find(']');
        if (bracket == authority.npos) return bad;
        url.host = authority.substr(1, bracket - 1);
        rest.remove_prefix(bracket + 1);
    } else {
        url.host = authority.substr(0, authority.find(':'));
        rest.remove_prefix(url.host.size());
    }
    if (rest.empty() && url.via == scheme::ws) rest = url.secure ? ":443" : ":80";
    if (url.host.empty() || !rest.starts_with(':')) return bad;
    url.port = rest.substr(1);
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (url.port.empty() || url.port.size() > 5 || !std::all_of(url.port.begin(), url.port.end(), digit))
        return bad;
    if (const auto port = std::stoul(url.port); port == 0 || port > 65535) return bad;
    return url;
}

/// The upgrade request for `url`. `malformed` if a header of the user would break the request.
inline result<std::string> upgrade_request(const client_url& url, std::string_view key,
                                           std::string_view subprotocol,
                                           std::span<const std::pair<std::string, std::string>> headers) {
    bool clean = true;
    std::string out = "GET " + url.target + " HTTP/1.1";
    const auto field = [&](std::string_view name, std::string_view value) {
        clean = clean && is_http_token(name) && is_field_value(value);
        out.append("\r\n").append(name).append(": ").append(value);
    };
    field("Host", url.authority);
    field("Upgrade", "websocket");
    field("Connection", "Upgrade");
    field("Sec-WebSocket-Version", "13");
    field("Sec-WebSocket-Key", key);
    if (!subprotocol.empty()) field("Sec-WebSocket-Protocol", subprotocol);
    for (const auto& [name, value] : headers) field(name, value);
    if (!clean) return make_error_code(errc::malformed);
    return out += "\r\n\r\n";
}

/// Appends `more` to the query of `url`.
inline void add_to_query(client_url& url, std::string_view more) {
    url.target += url.target.find('?') == url.target.npos ? '?' : '&';
    url.target += more;
}

/// The relevant fields of the server's response header. Beast parses the grammar.
class response_header final : public boost::beast::http::basic_parser<false> {
    using string_view = boost::beast::string_view;

public:
    /// Parses `block`, a whole header. False if it is not valid HTTP.
    bool parse(std::string_view block) {
        boost::beast::error_code ec;
        this->header_limit(static_cast<std::uint32_t>(std::max<std::size_t>(block.size(), 1)));
        this->body_limit(boost::none); // the body is never read
        this->put(boost::asio::buffer(block.data(), block.size()), ec);
        return !ec && this->is_header_done();
    }

    unsigned status = 0;
    std::string upgrade, connection, accept, subprotocol, extensions;

private:
    void on_response_impl(int code, string_view, int, boost::beast::error_code&) override {
        status = static_cast<unsigned>(code);
    }

    void on_field_impl(boost::beast::http::field name, string_view, string_view value,
                       boost::beast::error_code&) override {
        using field = boost::beast::http::field;
        auto* const to = name == field::upgrade                    ? &upgrade
                         : name == field::connection               ? &connection
                         : name == field::sec_websocket_accept     ? &accept
                         : name == field::sec_websocket_protocol   ? &subprotocol
                         : name == field::sec_websocket_extensions ? &extensions
                                                                   : nullptr;
        if (!to) return;
        if (!to->empty()) to->push_back(','); // fields with the same name form one list (RFC 9110, 5.3)
        to->append(value.data(), value.size());
    }

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int,
                         boost::beast::error_code&) override {}
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, boost::beast::error_code&) override {}
    std::size_t on_body_impl(string_view s, boost::beast::error_code&) override { return s.size(); }
    void on_chunk_header_impl(std::uint64_t, string_view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view s, boost::beast::error_code&) override {
        return s.size();
    }
    void on_finish_impl(boost::beast::error_code&) override {}
};

/// The fault of the response `block` to an upgrade request with `key` (RFC 6455, 4.1), or `ok`. `subprotocol`
/// lists the offers. A server may answer without a sub-protocol. `chosen` gets the sub-protocol of the
/// response.
inline errc check_response(std::string_view block, std::string_view key, std::string_view subprotocol,
                           std::string* chosen = nullptr) {
    response_header r;
    if (!r.parse(block)) return errc::bad_handshake;
    switch (r.status) {
    case 101: break;
    case 401:
    case 403: return errc::denied;
    case 408: return errc::handshake_timeout;
    case 409: return errc::id_in_use;
    case 429: return errc::rate;
    case 431: return errc::header_too_large;
    default: return r.status >= 500 && r.status < 600 ? errc::overloaded : errc::bad_handshake;
    }
    const bool good = has_token(r.upgrade, "websocket") && has_token(r.connection, "upgrade") &&
                      r.accept == sec_websocket_accept(key) && r.extensions.empty() &&
                      (r.subprotocol.empty() || any_in_list(subprotocol, [&r](std::string_view offered) {
                           return offered == r.subprotocol;
                       }));
    if (chosen) *chosen = std::move(r.subprotocol);
    return good ? errc::ok : errc::bad_handshake;
}

/// The cause that a server's close code and reason stand for.
inline errc close_cause(std::uint16_t code, std::string_view reason) {
    switch (code) {
    case 1001:
    case 1012: return errc::stopping;
    case 1002: return errc::protocol_violation;
    case 1003: return errc::malformed;
    case 1007: return errc::bad_utf8;
    case 1008: return errc::flood;
    case 1009: return errc::too_large;
    case 1010: return errc::bad_handshake;
    case 1013:
    case 1014: return errc::overloaded;
    case 4001: return errc::slow_consumer;
    case 4002: return errc::pong_timeout;
    case 4003: return errc::handshake_timeout;
    case 4600: return errc::id_in_use;
    case 4601: return errc::replaced;
    default: break;
    }
    // Signal-Fire has few codes, so the reason carries the cause. For codes from 4600 on, it only matters not
    // to reconnect.
    if (code >= 4400 && code < 4500) return cause_from(reason);
    if (code >= 4500 && code < 4600) {
        const auto told = cause_from(reason);
        // These codes ask the client to come back.
        return told == errc::denied ? errc::internal_error : told;
    }
    return code >= 4600 ? errc::denied : errc::closed;
}

} // namespace sigfire::inline v0_1::detail
