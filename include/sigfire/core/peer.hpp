// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstdint>

namespace sigfire::inline v0_1 {

/** Handle of a peer of one hub. No two peers ever share a handle. A handle is empty when it is
 *  default-constructed. The handle of a peer that has left finds no peer. */
struct peer_handle {
    std::uint32_t slot = 0;       ///< index of the peer's slot in the hub
    std::uint32_t generation = 0; ///< number of this use of the slot; 0 = an empty handle

    /// Whether the handle is not empty. The peer may have left all the same.
    constexpr explicit operator bool() const noexcept { return generation != 0; }
    /// Whether both are handles of the same peer.
    friend constexpr bool operator==(peer_handle, peer_handle) = default;
};

/** Link from a connection to its peer; each connection holds one. When a peer moves to a new connection, the
 *  hub ignores all messages and closes under an older attachment. */
struct attachment {
    peer_handle peer;        ///< the peer
    std::uint32_t epoch = 0; ///< number of this connection among the peer's connections

    /// Whether the attachment has a peer handle that is not empty.
    constexpr explicit operator bool() const noexcept { return static_cast<bool>(peer); }
    /// Whether both are the same connection of the same peer.
    friend constexpr bool operator==(attachment, attachment) = default;
};

} // namespace sigfire::inline v0_1
