// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/http/request_body.hpp>
#include <sigfire/net/http/sec_websocket.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigfire::inline v0_1::detail {

/** The path and query of a request target (RFC 9112, 3.2). The origin form is returned as it is. Of the
 *  absolute form, everything after the authority is returned, with a slash in front. `*` stays for
 *  `OPTIONS`. For any other target (`?x`, `#x`, an authority, nothing) the result is empty.
 *  @param method the method of the request
 *  @param target the target of the request
 *  @param slash storage that outlives the result */
inline std::string_view origin_form(std::string_view method, std::string_view target, std::string& slash) {
    if (target.starts_with('/')) return target;
    if (target == "*") return method == "OPTIONS" ? target : std::string_view{};
    const auto scheme = target.find("://");
    const auto is_scheme = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
    };
    if (scheme == 0 || scheme == target.npos || !std::isalpha(static_cast<unsigned char>(target.front())) ||
        !std::all_of(target.begin(), target.begin() + static_cast<std::ptrdiff_t>(scheme), is_scheme))
        return {};
    const auto end = target.find_first_of("/?#", scheme + 3);
    if (std::min(end, target.size()) == scheme + 3) return {}; // no authority
    if (end == target.npos) return "/";
    if (target[end] == '/') return target.substr(end);
    return slash = '/' + std::string{target.substr(end)};
}

/// Reads the header of one HTTP request from a whole block of bytes. Beast parses the grammar. The views
/// point into the block or into this object.
class request_header final : public boost::beast::http::basic_parser<true> {
    using string_view = boost::beast::string_view;
    using verb = boost::beast::http::verb;
    using field = boost::beast::http::field;

public:
    /// Parses `block`, which must hold a whole header and outlive this object. False if it is not valid HTTP.
    bool parse(std::string_view block) {
        boost::beast::error_code ec;
        this->header_limit(static_cast<std::uint32_t>(std::max<std::size_t>(block.size(), 1)));
        this->body_limit(boost::none); // the body is never read, so its length does not matter
        this->put(boost::asio::buffer(block.data(), block.size()), ec);
        // Of a folded value, two servers may read different things; a server may refuse it (RFC 9112, 5.2).
        const bool folded = block.find("\r\n ") != block.npos || block.find("\r\n\t") != block.npos;
        return !ec && this->is_header_done() && !folded && !target_.empty();
    }

    request view(std::string_view remote) const { return {method_, target_, headers_, remote}; }
    bool http_1_1() const { return version_ == 11; }

private:
    static std::string_view std_view(string_view s) { return {s.data(), s.size()}; }

    void on_request_impl(verb, string_view method, string_view target, int version,
                         boost::beast::error_code&) override {
        method_ = std_view(method);
        target_ = origin_form(method_, std_view(target), slash_);
        version_ = version;
    }

    void on_field_impl(field, string_view name, string_view value, boost::beast::error_code&) override {
        headers_.push_back({std_view(name), std_view(value)});
    }

    void on_response_impl(int, string_view, int, boost::beast::error_code&) override {}
    void on_header_impl(boost::beast::error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, boost::beast::error_code&) override {}
    std::size_t on_body_impl(string_view s, boost::beast::error_code&) override { return s.size(); }
    void on_chunk_header_impl(std::uint64_t, string_view, boost::beast::error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view s, boost::beast::error_code&) override {
        return s.size();
    }
    void on_finish_impl(boost::beast::error_code&) override {}

    std::string slash_; // storage for a target that is not part of the block
    std::string_view method_, target_;
    std::vector<header> headers_;
    int version_ = 0;
};

/// Whether a comma-separated list contains `token`; upper and lower case are equal.
inline bool has_token(std::string_view list, std::string_view token) {
    return any_in_list(list, [&](std::string_view s) { return equal_ignoring_case(s, token); });
}

/// The same for all fields with that name, since a list may span several fields (RFC 9110, 5.3).
inline bool has_token(const request& r, std::string_view name, std::string_view token) {
    return std::any_of(r.headers.begin(), r.headers.end(), [&](const header& h) {
        return equal_ignoring_case(h.name, name) && has_token(h.value, token);
    });
}

/// Whether the request asks for a WebSocket.
inline bool wants_websocket(const request& r) {
    return has_token(r, "Upgrade", "websocket");
}

/// Characters of a Sec-WebSocket-Key: 16 bytes in base64.
inline constexpr std::size_t upgrade_key_size = 24;

