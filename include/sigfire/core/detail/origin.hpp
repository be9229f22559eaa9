// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sigfire::inline v0_1::detail {

/** A web origin as browsers send it (RFC 6454, section 6.2): `scheme://host` in lower case, with a port
 *  unless it is the scheme's default. Drops one slash at the end. Leaves `null` and `none` unchanged.
 *  @throws std::invalid_argument if no browser could send that origin */
inline std::string serialized_origin(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (out == "null" || out == "none") return out;
    if (out.ends_with('/') && !out.ends_with("://")) out.pop_back();
    const auto scheme_end = out.find("://");
    const auto scheme = std::string_view{out}.substr(0, scheme_end);
    for (const std::string_view own : {"http:80", "https:443"}) {
        const auto colon = own.find(':');
        if (scheme == own.substr(0, colon) && out.ends_with(own.substr(colon)))
            out.resize(out.size() - (own.size() - colon));
    }
    const auto in = [](std::string_view allowed) {
        return [allowed](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || allowed.find(c) != allowed.npos;
        };
    };
    auto host = scheme_end == out.npos ? std::string_view{} : std::string_view{out}.substr(scheme_end + 3);
    const auto colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
    const auto port = colon == host.npos ? "1" : host.substr(colon + 1);
    host = host.substr(0, colon);
    const bool v6 = host.starts_with('[') && host.ends_with(']');
    if (v6) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
    const bool is_port =
        ec == std::errc{} && end == port.data() + port.size() && number != 0 && !port.starts_with('0');
    // The origin is that of the page, so its scheme is not that of a WebSocket.
    if (scheme.empty() || scheme == "ws" || scheme == "wss" || (host.empty() && scheme != "file") ||
        !is_port || !std::all_of(scheme.begin(), scheme.end(), in("+-.")) ||
        !std::all_of(host.begin(), host.end(), in(v6 ? ":." : "-._~%")))
        throw std::invalid_argument{"sigfire: '" + std::string{text} +
                                    "' is not an origin: browsers send scheme://host or scheme://host:port "
                                    "of the page, in ASCII"};
    return out;
}

/// Applies `serialized_origin` to each entry of a list.
inline std::vector<std::string> serialized_origins(std::vector<std::string> all) {
    for (auto& o : all) o = serialized_origin(o);
    return all;
}

} // namespace sigfire::inline v0_1::detail
