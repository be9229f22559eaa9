// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/text/json/member.hpp>

#include <string_view>

/// The common part of sigfire's own wires, JSON and MessagePack.
namespace sigfire::inline v0_1::detail {

/** Close codes: those of Signal-Fire for its causes, and those of the RFC for other causes.
 *  4001-4399 = reconnect; 4600 and above = stay away. Without `extras`, gives the codes of Signal-Fire 2021.
 */
constexpr ending own_ending(errc why, bool extras) noexcept {
    const std::string_view text = to_string(why);
    switch (why) {
    case errc::closed: return {400, 1000, {}};
    case errc::lost: return {400, 0, text};
    case errc::stopping: return {503, 1001, text};
    case errc::protocol_violation: return {400, 1002, text};
    case errc::bad_utf8: return {400, 1007, text};
    case errc::flood: return {429, 1008, text};
    case errc::rate: return {429, 4400, text};
    case errc::too_large: // signal-Fire gives no reason here
        return {413, 1009, extras ? text : std::string_view{}};
    case errc::overloaded: return {503, 1013, text};
    case errc::internal_error: return {500, 4500, text};
    case errc::slow_consumer: return {503, 4001, text};
    case errc::pong_timeout: return {408, 4002, text};
    case errc::handshake_timeout: return {408, 4003, text};
    case errc::expired: return {401, 4402, text};
    case errc::id_in_use:
        if (extras) return {409, 4600, text};
        return {409, 4500, to_string(errc::internal_error)};
    case errc::replaced: return {409, 4601, text};
    case errc::denied:
    case errc::forbidden_origin: return {403, 4400, text};
    case errc::header_too_large: return {431, 4400, text};
    case errc::version_not_supported:
    case errc::upgrade_required: return {426, 4400, text};
    default: return {400, 4400, text};
    }
}

/// Reads a request to resume from the query of the upgrade: `?resume` or `?resume=TOKEN&received=N`.
inline void read_resume_query(const request& rq, admission& ad) {
    if (!rq.has_query("resume")) return;
    ad.resumable = true;
    ad.token = rq.query("resume");
    ad.received = json_unsigned(rq.query("received")).value_or(0);
}

} // namespace sigfire::inline v0_1::detail
