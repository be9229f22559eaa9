// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#if !__has_include(<openssl/evp.h>)
#error                                                                                                       \
    "sigfire: signatures need OpenSSL 3: install its headers (libssl-dev), and link CMake's target sigfire::tls"
#endif

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <openssl/evp.h>

namespace sigfire::inline v0_1::detail {

/// HMAC (RFC 2104) of `text` with a digest such as `SHA256`: its bytes. Empty if OpenSSL cannot compute it.
inline std::string hmac_of(const char* digest, std::string_view secret, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    std::size_t size = 0;
    if (EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, secret.data(), secret.size(),
                  reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), out.size(),
                  &size) == nullptr)
        return {};
    return {reinterpret_cast<const char*>(out.data()), size};
}

/// Bytes as hexadecimal digits in lower case.
inline std::string hex(std::string_view bytes) {
    constexpr auto digits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto b = static_cast<unsigned char>(c);
        (out += digits[b >> 4]) += digits[b & 15];
    }
    return out;
}

} // namespace sigfire::inline v0_1::detail
