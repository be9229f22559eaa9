// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace sigfire {

/// A read-only view of the peers that are here, for routers, policies and codecs that answer HTTP. Names
/// peers in the order in which they came if there is a feature that knows it (`identity`).
template <class Hub>
class directory {
public:
    explicit directory(Hub& hub) noexcept : all_(hub) {}

    peer_handle find(std::string_view id) const { return all_.registry_.find(id); }
    std::size_t size() const { return all_.registry_.size(); }
    std::string_view id(peer_handle peer) const { return all_.id_of(peer); }
    bool is_member(std::string_view topic, peer_handle peer) const { return all_.is_member(topic, peer); }
    const notes* notes_of(peer_handle peer) const { return all_.notes_of(peer); }
    template <class G>
    void for_each_peer(G f) const {
        const auto in_order = [&](peer_handle h) { f(all_.id_of(h), h); };
        if (!all_.any_feature([&](auto& x) { return x.for_each_arrival(in_order); }))
            all_.registry_.for_each_peer(std::move(f));
    }
    template <class G>
    void for_each(std::string_view topic, G f) const {
        const auto bare = [&](peer_handle h, payload = {}) { f(h); };
        all_.each_feature([&](auto& x) { x.for_each_member(topic, bare); });
    }
    template <class G>
    void for_each_topic(peer_handle peer, G f) const {
        all_.each_feature([&](auto& x) { x.for_each_topic(peer, f); });
    }

private:
    Hub& all_;
};

} // namespace sigfire
