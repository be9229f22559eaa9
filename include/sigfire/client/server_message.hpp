// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigfire::inline v0_1 {

/// The longest id that a client accepts as its own, in bytes.
inline constexpr std::size_t longest_peer_id = 256;

/// The first message of a server. All views are valid until the call that takes the message returns.
struct server_welcome {
    std::string_view id{};   ///< the client's own id: 1 to 256 bytes
    payload configuration{}; ///< RTC configuration: any value; empty: none
    payload granted{};       ///< the server's data about resuming: any value; empty: none
};

/// The server's reply to a request. All views are valid until the call that takes the reply returns.
struct server_reply {
    std::string_view token{}; ///< token of the request: a value in its encoded form
    errc cause = errc::ok;    ///< `ok`, or why the request failed; `denied` for a cause of unknown name
    std::string_view text{};  ///< text of a failure
    payload data{};           ///< all data of the reply; empty: none
    politeness role = politeness::none; ///< the client's role in the session that its request started
};

/// A message of another peer or of the server. All views are valid until the call that takes it returns.
struct server_message {
    std::string_view command{}; ///< name of the message: `offer`, `publish`, `request`, `presence`, ...
    std::string_view from{};    ///< id of the peer; empty: the server itself
    std::string_view topic{};   ///< topic of the message; empty: none
    std::uint64_t number = 0;   ///< in a `request`: its number, which the answer repeats
    politeness role = politeness::none; ///< the client's role in the session that this starts
    payload data{};                     ///< data of the message; empty: none
};

} // namespace sigfire::inline v0_1
