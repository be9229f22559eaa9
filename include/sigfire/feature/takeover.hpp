// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace sigfire {

/** Lets a peer move to a new connection while the old one is open: who brings the id of a peer and the token
 * with which that one came, is that peer. A part of a server, and of a hub.
 *
 *  The new connection is welcomed, the old one is closed as `replaced`. Nothing that was sent to the old
 * connection is sent again. The tokens are the peers' own, so this proves no more than they keep secret, and
 * costs a copy of each; peers that are resumable have a better way, and are left alone. */
class takeover : public feature {
public:
    template <class D>
    peer_handle returning(D& desk, const admission& wish) {
        if (wish.id.empty()) return {};
        const auto peer = desk.find(wish.id);
        return is_proof(peer, wish) ? peer : peer_handle{};
    }

    template <class D>
    void returned(D& desk, peer_handle peer, const admission& wish) {
        if (!is_proof(peer, wish)) return; // another feature brought it back
        envelope e;
        e.what = verb::welcome;
        e.id = desk.fresh_id();
        e.to = desk.id(peer);
        desk.send_uncounted(peer, e);
    }

    template <class D>
    void opened(D&, peer_handle peer, const admission& granted) {
        if (!granted.token.empty() && !granted.resumable) tokens_.insert_or_assign(peer.slot, granted.token);
    }

    template <class D>
    void closed(D&, peer_handle peer, errc) {
        tokens_.erase(peer.slot);
    }

private:
    bool is_proof(peer_handle peer, const admission& wish) const {
        const auto at = tokens_.find(peer.slot);
        return peer && !wish.resumable && at != tokens_.end() && at->second == wish.token;
    }

    std::unordered_map<std::uint32_t, std::string> tokens_; // by slot
};

} // namespace sigfire
