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

namespace sigfire::inline v0_1 {

/// Settings of `identity`.
struct identity_options {
    /// If true, a peer keeps its first name: no other peer takes the name, and the peer takes no second name.
    /// Both fail with `id_in_use`.
    bool unique_names = false;
};

/** Manages ids beyond those that the hub draws and guards. A part of a server, and of a hub. It serves
 *  wires with tokens, names, parties, or ids that peers give up. It does not affect other peers.
 *
 *  Tokens: a connection with the id of a present peer and the same `admission::token` becomes that peer. The
 *  hub welcomes the peer again and closes the old connection with `replaced`. Messages sent on the old
 *  connection are not sent again. A connection with another token is refused with `id_in_use`. Peers choose
 * these tokens, so they prove only as much as the peers keep secret. Each costs a copy. Resumable peers use
 * `resume` instead.
 *
 *  Names: a peer that joins a topic with `event::join::as` gets that id and leaves its other topics. If
 *  another peer has its id from such a join, the newest peer takes it over. The hub then draws a new id for
 *  the former holder, which leaves its topics too. Other ids cannot be taken over: `id_in_use`. Hooks know a
 *  peer by its handle, which stays the same. Resumable peers cannot use names. A message with both `to` and
 *  `topic` reaches only a member of the topic; otherwise the cause is `unknown`.
 *
 *  Parties: if a party has reached its limit, a connection with that `admission::counted_with` is refused
 *  with `overloaded`. A peer that continues on a new connection adds nothing to the count. Neither does a
 *  peer that takes the id of a dead peer.
 *
 *  Giving up: after `event::release_id` the id is free and lists no longer contain the peer. The peer keeps
 *  sending under the id and still counts. When another peer gets the id, the hub draws a new id for this
 *  peer. Lists contain the peers in the order of arrival.
 *
 *  Memory: 20 bytes for each slot. */
class identity : public feature {
public:
    /// Takes the settings.
    explicit identity(identity_options options = {}) : options_(options) {}

    /// Number of present peers of a party.
    std::size_t count(const party& p) const {
        const auto at = parties_.find(p.number);
        return at == parties_.end() ? 0 : at->second;
    }

    /// Number of peers with an id from `event::join::as`.
    std::size_t names() const noexcept { return named_.size(); }

    // --- connections ---

    /// Returns `overloaded` if the party of the connection has reached its limit.
    template <class X>
    errc on_enter(X&, const admission& entry) {
        const auto& with = entry.counted_with;
        return with.limit != 0 && count(with) >= with.limit ? errc::overloaded : errc::ok;
    }

    /// Refuses a connection with another token than that of the holder: `id_in_use`. So a stranger does not
    /// get the id of a peer that is silent for a moment.
    template <class X>
    errc on_claim(X&, peer_handle holder, const admission&) {
        return tokens_.contains(holder.slot) ? errc::id_in_use : errc::ok;
    }

    /// Returns the peer with the id and the token of the connection, if there is one.
    template <class X>
    peer_handle on_identify(X& hub, const admission& entry) {
        if (entry.id.empty()) return {};
        const auto peer = hub.find(entry.id);
        return is_proof(peer, entry) ? peer : peer_handle{};
    }

    /// Sends a welcome on the new connection of a peer that returned by its token.
    template <class X>
    void on_identified(X& hub, peer_handle peer, const admission& entry) {
        if (!is_proof(peer, entry)) return; // another feature identified the peer
        const auto id = hub.fresh_id();
        event::welcome e;
        e.id = id.view();
        e.peer = hub.id(peer);
        e.configuration.bytes = entry.rtc_configuration;
        hub.send_uncounted(peer, e);
    }

    /// Keeps the token of the peer, and counts it in its party.
    template <class X>
    void on_open(X&, peer_handle peer, const admission& granted) {
        if (!granted.token.empty() && !granted.resumable) tokens_.insert_or_assign(peer.slot, granted.token);
        const auto number = granted.counted_with.number;
        add(peer, number);
        if (number != 0) ++parties_[number];
    }

    /// Forgets the peer.
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

    /// Gives the peer the id `e.as`. Causes: `id_in_use`, and those of `feature_context::rename`.
    template <class X>
    errc on_join(X& hub, peer_handle from, event::join& e) {
        if (e.as.empty() || e.as == hub.id(from)) return errc::ok;
        if (options_.unique_names && named_.contains(from.slot)) return errc::id_in_use;
        if (const auto holder = hub.find(e.as)) {
            if (options_.unique_names || !named_.contains(holder.slot) || hub.rename(holder, {}) != errc::ok)
                return errc::id_in_use;
            named_.erase(holder.slot);
        }
        const errc cause = hub.rename(from, e.as);
        if (cause == errc::ok) named_.insert(from.slot);
        return cause;
    }

    /// Returns `unknown` if the message names a topic and the target is not a member.
    template <class X>
    errc on_send(X& hub, peer_handle, event::send& e) {
        if (e.topic.empty() || e.to.empty()) return errc::ok;
        return hub.is_member(e.topic, hub.find(e.to)) ? errc::ok : errc::unknown;
    }

    /// Frees the id of the peer. Causes: `offline`, `denied`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::release_id& e) {
        const errc cause = hub.unlist(from);
        if (cause == errc::ok) {
            named_.erase(from.slot);
            if (is_here(from)) unlink(from.slot);
        }
        hub.reply(from, e.token, cause);
    }

    /// Calls `f(peer_handle)` for each listed peer, in the order of arrival. Returns true.
    template <class G>
    bool for_each_arrival(G f) {
        for (auto i = first_; i != none; i = places_[i].next) f(peer_handle{i, places_[i].generation});
        return true;
    }

private:
    static constexpr std::uint32_t none = 0xffffffff;

    // The peer in a slot, in a list in the order of arrival.
    struct place {
        std::uint32_t generation = 0; // 0 = no peer
        std::uint32_t counted = 0;    // number of its party
        std::uint32_t next = none, previous = none;
        bool linked = false; // its peer is listed
    };

    bool is_proof(peer_handle peer, const admission& entry) const {
        const auto at = tokens_.find(peer.slot);
        return peer && !entry.resumable && at != tokens_.end() && at->second == entry.token;
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

} // namespace sigfire::inline v0_1
