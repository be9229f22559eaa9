// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>

#include <string_view>

namespace sigfire::inline v0_1::detail {

/// The ending that a client sends. Signal-Fire's clients close with 1003 after a malformed message, and with
/// 1008 after a bad welcome.
constexpr ending client_ending(errc why) noexcept {
    const std::string_view text = to_string(why);
    switch (why) {
    case errc::malformed:
    case errc::internal_error: return {400, 1003, text};
    case errc::bad_welcome:
    case errc::welcome_timeout:
    case errc::flood: return {400, 1008, text};
    case errc::protocol_violation:
    case errc::bad_handshake: return {400, 1002, text};
    case errc::bad_utf8: return {400, 1007, text};
    case errc::too_large: return {413, 1009, text};
    case errc::lost: return {400, 0, text};
    case errc::slow_consumer: return {503, 4001, text};
    case errc::pong_timeout: return {408, 4002, text};
    default: return {400, 1000, {}};
    }
}

} // namespace sigfire::inline v0_1::detail
