// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>

namespace sigfire {

/** Each message goes to the one peer with the id that it names. Models Router. */
class direct_router {
public:
    /// Calls `to` for the peer `e.to`. Returns `self` if that is the sender, which did not ask for an echo;
    /// `unknown` if nobody has the id.
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::say& e, To to) const {
        const peer_handle target = registry.find(e.to);
        if (!target) return errc::unknown;
        if (target == from && !e.echo) return errc::self;
        to(target);
        return errc::ok;
    }
};

/** Client and server: the first member of a topic is its host. A message of another member to the topic goes
 * to the host alone, one of the host to all others; when the host leaves, the next member is it. Models
 * Router; for hubs with `topics`. `denied` for a peer that is no member, `unknown` if there is no such topic,
 * `offline` if the host is alone. */
class host_router {
public:
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::say& e, To to) const {
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

} // namespace sigfire
