// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace sigfire::inline v0_1 {

/** A table with a state of type `T` for each peer, for hooks: `emplace` in `on_open`, `find` later, `erase`
 *  in `on_close`.
 *
 *  A look-up is one indexed access without hashing. The handle of a peer that has left finds nothing. Each
 *  hook owns its table: hooks without state cost no memory, and a test needs no hub. References stay valid
 *  until `erase`. One thread at a time. */
template <class T>
class peer_states {
public:
    /// Creates the state of `peer` from `args` and replaces an older state in the same slot.
    template <class... Args>
    T& emplace(peer_handle peer, Args&&... args) {
        if (peer.slot >= entries_.size()) entries_.resize(std::size_t{peer.slot} + 1);
        auto& e = entries_[peer.slot];
        e.generation = peer.generation;
        return e.state.emplace(std::forward<Args>(args)...);
    }

    /// Returns the state of `peer`, or null.
    T* find(peer_handle peer) noexcept {
        if (peer.slot >= entries_.size()) return nullptr;
        auto& e = entries_[peer.slot];
        return e.generation == peer.generation && e.state ? &*e.state : nullptr;
    }

    /// Removes the state of `peer`, if there is one.
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

} // namespace sigfire::inline v0_1
