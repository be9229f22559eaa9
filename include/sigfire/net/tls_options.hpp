// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sigfire::inline v0_1 {

/// A certificate and its key. Each is the path of a PEM file. If it contains `-----BEGIN`, it is PEM text.
struct tls_certificate {
    std::string certificate; ///< the server's own certificate first, then the intermediate ones in order
    std::string key{};       ///< not encrypted; empty = in the same source as the certificate
};

/// Whether a TLS server asks its clients for a certificate.
enum class tls_verify : unsigned char {
    none,     ///< no certificate
    optional, ///< none, or a certificate that a CA of `tls_options::ca` has issued
    required, ///< a certificate that a CA of `tls_options::ca` has issued
};

/// A span of time in which certificates are valid.
struct tls_validity {
    /// When the last of the certificates begins to be valid.
    std::chrono::system_clock::time_point begin = std::chrono::system_clock::time_point::min();
    /// When the first of the certificates expires.
    std::chrono::system_clock::time_point end = std::chrono::system_clock::time_point::max();
};

/// Settings of a TLS server.
struct tls_options {
    /// At least one. If a client names its server (SNI), it gets the certificate for that name. All other
    /// clients get the first certificate.
    std::vector<tls_certificate> certificates{};
    /// Certificates of clients; the subject is in `request::peer_subject`.
    tls_verify verify = tls_verify::none;
    std::string ca{}; ///< CAs of client certificates, one or more: the path of a PEM file, or PEM text
    /// Called when TLS fails, during the handshake or later, with the numeric address and a reason in words.
    /// Runs on the loop: it must return soon, must not throw, and must not call the server.
    std::function<void(std::string_view remote, std::string_view why)> on_failure{};
};

} // namespace sigfire::inline v0_1
