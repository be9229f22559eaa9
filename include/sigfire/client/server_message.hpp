// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/** The news that a client hears on sigfire's own wires: a welcome, replies, and messages. All views are valid
 * until the call that was handed them returns. */
namespace sigfire {

/// The longest id that a client takes for its own, in bytes.
inline constexpr std::size_t longest_peer_id = 256;

/// The first message of a server.
struct server_welcome {
    std::string_view id{};   ///< the client's own: 1 to 256 bytes
    payload configuration{}; ///< RTC configuration: any value; empty: none
    payload granted{};       ///< the server's words about resuming: any value; empty: nothing
};

/// How a request ended.
struct server_reply {
    std::string_view token{};           ///< of the request: a value as it stands on the wire
    errc cause = errc::ok;              ///< `ok`, or why it failed; `denied` for a cause of unknown name
    std::string_view text{};            ///< of a failure: the server's words for it
    payload data{};                     ///< all of the reply's data; empty: none
    politeness role = politeness::none; ///< the client's part in the session that its request started
};

/// A message of another peer, or of the server itself.
struct server_message {
    std::string_view command{};         ///< `offer`, `publish`, `request`, `presence`, ...
    std::string_view from{};            ///< id of the peer; empty: the server itself
    std::string_view topic{};           ///< where it is said; empty: not in a topic
    std::uint64_t number = 0;           ///< of a `request`: names it in the answer
    politeness role = politeness::none; ///< the client's part in the session that this starts
    payload data{};                     ///< empty: none
};

} // namespace sigfire
