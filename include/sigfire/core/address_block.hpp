// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace sigfire::inline v0_1 {

/** The addresses that count as one client: one IPv4 address, or one IPv6 network of 64 bits. A customer of an
 *  IPv6 provider has at least such a network, so a limit for each IPv6 address would not hold.
 *
 *  The value is the address as 16 bytes, IPv4 as IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2), with the last
 *  64 bits of IPv6 cleared. All zero = no address: a Unix socket, or a peer in the same process. See
 *  `core/asio/address_block_of.hpp`. */
struct address_block {
    std::uint64_t high = 0; ///< the first 8 bytes, the first byte in the highest bits
    std::uint64_t low = 0;  ///< the last 8 bytes

    /// Whether there is an address.
    constexpr explicit operator bool() const noexcept { return (high | low) != 0; }
    /// Whether both are the same block.
    friend constexpr bool operator==(const address_block&, const address_block&) = default;
};

} // namespace sigfire::inline v0_1

// Doxygen 1.9.4 warns about specializations in namespace std.
/// @cond
// Remote sides choose addresses only within their own networks, so the hash is not keyed.
template <>
struct std::hash<sigfire::address_block> {
    std::size_t operator()(const sigfire::address_block& b) const noexcept {
        auto x = b.high * 0x9e3779b97f4a7c15u ^ b.low;
        x ^= x >> 32;
        return static_cast<std::size_t>(x * 0x9e3779b97f4a7c15u);
    }
};
/// @endcond
