// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstdint>

namespace sigfire {

/** A peer of one hub. Two peers never share a handle, and the handle of a peer that is gone names nobody.
 *  Compares equal only to itself; a default-made one names nobody. */
struct peer_handle {
    std::uint32_t slot = 0;       ///< where the hub keeps it
    std::uint32_t generation = 0; ///< which tenant of that slot; 0 = nobody

    constexpr explicit operator bool() const noexcept { return generation != 0; }
    friend constexpr bool operator==(peer_handle, peer_handle) = default;
};

/** The attachment of a connection to a peer: each connection holds one. A peer may move to a new connection;
 *  all that an older attachment still says or closes then resolves to nothing. */
struct attachment {
    peer_handle peer;        ///< its peer
    std::uint32_t epoch = 0; ///< counts the peer's connections

    constexpr explicit operator bool() const noexcept { return static_cast<bool>(peer); }
    friend constexpr bool operator==(attachment, attachment) = default;
};

} // namespace sigfire
