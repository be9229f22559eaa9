// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/base64.hpp>
#include <sigfire/core/detail/percent.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/http/http_url.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// A proxy for HTTP.
struct http_proxy {
    std::string host{};
    std::uint16_t port = 80;
    std::string credentials{}; ///< value of `Proxy-Authorization`; empty = none
};

/// Parses `[http://][user[:password]@]host[:port]`; user and password are percent-encoded. Any other text is
/// a `bad_url`.
inline result<http_proxy> parse_http_proxy(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    const auto bad = make_error_code(errc::bad_url);
    if (equal_ignoring_case(text.substr(0, scheme.size()), scheme))
        text.remove_prefix(scheme.size());
    else if (text.find("://") != text.npos)
        return bad;
    if (text.ends_with('/')) text.remove_suffix(1);
    http_proxy out;
    if (const auto at = text.rfind('@'); at != text.npos) {
        const auto said = text.substr(0, at);
        const auto colon = said.find(':');
        auto pair = percent_decoded(said.substr(0, colon)) + ':';
        if (pair.find(':') + 1 != pair.size()) return bad; // RFC 7617, 2
        if (colon != said.npos) pair += percent_decoded(said.substr(colon + 1));
        out.credentials = "Basic " + base64(pair);
        text.remove_prefix(at + 1);
    }
    for (const char c : text)
        if (c <= ' ' || c >= 0x7f || c == '/' || c == '?' || c == '#') return bad;
    if (!parse_authority(text, out.host, out.port)) return bad;
    return out;
}

} // namespace sigfire::inline v0_1::detail
