// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <span>
#include <string_view>

namespace sigfire {

/** A log that costs nothing: fields that nobody reads are not even put together. Models Log.
 *
 *  A hub tells its log these events, with these fields in this order:
 *  - `peer_opened` (info; `id`, `remote`): a peer was welcomed.
 *  - `peer_closed` (info, or warn if the cause is a fault; `id`, `cause`): a welcomed peer is gone.
 *  - `peer_away` (info; `id`, `cause`): its connection is gone, and it may come back.
 *  - `peer_resumed` (info; `id`): it goes on with a new connection.
 *  - `peer_renamed` (info; `id`): a peer has that id now, and not the one it had.
 *  - `peer_unlisted` (info; `id`): a peer goes by that id, which is free all the same.
 *  - `id_claimed` (info; `id`): a connection wants the id of a living peer, which was pinged.
 *  - `claim_refused` (warn; `id`): the living peer answered in time, or could not be pinged.
 *  - `connection_refused` (warn; `remote`, `cause`): by transport, codec, hooks or hub.
 *  - `request_refused` (warn, or debug if the cause is `unknown` or `offline`; `id`, `cause`): a request
 *    of a peer was refused, and its wire has no word for that. Told once of each peer and cause.
 *  - `callback_failed` (error; `what`): a hook, feature, function, policy, router or handler threw.
 *
 *  `cause` is a `cause_name`. A log may call the hub, as all code of the host program may. */
struct no_log {
    void operator()(log_level, std::string_view, std::span<const log_field>) const noexcept {}
};

} // namespace sigfire
