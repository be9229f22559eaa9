// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace sigfire {

/** Knows in which order the peers that are here came, and bounds how many there are of a party. A part of a
 * server, and of a hub.
 *
 *  Who is let in with an `admission::party_limit` is refused as `overloaded` if so many of that party are
 * here. Who continues on a new connection, or takes the id of a peer that is found dead, adds nobody.
 *
 *  A peer may give up its id by `verb::unname`: it goes by one that the hub draws, and is neither named nor
 * counted any more. */
class roster : public feature {
public:
    static constexpr bool takes(verb v) noexcept { return v == verb::unname; }

    /// How many of that party are here.
    std::size_t count(const void* party) const {
        const auto at = parties_.find(party);
        return at == parties_.end() ? 0 : at->second;
    }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        const errc cause = desk.rename(from, {});
        if (cause == errc::ok) remove(from);
        desk.reply(from, e.id, cause);
    }

    template <class D>
    errc entering(D&, const admission& wish) {
        return wish.party_limit != 0 && count(wish.party) >= wish.party_limit ? errc::overloaded : errc::ok;
    }

    template <class D>
    void opened(D&, peer_handle peer, const admission& granted) {
        places_.insert_or_assign(peer.slot, arrivals_.insert(arrivals_.end(), {peer, granted.party}));
        ++parties_[granted.party];
    }

    template <class D>
    void closed(D&, peer_handle peer, errc) {
        remove(peer);
    }

    template <class G>
    bool for_each_arrival(G f) {
        for (const auto& a : arrivals_) f(a.peer);
        return true;
    }

private:
    struct arrival {
        peer_handle peer;
        const void* party;
    };

    void remove(peer_handle peer) {
        const auto place = places_.extract(peer.slot);
        if (!place) return;
        const auto party = parties_.find(place.mapped()->party);
        if (--party->second == 0) parties_.erase(party);
        arrivals_.erase(place.mapped());
    }

    std::list<arrival> arrivals_;
    std::unordered_map<std::uint32_t, std::list<arrival>::iterator> places_; // by slot
    std::unordered_map<const void*, std::size_t> parties_;
};

} // namespace sigfire
