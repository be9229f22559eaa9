// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <span>
#include <string_view>

namespace sigfire {

/** A log that costs nothing: what nobody reads is not even put together. Models Log.
 *
 *  A hub tells its log these events; the fields are in the order given.
 *  | event | level | fields | when |
 *  | --- | --- | --- | --- |
 *  | `peer_opened` | info | `id` | a peer was welcomed |
 *  | `peer_closed` | info, or warn if the cause was a fault | `id`, `cause` (`cause_name`) | a welcomed peer
 * is gone | | `id_claimed` | info | `id` | a connection wants the id of a living peer, which was pinged | |
 * `claim_refused` | warn | `id` | the living peer answered in time, or could not be pinged |
 *  | `peer_renamed` | info | `id` | a peer has that id now, and not the one it had |
 *  | `admission_failed` | error | `what` | an awaited hook threw instead of saying who is let in |
 *
 *  A log must not call the hub that it is told by. */
struct no_log {
    void operator()(log_level, std::string_view, std::span<const log_field>) const noexcept {}
};

} // namespace sigfire
