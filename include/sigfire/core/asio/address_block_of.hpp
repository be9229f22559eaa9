// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1 {

namespace detail {

constexpr address_block block_of_bytes(const std::array<unsigned char, 16>& bytes) noexcept {
    address_block out;
    for (std::size_t i = 0; i < 8; ++i) out.high = out.high << 8 | bytes[i];
    for (std::size_t i = 8; i < 16; ++i) out.low = out.low << 8 | bytes[i];
    const bool is_v4 = out.high == 0 && out.low >> 32 == 0xffff;
    if (!is_v4 && out.high != 0) out.low = 0;
    return out;
}

} // namespace detail

/** The block of a numeric address, `192.0.2.1` or `2001:db8::1`. No block for an empty text, and for a text
 *  that is not an address. */
inline address_block address_block_of(std::string_view remote) {
    namespace ip = boost::asio::ip;
    if (remote.empty() || remote.find('\0') != remote.npos) return {}; // `make_address` reads up to it
    error_code ec;
    const auto a = ip::make_address(std::string{remote}, ec);
    if (ec) return {};
    return detail::block_of_bytes(
        (a.is_v4() ? ip::make_address_v6(ip::v4_mapped, a.to_v4()) : a.to_v6()).to_bytes());
}

} // namespace sigfire::inline v0_1