/// The fault of an upgrade request (RFC 6455, 4.2.1), or `ok`.
inline errc check_upgrade(const request& r, bool http_1_1, std::span<const std::string> origins) {
    const auto key = r["Sec-WebSocket-Key"];
    const auto base64 = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
    };
    // Of several such fields, each server in a chain might use another one (RFC 9112, 3.2).
    const auto several = [&](std::string_view name) {
        return std::count_if(r.headers.begin(), r.headers.end(),
                             [name](const header& h) { return equal_ignoring_case(h.name, name); }) > 1;
    };
    if (several("Host") || several("Sec-WebSocket-Key") || several("Sec-WebSocket-Version") ||
        several("Origin"))
        return errc::bad_handshake;
    // The bytes behind the header are frames; a proxy must not read them as a body.
    if (has_body(r)) return errc::bad_handshake;
    if (r.method != "GET" || !http_1_1 || r["Host"].empty() || !has_token(r, "Connection", "upgrade"))
        return errc::bad_handshake;
    if (r["Sec-WebSocket-Version"] != "13") return errc::version_not_supported;
    // 16 bytes are 22 characters and "==".
    if (key.size() != upgrade_key_size || !key.ends_with("==") ||
        !std::all_of(key.begin(), key.end() - 2, base64))
        return errc::bad_handshake;
    const auto origin = r["Origin"].empty() ? std::string_view{"none"} : r["Origin"];
    if (!origins.empty() && std::find(origins.begin(), origins.end(), origin) == origins.end())
        return errc::forbidden_origin;
    return errc::ok;
}

/// The response to a refused upgrade request, or to a connection that fails before its upgrade.
inline ending refusal_of(errc e) {
    switch (e) {
    case errc::denied:
    case errc::forbidden_origin: return {403, 0, to_string(e)};
    case errc::handshake_timeout: return {408, 0, to_string(e)};
    case errc::version_not_supported:
    case errc::upgrade_required: return {426, 0, to_string(e)};
    case errc::too_large: return {413, 0, to_string(e)};
    case errc::header_too_large: return {431, 0, to_string(e)};
    case errc::rate: return {429, 0, to_string(e)};
    case errc::overloaded: return {503, 0, to_string(e)};
    default: return {400, 0, to_string(e)};
    }
}

/// The 101 response to an upgrade with `key`. An empty `subprotocol` = none.
inline std::string switching_protocols(std::string_view key, std::string_view subprotocol) {
    std::string out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: ";
    out += sec_websocket_accept(key);
    if (!subprotocol.empty()) out.append("\r\nSec-WebSocket-Protocol: ").append(subprotocol);
    return out += "\r\n\r\n";
}

/// A whole response; with `head_only` without the body.
inline std::string compose(const response& r, bool head_only = false, bool keep_alive = false) {
    const auto clean = [](std::string_view s) { return s.find_first_of("\r\n") == s.npos; };
    const auto reason =
        boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(r.status));
    std::string out = "HTTP/1.1 " + std::to_string(r.status) + ' ';
    out.append(reason.data(), reason.size());
    if (clean(r.content_type) && !r.content_type.empty()) out += "\r\nContent-Type: " + r.content_type;
    for (const auto& [name, value] : r.headers)
        if (clean(name) && clean(value)) out += "\r\n" + name + ": " + value;
    out += "\r\nContent-Length: " + std::to_string(r.body.size()) +
           (keep_alive ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    return head_only ? out : out + r.body;
}

/// The response of a refusal: status and a line of text.
inline response refusal_response(const ending& e) {
    response r{e.http_status,
               std::string{e.content_type.empty() ? "text/plain; charset=utf-8" : e.content_type},
               std::string{e.text},
               {}};
    if (e.retry_after.count() > 0)
        r.headers.emplace_back("Retry-After", std::to_string(e.retry_after.count()));
    // These fields show the client a request that would succeed (RFC 9110, 15.5.2 and 15.5.22; RFC 6455,
    // 4.2.2).
    if (e.http_status == 401) r.headers.emplace_back("WWW-Authenticate", "Bearer");
    if (e.http_status == 426) {
        r.headers.emplace_back("Upgrade", "websocket");
        r.headers.emplace_back("Sec-WebSocket-Version", "13");
    }
    return r;
}

} // namespace sigfire::inline v0_1::detail
