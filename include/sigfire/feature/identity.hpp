// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sigfire {

/// Settings of `identity`.
struct identity_options {
    bool strict_names = false; ///< a peer keeps the id by which it joined, and has no other: a second peer,
                               ///< or a second id, fails (`id_in_use`)
};

/** The one policy of ids beyond those that a hub gives and guards: for wires with peers that prove their
 * identity by tokens of their own, name themselves, are counted in parties, or give up their ids. A part of a
 * server, and of a hub. Other peers are left alone.
 *
 *  Tokens: a connection that brings the id of a peer and the token with which that one came, is that peer. It
 * is welcomed, and the old connection closed as `replaced`. Nothing that was sent to the old connection is
 * sent again. The tokens are the peers' own, so this proves no more than they keep secret, and costs a copy
 * of each. Peers that are resumable have a better way.
 *
 *  Names: a peer that joins by an id (`event::join::as`) has that one from then on, and is a member of no
 * other topic. If another peer has it that got it in this way, the newest takes it over: the other goes by an
 * id that the hub draws, and is a member of nothing, since memberships are an id's. Ids that a hub has given
 * cannot be taken over: `id_in_use`. Hooks know a peer by its handle, which stays. Not for peers that resume.
 * A message to a peer that names a topic too reaches the peer only as a member of it: else it is `unknown`.
 *
 *  Parties: a connection with an `admission::counted_with` is refused as `overloaded` if so many of that
 * party are here. A peer that goes on on a new connection, or takes the id of a peer that is found dead, adds
 * nobody.
 *
 *  A peer gives up its id by `event::unname`: the id is free, and the peer is not named any more, but goes on
 * under it and is counted. As soon as another one has the id, the peer goes by one that the hub draws. Peers
 * are named in the order in which they came. Memory: 20 bytes a slot. */
class identity : public feature {
public:
    explicit identity(identity_options options = {}) : options_(options) {}

    /// How many peers of that party are here.
    std::size_t count(const party& p) const {
        const auto at = parties_.find(p.number);
        return at == parties_.end() ? 0 : at->second;
    }

    /// How many peers have an id by which they joined.
    std::size_t names() const noexcept { return named_.size(); }

    // --- connections ---

    template <class X>
    errc on_enter(X&, const admission& wish) {
        const auto& with = wish.counted_with;
        return with.limit != 0 && count(with) >= with.limit ? errc::overloaded : errc::ok;
    }

    template <class X>
    peer_handle on_return(X& hub, const admission& wish) {
        if (wish.id.empty()) return {};
        const auto peer = hub.find(wish.id);
        return is_proof(peer, wish) ? peer : peer_handle{};
    }

    template <class X>
    void on_returned(X& hub, peer_handle peer, const admission& wish) {
        if (!is_proof(peer, wish)) return; // another feature brought it back
        const auto id = hub.fresh_id();
        event::welcome e;
        e.id = id.view();
        e.peer = hub.id(peer);
        e.configuration.bytes = wish.rtc_configuration;
        hub.send_uncounted(peer, e);
    }

    template <class X>
    void on_open(X&, peer_handle peer, const admission& granted) {
        if (!granted.token.empty() && !granted.resumable) tokens_.insert_or_assign(peer.slot, granted.token);
        const auto number = granted.counted_with.number;
        add(peer, number);
        if (number != 0) ++parties_[number];
    }

    template <class X>
    void on_close(X&, peer_handle peer, errc) {
        tokens_.erase(peer.slot);
        named_.erase(peer.slot);
        if (!is_here(peer)) return;
        unlink(peer.slot);
        const auto at = parties_.find(places_[peer.slot].counted);
        if (at != parties_.end() && --at->second == 0) parties_.erase(at);
        places_[peer.slot] = {};
    }

    // --- names ---

    template <class X>
    errc on_join(X& hub, peer_handle from, event::join& e) {
        if (e.as.empty() || e.as == hub.id(from)) return errc::ok;
        if (options_.strict_names && named_.contains(from.slot)) return errc::id_in_use;
        if (const auto holder = hub.find(e.as)) {
            if (options_.strict_names || !named_.contains(holder.slot) || hub.rename(holder, {}) != errc::ok)
                return errc::id_in_use;
            named_.erase(holder.slot);
        }
        const errc cause = hub.rename(from, e.as);
        if (cause == errc::ok) named_.insert(from.slot);
        return cause;
    }

    template <class X>
    errc on_send(X& hub, peer_handle, event::say& e) {
        if (e.topic.empty() || e.to.empty()) return errc::ok;
        return hub.is_member(e.topic, hub.find(e.to)) ? errc::ok : errc::unknown;
    }

    template <class X>
    void on_request(X& hub, peer_handle from, event::unname& e) {
        const errc cause = hub.unlist(from);
        if (cause == errc::ok) {
            named_.erase(from.slot);
            if (is_here(from)) unlink(from.slot);
        }
        hub.reply(from, e.token, cause);
    }

    template <class G>
    bool for_each_arrival(G f) {
        for (auto i = first_; i != none; i = places_[i].next) f(peer_handle{i, places_[i].generation});
        return true;
    }

private:
    static constexpr std::uint32_t none = 0xffffffff;

    // Of the peer in a slot, in the order of arrival.
    struct place {
        std::uint32_t generation = 0; // 0: nobody
        std::uint32_t counted = 0;    // number of its party
        std::uint32_t next = none, previous = none;
        bool linked = false; // its peer is named
    };

    bool is_proof(peer_handle peer, const admission& wish) const {
        const auto at = tokens_.find(peer.slot);
        return peer && !wish.resumable && at != tokens_.end() && at->second == wish.token;
    }

    void add(peer_handle peer, std::uint32_t counted) {
        if (peer.slot >= places_.size()) places_.resize(std::size_t{peer.slot} + 1);
        places_[peer.slot] = {peer.generation, counted, none, last_, true};
        (last_ == none ? first_ : places_[last_].next) = peer.slot;
        last_ = peer.slot;
    }

    bool is_here(peer_handle peer) const {
        return peer.slot < places_.size() && places_[peer.slot].generation == peer.generation;
    }

    void unlink(std::uint32_t slot) {
        auto& p = places_[slot];
        if (!std::exchange(p.linked, false)) return;
        (p.previous == none ? first_ : places_[p.previous].next) = p.next;
        (p.next == none ? last_ : places_[p.next].previous) = p.previous;
    }

    identity_options options_;
    std::unordered_map<std::uint32_t, std::string> tokens_; // by slot
    std::unordered_set<std::uint32_t> named_;               // slots
    std::vector<place> places_;                             // by slot
    std::uint32_t first_ = none, last_ = none;
    std::unordered_map<std::uint32_t, std::size_t> parties_; // by number
};

} // namespace sigfire
