// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace sigfire {

/** A request that a client sends on sigfire's own wires. A member that is empty or not set is left out of the
 * message. All views are valid until the call that was handed the request returns. */
struct client_request {
    std::string_view command{};  ///< `offer`, `join`, ...; without one nothing is sent
    std::string_view target{};   ///< id of the peer that the request is for, or about
    std::string_view topic{};    ///< name of the topic
    payload data{};              ///< one value
    std::string_view token{};    ///< names the request in its reply: a value as it stands on the wire
    std::uint64_t answered = 0;  ///< of `respond`: the number of the question
    bool failed = false;         ///< of `respond`: the question had no good answer
    bool echo = false;           ///< of `publish`: to the sender too
    bool droppable = false;      ///< of `publish`: need not reach a member that has no room for it
    std::string_view resuming{}; ///< of `resume`: the token that the server gave to the client
    std::optional<std::uint64_t> received{}; ///< of `resume` and `ack`: messages of the server that came

    /// Whether this can be sent: it has a command, and a token unless it is an `ack`.
    constexpr bool complete() const noexcept {
        return !command.empty() && (!token.empty() || command == "ack");
    }
};

} // namespace sigfire
