// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace sigfire {

/** A hook's state for each peer: `emplace` in `on_open`, `find` in between, `erase` in `on_close`.
 *
 *  A table by slot: one indexed look-up, no hashing, and a peer that is gone is not found by its handle. It
 *  is the hook's own, not the hub's: hooks that keep nothing cost no memory, several hooks keep different
 *  types, and each can be tested without a hub. References stay valid until `erase`. */
template <class T>
class peer_states {
public:
    /// The state of `peer`, made of `args`; takes the place of any older one in that slot.
    template <class... Args>
    T& emplace(peer_handle peer, Args&&... args) {
        if (peer.slot >= entries_.size()) entries_.resize(std::size_t{peer.slot} + 1);
        auto& e = entries_[peer.slot];
        e.generation = peer.generation;
        return e.state.emplace(std::forward<Args>(args)...);
    }

    /// The state of `peer`, or null.
    T* find(peer_handle peer) noexcept {
        if (peer.slot >= entries_.size()) return nullptr;
        auto& e = entries_[peer.slot];
        return e.generation == peer.generation && e.state ? &*e.state : nullptr;
    }

    /// Forgets `peer`, if it has a state.
    void erase(peer_handle peer) noexcept {
        if (find(peer) != nullptr) entries_[peer.slot].state.reset();
    }

private:
    struct entry {
        std::uint32_t generation = 0;
        std::optional<T> state;
    };

    std::deque<entry> entries_;
};

} // namespace sigfire
