// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace sigfire::inline v0_1 {

/// A request of a client on sigfire's own wires. A member that is empty or not set is left out of the
/// message. All views are valid until the call that takes the request returns.
struct client_request {
    std::string_view command{};  ///< name of the request: `offer`, `join`, ...; without it nothing is sent
    std::string_view target{};   ///< id of the peer that the request is for or about
    std::string_view topic{};    ///< name of the topic
    payload data{};              ///< one value of the wire's format
    std::string_view token{};    ///< identifies the request in its reply: a value in its encoded form
    std::uint64_t answered = 0;  ///< in `respond`: the number of the request that is answered
    bool failed = false;         ///< in `respond`: the answer is a failure
    bool echo = false;           ///< in `publish`: deliver to the sender too
    bool droppable = false;      ///< in `publish`: a member with a full outbox need not get it
    std::string_view resuming{}; ///< in `resume`: the token that the server gave to the client
    /// In `resume` and `ack`: how many messages came from the server.
    std::optional<std::uint64_t> received{};

    /// Whether the request can be sent: it has a command, and a token unless it is an `ack`.
    constexpr bool complete() const noexcept {
        return !command.empty() && (!token.empty() || command == "ack");
    }
};

} // namespace sigfire::inline v0_1
