// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#if !__has_include(<openssl/hmac.h>)
#error                                                                                                       \
    "sigfire: signatures need OpenSSL 3: install its headers (libssl-dev), and link CMake's target sigfire::tls"
#endif

#include <array>
#include <climits>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace sigfire::inline v0_1::detail {

/// HMAC (RFC 2104) of `text` with `hash`, such as `EVP_sha256()`. The result is bytes. Throws
/// `std::runtime_error` if OpenSSL does not provide the hash.
inline std::string hmac(const EVP_MD* hash, std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (key.size() > INT_MAX ||
        HMAC(hash, key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size) == nullptr)
        throw std::runtime_error{"sigfire: OpenSSL cannot compute this HMAC"};
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

/// Bytes in base64 (RFC 4648, section 4). At most 1 MiB.
inline std::string base64_of(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0'); // OpenSSL writes a null byte too
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.pop_back();
    return out;
}

} // namespace sigfire::inline v0_1::detail
