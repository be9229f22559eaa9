// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <span>
#include <string_view>

namespace sigfire::inline v0_1 {

/** A log that discards all events. The hub does not even build the fields for it. Models Log.
 *
 *  A hub logs these events, with these fields in this order:
 *  - `peer_opened` (info; `id`, `remote`): the hub welcomed a peer.
 *  - `peer_closed` (info, or warn if the cause is a fault; `id`, `cause`): a welcomed peer left.
 *  - `peer_away` (info; `id`, `cause`): the peer lost its connection and may resume.
 *  - `peer_resumed` (info; `id`): the peer resumed on a new connection.
 *  - `peer_renamed` (info, or debug from the second change on; `id`): the peer now has this id instead of its
 *    old one.
 *  - `peer_unlisted` (info, or debug from the second change on; `id`): the peer gave up this id. The id is
 *    free, but the peer still sends under it.
 *  - `id_claimed` (info; `id`): a connection claims the id of a connected peer, and the hub pinged that peer.
 *  - `claim_refused` (warn; `id`): the peer with the claimed id answered in time, or could not be pinged.
 *  - `connection_refused` (warn; `remote`, `cause`): transport, codec, hooks or hub refused a connection.
 * With an empty `remote` and the cause `overloaded`, the process has no descriptor left for waiting
 * connections.
 *  - `request_refused` (warn, or debug if the cause is `unknown` or `offline`; `id`, `cause`): the hub
 *    refused a request, and the peer's wire has no message for the refusal. Logged once for each peer and
 *    cause.
 *  - `callback_failed` (error; `what`): a hook, feature, function, policy, router or handler threw.
 *
 *  `cause` is a `cause_name`. A log may call the hub, like all code of the host program. */
struct no_log {
    /// Does nothing.
    void operator()(log_level, std::string_view, std::span<const log_field>) const noexcept {}
};

} // namespace sigfire::inline v0_1
