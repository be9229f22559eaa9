// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <functional>
#include <string>
#include <string_view>

/** What the wires of other systems have in common. */
namespace sigfire::detail {

/// The first sub-protocol that is offered, or empty: what the `ws` library for Node.js echoes.
inline std::string first_subprotocol(const request& rq) {
    std::string first;
    rq.any_subprotocol([&first](std::string_view offered) {
        first = offered;
        return true;
    });
    return first;
}

/// How to end a connection whose client knows no close codes but those of RFC 6455.
inline ending plain_ending(errc why) noexcept {
    const std::string_view text = to_string(why);
    switch (why) {
    case errc::closed: return {400, 1000, {}};
    case errc::lost:
    case errc::pong_timeout: return {408, 0, text}; // nobody there to read it
    case errc::stopping: return {503, 1001, text};
    case errc::protocol_violation: return {400, 1002, text};
    case errc::bad_utf8: return {400, 1007, text};
    case errc::too_large: return {413, 1009, text};
    case errc::overloaded:
    case errc::slow_consumer: return {503, 1013, text};
    case errc::handshake_timeout: return {503, 1013, text};
    case errc::null_message: return {500, 1011, text};
    case errc::denied:
    case errc::forbidden_origin: return {403, 1008, text};
    case errc::id_in_use: return {409, 1008, text};
    case errc::version_not_supported:
    case errc::upgrade_required: return {426, 1008, text};
    case errc::header_too_large: return {431, 1008, text};
    case errc::rate:
    case errc::flood: return {429, 1008, text};
    default: return {400, 1008, text};
    }
}

/** Whether the payload of `e` is still the one that it came with: it lies in the message. A hook may have
 *  put another there. */
inline bool has_own_payload(const envelope& e) noexcept {
    const std::string_view whole = e.whole.view(), part = e.data.bytes;
    return part.empty() || (std::less_equal<>{}(whole.data(), part.data()) &&
                            std::less_equal<>{}(part.data() + part.size(), whole.data() + whole.size()));
}

} // namespace sigfire::detail
