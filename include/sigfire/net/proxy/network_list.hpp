// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// A numeric address as 16 bytes, IPv4 as IPv4-mapped IPv6; an error if the text is not an address.
inline result<boost::asio::ip::address_v6::bytes_type> address_bytes(std::string_view text) {
    namespace ip = boost::asio::ip;
    error_code ec;
    const auto a = ip::make_address(std::string{text}, ec);
    if (ec) return ec;
    if (text.find('\0') != text.npos)
        return make_error_code(errc::malformed); // `make_address` reads up to it
    return a.is_v4() ? ip::make_address_v6(ip::v4_mapped, a.to_v4()).to_bytes() : a.to_v6().to_bytes();
}

/// Networks as administrators write them: `10.0.0.0/8`, `2001:db8::/32`, single addresses, and `unix` for
/// connections without an address.
class network_list {
public:
    network_list() = default;

    /// `valid()` returns whether all of them could be read.
    explicit network_list(std::span<const std::string> networks) {
        for (const auto& n : networks) valid_ = add(n) && valid_;
    }

    bool valid() const noexcept { return valid_; }
    bool empty() const noexcept { return networks_.empty() && !local_; }

    /// Whether one of the networks contains `address`. An empty address stands for a connection without one.
    bool contains(std::string_view address) const {
        if (address.empty()) return local_;
        const auto bytes = address_bytes(address);
        return bytes && std::any_of(networks_.begin(), networks_.end(), [&](const network& n) {
                   const auto whole = static_cast<std::ptrdiff_t>(n.bits / 8);
                   if (!std::equal(bytes->begin(), bytes->begin() + whole, n.bytes.begin())) return false;
                   const auto rest = n.bits % 8;
                   const auto at = static_cast<std::size_t>(whole);
                   return rest == 0 || (((*bytes)[at] ^ n.bytes[at]) >> (8 - rest)) == 0;
               });
    }

private:
    struct network {
        boost::asio::ip::address_v6::bytes_type bytes;
        unsigned bits;
    };

    bool add(std::string_view text) {
        if (text == "unix") return local_ = true;
        const auto slash = text.find('/');
        const auto address = text.substr(0, slash);
        const auto bytes = address_bytes(address);
        if (!bytes) return false;
        const unsigned most = address.find(':') == address.npos ? 32 : 128;
        unsigned bits = most;
        if (slash != text.npos) {
            const auto digits = text.substr(slash + 1);
            const auto end = digits.data() + digits.size();
            const auto parsed = std::from_chars(digits.data(), end, bits);
            if (parsed.ec != std::errc{} || parsed.ptr != end || bits > most) return false;
        }
        networks_.push_back({*bytes, bits + 128 - most});
        return true;
    }

    std::vector<network> networks_;
    bool local_ = false;
    bool valid_ = true;
};

} // namespace sigfire::inline v0_1::detail
