// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <functional>
#include <string_view>

namespace sigfire {

/** Asked about each connection, before a byte is read: limits per address, bans, connections per minute.
 *
 *  Servers on several threads may share the state behind it, and then both functions are called by several
 *  threads at once. They run on the loop: they return soon. An exception of `enter` refuses that
 *  connection. */
struct accept_gate {
    /** `ok`, or the cause for which the connection is closed at once. `remote` is the numeric address of the
     *  other side, empty for a Unix socket. Not asked about a proxy that is trusted, but about each client
     *  that it names; such a client is refused by an HTTP status (429 for `rate`, 503 for `overloaded`, else
     *  403). Empty = everybody may connect. */
    std::function<errc(std::string_view remote)> enter{};
    /// Told once for each `ok` of `enter` that the connection is gone. Does not throw.
    std::function<void(std::string_view remote)> leave{};
};

} // namespace sigfire
