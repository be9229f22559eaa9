// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/** A read-only view of the present peers, for routers, policies and codecs that answer HTTP requests.
 *
 *  The view lists peers in the order of arrival if a feature knows that order (`identity`). It is valid
 *  during the call that received it. One thread at a time. */
template <class Hub>
class directory {
public:
    /// A view of the peers of `hub`.
    explicit directory(Hub& hub) noexcept : all_(hub) {}

    /// Returns the peer with that id, or a null handle.
    peer_handle find(std::string_view id) const { return all_.registry_.find(id); }
    /// Number of registered ids.
    std::size_t size() const { return all_.registry_.size(); }
    /// The id of a peer; empty if the peer has left. Valid until the peer leaves or gets another id.
    std::string_view id(peer_handle peer) const { return all_.id_of(peer); }
    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view topic, peer_handle peer) const { return all_.is_member(topic, peer); }
    /// The notes that hooks attached to the peer at its admission; null if there are none.
    const notes* notes_of(peer_handle peer) const { return all_.notes_of(peer); }
    /// Calls `f(id, handle)` for each peer.
    template <class G>
    void for_each_peer(G f) const {
        const auto in_order = [&](peer_handle h) { f(all_.id_of(h), h); };
        if (!all_.any_feature([&](auto& x) { return x.for_each_arrival(in_order); }))
            all_.registry_.for_each_peer(std::move(f));
    }
    /// Calls `f(handle)` for each member of a topic, in the order of joining.
    template <class G>
    void for_each(std::string_view topic, G f) const {
        const auto bare = [&](peer_handle h, payload = {}) { f(h); };
        all_.each_feature([&](auto& x) { x.for_each_member(topic, bare); });
    }
    /// Calls `f(topic)` for each topic of a peer.
    template <class G>
    void for_each_topic(peer_handle peer, G f) const {
        all_.each_feature([&](auto& x) { x.for_each_topic(peer, f); });
    }

private:
    Hub& all_;
};

} // namespace sigfire::inline v0_1
