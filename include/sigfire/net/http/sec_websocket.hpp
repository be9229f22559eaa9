// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/base64.hpp>
#include <sigfire/core/detail/random.hpp>

#include <boost/beast/core/detail/sha1.hpp>

#include <array>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// A nonce for `Sec-WebSocket-Key` (RFC 6455, 4.1).
inline std::string sec_websocket_key() {
    std::array<unsigned char, 16> nonce;
    random_bytes(nonce);
    return base64({reinterpret_cast<const char*>(nonce.data()), nonce.size()});
}

/// The `Sec-WebSocket-Accept` for `key` (RFC 6455, 4.2.2).
inline std::string sec_websocket_accept(std::string_view key) {
    // Beast's own function includes <random>, which would cost the compiler much.
    constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    boost::beast::detail::sha1_context hash;
    boost::beast::detail::init(hash);
    boost::beast::detail::update(hash, key.data(), key.size());
    boost::beast::detail::update(hash, guid.data(), guid.size());
    std::array<char, boost::beast::detail::sha1_context::digest_size> digest;
    boost::beast::detail::finish(hash, digest.data());
    return base64({digest.data(), digest.size()});
}

} // namespace sigfire::inline v0_1::detail
