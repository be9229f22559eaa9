// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// The client's side of one TLS connection, without I/O. Bytes to send are appended to `wire`.
class client_cipher {
public:
    virtual ~client_cipher() = default;

    struct progress {
        bool established = false; ///< the handshake is complete since this call
        /// The end that follows the plain text: `eof` after a proper close, or `tls_failed`.
        error_code end{};
    };

    /// Takes received bytes and appends their plain text to `said`. The first call has no bytes and starts
    /// the handshake.
    virtual progress receive(std::string_view bytes, std::string& said, std::string& wire) = 0;
    /// Encrypts `bytes`. Only after the handshake.
    virtual void send(std::string_view bytes, std::string& wire) = 0;
    /// Sends the close alert of TLS.
    virtual void finish(std::string& wire) = 0;
};

/// Makes ciphers. An interface, so that clients without TLS need no TLS library.
class client_security {
public:
    virtual ~client_security() = default;

    /// A cipher for a connection to `host`, a name or numeric address. `http`: the connection is for
    /// WebSocket.
    virtual std::unique_ptr<client_cipher> begin(const std::string& host, bool http) const = 0;
};

} // namespace sigfire::inline v0_1::detail
