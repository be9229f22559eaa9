// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sigfire::detail {

/// The client's side of one TLS connection, without I/O. Bytes that it has to send are added to `wire`.
class client_cipher {
public:
    virtual ~client_cipher() = default;

    struct progress {
        bool established = false; ///< it is so since this call
        error_code end{};         ///< behind the words: `eof` after a goodbye, or `tls_failed`
    };

    /// Takes bytes that came and adds their plain text to `said`. The first call, without bytes, begins.
    virtual progress receive(std::string_view bytes, std::string& said, std::string& wire) = 0;
    /// Enciphers; once established.
    virtual void send(std::string_view bytes, std::string& wire) = 0;
    /// Says goodbye.
    virtual void finish(std::string& wire) = 0;
};

/// Makes them. An interface, so that clients without TLS do without its library.
class client_security {
public:
    virtual ~client_security() = default;

    /// For a connection to `host`, a name or numeric address; `http`: it is for WebSocket.
    virtual std::unique_ptr<client_cipher> begin(const std::string& host, bool http) const = 0;
};

} // namespace sigfire::detail
