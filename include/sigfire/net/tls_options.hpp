// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sigfire {

/// A certificate and its key. Each is the path of a PEM file or, if it holds `-----BEGIN`, PEM text.
struct tls_certificate {
    std::string certificate; ///< the server's own first, then those between it and its root
    std::string key{};       ///< not encrypted; empty = in the same place as the certificate
};

/// The demands of a TLS server on its clients.
enum class tls_verify : unsigned char {
    none,     ///< no certificate
    optional, ///< a certificate that `tls_options::ca` vouches for, or none
    required, ///< a certificate that `tls_options::ca` vouches for
};

/// How to serve TLS.
struct tls_options {
    /// At least one. A client that names its server (SNI) gets the one that holds for that name; the others
    /// get the first.
    std::vector<tls_certificate> certificates{};
    tls_verify verify = tls_verify::none; ///< a certificate gives `request::peer_subject`
    std::string
        ca{}; ///< CAs that vouch for clients: path of a PEM file, or PEM text; one certificate or several
    /// Told the numeric address and the reason, in words, when TLS fails before or after it was agreed upon.
    /// Called on the loop: returns soon, does not throw, must not call the server.
    std::function<void(std::string_view remote, std::string_view why)> on_failure{};
};

} // namespace sigfire
