// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace sigfire::inline v0_1::detail {

/// A parsed `http://` or `https://` URL (RFC 9110, 4.2).
struct http_url {
    bool secure = false;     ///< with TLS
    std::string host;        ///< name in lower case or numeric address, without brackets
    std::uint16_t port = 80; ///< 1 to 65535
    std::string target;      ///< path and query, percent-encoded; begins with `/`

    /// Host and port, for the header `Host`. Without the port if it is the default of the scheme.
    std::string authority() const {
        const std::uint16_t usual = secure ? 443 : 80;
        return bracketed() + (port == usual ? std::string{} : ':' + std::to_string(port));
    }
    /// Host and port, always with the port.
    std::string host_and_port() const { return bracketed() + ':' + std::to_string(port); }
    /// Scheme, host and port. URLs with the same origin can share a connection.
    std::string origin() const { return (secure ? "https://" : "http://") + host_and_port(); }

private:
    std::string bracketed() const { return host.find(':') == host.npos ? host : '[' + host + ']'; }
};

/// Reads `host`, `host:port` or `[v6]` with or without a port. Returns whether that is all of `text`.
inline bool parse_authority(std::string_view text, std::string& host, std::uint16_t& port) {
    auto rest = text;
    if (text.starts_with('[')) {
        const auto bracket = text.find(']');
        if (bracket == text.npos || bracket == 1) return false;
        host = text.substr(1, bracket - 1);
        rest.remove_prefix(bracket + 1);
    } else {
        host = text.substr(0, text.find(':'));
        rest.remove_prefix(host.size());
    }
    if (host.empty() || host.find_first_of("[]%\\\"<>^`{|}") != host.npos) return false;
    std::transform(host.begin(), host.end(), host.begin(), lower);
    if (rest.empty()) return true;
    rest.remove_prefix(1);
    const auto end = rest.data() + rest.size();
    const auto [at, failed] = std::from_chars(rest.data(), end, port);
    return text[text.size() - rest.size() - 1] == ':' && !rest.empty() && failed == std::errc{} &&
           at == end && port != 0;
}

/** Parses `http://host[:port][/path][?query]`, or the same with `https`. Any other text is a `bad_url`: also
 *  one with user and password, with a fragment, or with a character that a URL cannot contain. */
inline result<http_url> parse_http_url(std::string_view text) {
    const auto bad = make_error_code(errc::bad_url);
    constexpr std::string_view plain = "http://", secure = "https://";
    http_url url;
    url.secure = equal_ignoring_case(text.substr(0, secure.size()), secure);
    if (!url.secure && !equal_ignoring_case(text.substr(0, plain.size()), plain)) return bad;
    text.remove_prefix(url.secure ? secure.size() : plain.size());
    url.port = url.secure ? 443 : 80;
    // Other characters would break the request line.
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; }))
        return bad;
    const auto authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(authority.size());
    if (authority.find('@') != authority.npos || !parse_authority(authority, url.host, url.port)) return bad;
    url.target = (text.starts_with('/') ? "" : "/") + std::string{text};
    return url;
}

} // namespace sigfire::inline v0_1::detail
