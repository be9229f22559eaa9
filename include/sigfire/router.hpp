// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>
#include <sigfire/peer.hpp>

namespace sigfire {

/** Each envelope goes to the one peer whose id it names. Models Router. */
class direct_router {
public:
    /// Calls `to` for the peer `e.to`. Returns `self` if that is the sender, `unknown` if nobody has the id.
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const envelope& e, To to) const {
        const peer_handle target = registry.find(e.to);
        if (!target) return errc::unknown;
        if (target == from) return errc::self;
        to(target);
        return errc::ok;
    }
};

} // namespace sigfire
