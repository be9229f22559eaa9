// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>

#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace sigfire::detail {

/// Which causes were told of which peers. Memory: an entry for each peer of which something was told.
class told_causes {
    static_assert(std::size(errc_table) <= 64);

public:
    /// Whether that cause was not told of that peer before; it is from now on.
    bool add(peer_handle peer, errc cause) {
        auto& told = told_[peer.slot];
        const auto bit = std::uint64_t{1} << static_cast<unsigned>(cause);
        return (std::exchange(told, told | bit) & bit) == 0;
    }

    /// Forgets the peer in a slot.
    void erase(std::uint32_t slot) noexcept { told_.erase(slot); }

private:
    std::unordered_map<std::uint32_t, std::uint64_t> told_; // a bit for each cause, by slot
};

} // namespace sigfire::detail
