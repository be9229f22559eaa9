// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>

namespace sigfire::inline v0_1 {

/// Routes each message to the peer with the id `e.to`. Models Router.
class direct_router {
public:
    /** Calls `to(peer)` for the peer with the id `e.to` and returns `ok`.
     *
     *  Returns `unknown` if no peer has the id. Returns `self` if the target is the sender, unless `e.echo`
     *  is set. */
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) const {
        const peer_handle target = registry.find(e.to);
        if (!target) return errc::unknown;
        if (target == from && !e.echo) return errc::self;
        to(target);
        return errc::ok;
    }
};

/** Routes the messages of a topic between its host and the other members. The first member of the topic is
 *  the host. Models Router; needs a hub with `topics`.
 *
 *  A message of another member to the topic goes to the host only. A message of the host goes to all other
 *  members. When the host leaves, the next member becomes the host. A message to a peer goes to that peer
 *  only. */
class host_router {
public:
    /** Calls `to(peer)` for each target and returns `ok`.
     *
     *  Returns `unknown` if the topic does not exist, and `denied` if the sender is not a member. Returns
     *  `offline` if the host is alone. For a message to a peer, returns the causes of `direct_router::route`.
     */
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) const {
        if (!e.to.empty() || e.topic.empty()) return direct_router{}.route(registry, from, e, to);
        peer_handle host;
        bool member = false;
        registry.for_each(e.topic, [&](peer_handle who) {
            if (!host) host = who;
            member = member || who == from;
        });
        if (!host) return errc::unknown;
        if (from && !member) return errc::denied;
        if (from == host) {
            bool other = false;
            registry.for_each(e.topic, [&](peer_handle who) {
                if (who == from) return;
                other = true;
                to(who);
            });
            return other ? errc::ok : errc::offline;
        }
        to(host);
        return errc::ok;
    }
};

} // namespace sigfire::inline v0_1
