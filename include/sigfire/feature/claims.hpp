// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <cstdint>
#include <string_view>
#include <unordered_set>

namespace sigfire {

/// Settings of `claims`.
struct claims_options {
    bool strict = false; ///< who has an id keeps it, and has no other: a second claim fails (`id_in_use`)
};

/** Ids that peers give themselves when they join a topic: for wires on which peers are nameless until a
 *  message names them. A part of a server, and of a hub with `topics`.
 *
 *  Who joins by an id that is not its own has that one from then on, and is a member of no other topic. If
 *  another has it that got it in this way, the newest takes it over: the other goes by an id that the hub
 *  draws, and is a member of nothing, since memberships are an id's. Ids that a hub has given cannot be taken
 *  over: `id_in_use`. On wires whose envelopes do not name an id to join by, nobody can claim one.
 *
 *  In a hub with it, what is sent to a peer and names a topic too reaches the peer only as a member of that
 *  topic: else it is `unknown`. Hooks know a peer by its handle, which stays. Not for peers that resume.
 * Memory: some 16 bytes for each peer that has claimed an id. */
class claims : public feature {
public:
    explicit claims(claims_options options = {}) : options_(options) {}

    /// How many peers have an id that they have claimed.
    std::size_t size() const noexcept { return claimed_.size(); }

    template <class D>
    errc joining(D& desk, peer_handle from, envelope& e) {
        if (e.to.empty() || e.to == desk.id(from)) return errc::ok;
        if (options_.strict && claimed_.contains(from.slot)) return errc::id_in_use;
        if (const auto holder = desk.find(e.to)) {
            if (options_.strict || !claimed_.contains(holder.slot) || desk.rename(holder, {}) != errc::ok)
                return errc::id_in_use;
            claimed_.erase(holder.slot);
        }
        const errc cause = desk.rename(from, e.to);
        if (cause == errc::ok) claimed_.insert(from.slot);
        e.from = desk.id(from);
        return cause;
    }

    template <class D>
    errc sending(D& desk, peer_handle, envelope& e) {
        if (e.topic.empty() || e.to.empty()) return errc::ok;
        return desk.is_member(e.topic, desk.find(e.to)) ? errc::ok : errc::unknown;
    }

    template <class D>
    void closed(D&, peer_handle peer, errc) {
        claimed_.erase(peer.slot);
    }

private:
    claims_options options_;
    std::unordered_set<std::uint32_t> claimed_; // slots
};

} // namespace sigfire
