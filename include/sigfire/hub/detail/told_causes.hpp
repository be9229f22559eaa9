// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>

#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Remembers which causes the hub has logged for which peer. Memory: one entry for each peer with a logged
/// cause.
class told_causes {
    static_assert(std::size(errc_table) <= 64);

public:
    /// Records that cause for that peer. Returns false if it was recorded before.
    bool add(peer_handle peer, errc cause) {
        auto& told = told_[peer.slot];
        const auto bit = std::uint64_t{1} << static_cast<unsigned>(cause);
        return (std::exchange(told, told | bit) & bit) == 0;
    }

    /// Forgets the peer in a slot.
    void erase(std::uint32_t slot) noexcept { told_.erase(slot); }

private:
    std::unordered_map<std::uint32_t, std::uint64_t> told_; // one bit for each cause, by slot
};

} // namespace sigfire::inline v0_1::detail
