// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/big_endian.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace sigfire::inline v0_1::detail {

/// The contents of a PROXY header, or a verdict that it is incomplete or invalid.
struct proxy_header {
    enum class verdict : unsigned char { incomplete, bad, good };

    verdict is = verdict::incomplete;
    std::size_t size = 0; ///< bytes of the header, if good
    std::string source{}; ///< numeric address of the client; empty = the address of the connection holds
    bool secure = false;  ///< whether the client uses TLS to the proxy (version 2)
};

/// Version 1 (HAProxy, "The PROXY protocol", 2.1): one line of text.
inline proxy_header parse_proxy_v1(std::string_view bytes) {
    using verdict = proxy_header::verdict;
    constexpr std::size_t longest = 107; // with its CR LF
    namespace ip = boost::asio::ip;
    const auto end = bytes.substr(0, longest).find("\r\n");
    if (end == bytes.npos) return {bytes.size() < longest ? verdict::incomplete : verdict::bad};
    auto line = bytes.substr(0, end);
    const auto word = [&line] {
        const auto blank = line.find(' ');
        const auto out = line.substr(0, blank);
        line = blank == line.npos ? std::string_view{} : line.substr(blank + 1);
        return out;
    };
    proxy_header out{verdict::good, end + 2};
    word(); // PROXY
    const auto family = word();
    if (family == "UNKNOWN") return out;
    const auto address = [&](std::string_view text) {
        error_code ec;
        const auto a = ip::make_address(std::string{text}, ec);
        // `make_address` reads up to a NUL, and takes a zone, which has no meaning on this host.
        if (text.find('\0') != text.npos || text.find('%') != text.npos) return false;
        return !ec && (family == "TCP4" ? a.is_v4() : family == "TCP6" && a.is_v6());
    };
    const auto port = [](std::string_view text) {
        std::uint16_t n = 0;
        const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        return ec == std::errc{} && stop == text.data() + text.size();
    };
    out.source = word();
    const auto target = word(), from = word(), to = line;
    if (!address(out.source) || !address(target) || !port(from) || !port(to)) return {verdict::bad};
    return out;
}

/// Version 2 (2.2): binary.
inline proxy_header parse_proxy_v2(std::string_view bytes) {
    using verdict = proxy_header::verdict;
    namespace ip = boost::asio::ip;
    constexpr std::size_t head = 16, longest = 4096; // addresses and additions of the proxy
    if (bytes.size() < head) return {};
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t length = load_big<std::uint16_t>(bytes.data() + 14);
    const auto version = byte(12) >> 4, command = byte(12) & 15, family = byte(13) >> 4;
    if (version != 2 || command > 1 || length > longest) return {verdict::bad};
    if (bytes.size() < head + length) return {};
    proxy_header out{verdict::good, head + length};
    if (command == 0) return out; // LOCAL: a connection of the proxy itself
    const std::size_t addresses = family == 1 ? 12 : family == 2 ? 36 : family == 3 ? 216 : 0;
    if (addresses == 0) return out; // of an unknown family, so the addresses are skipped
    if (length < addresses) return {verdict::bad};
    if (family == 1) {
        ip::address_v4::bytes_type b;
        std::memcpy(b.data(), bytes.data() + head, b.size());
        out.source = ip::address_v4{b}.to_string();
    } else if (family == 2) {
        ip::address_v6::bytes_type b;
        std::memcpy(b.data(), bytes.data() + head, b.size());
        const ip::address_v6 v6{b};
        out.source = v6.is_v4_mapped() ? ip::make_address_v4(ip::v4_mapped, v6).to_string() : v6.to_string();
    }
    constexpr unsigned char ssl = 0x20, by_ssl = 0x01;
    for (auto rest = bytes.substr(head + addresses, length - addresses); rest.size() >= 3;) {
        const std::size_t n = load_big<std::uint16_t>(rest.data() + 1);
        if (n > rest.size() - 3) return {verdict::bad};
        if (static_cast<unsigned char>(rest.front()) == ssl && n != 0)
            out.secure = (static_cast<unsigned char>(rest[3]) & by_ssl) != 0;
        rest.remove_prefix(3 + n);
    }
    return out;
}

/// Reads the PROXY header, version 1 or 2, at the front of a connection. No I/O. An incomplete header has at
/// most 4112 bytes.
inline proxy_header parse_proxy_header(std::string_view bytes) {
    constexpr std::string_view v1 = "PROXY ", v2{"\r\n\r\n\0\r\nQUIT\n", 12};
    const auto begins = [&](std::string_view with) {
        const auto n = std::min(bytes.size(), with.size());
        return bytes.substr(0, n) == with.substr(0, n);
    };
    if (begins(v1)) return bytes.size() < v1.size() ? proxy_header{} : parse_proxy_v1(bytes);
    if (begins(v2)) return bytes.size() < v2.size() ? proxy_header{} : parse_proxy_v2(bytes);
    return {proxy_header::verdict::bad};
}

} // namespace sigfire::inline v0_1::detail
