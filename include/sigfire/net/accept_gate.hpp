// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <functional>
#include <string_view>

namespace sigfire::inline v0_1 {

/** A check of each new connection before the server reads a byte: limits per address, bans, connections
 *  per minute.
 *
 *  Servers on several threads may share the state behind a gate. Then several threads may call both
 *  functions at once. Both run on the loop, so they must return soon. If `enter` throws, the server
 *  refuses the connection. */
struct accept_gate {
    /** Returns `ok`, or the cause for which the server closes the connection at once. `remote` is the
     *  numeric address of the other side, empty for a Unix socket.
     *
     *  For connections of a trusted proxy, `enter` gets no call for the proxy itself. It gets a call for
     *  each client that the proxy names. The server refuses such a client by an HTTP status: 429 for
     *  `rate`, 503 for `overloaded`, else 403. Empty = every connection is accepted. */
    std::function<errc(std::string_view remote)> enter{};
    /// Called once for each `ok` of `enter`, when the connection has ended. Must not throw.
    std::function<void(std::string_view remote)> leave{};
};

} // namespace sigfire::inline v0_1
