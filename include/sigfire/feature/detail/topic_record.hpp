// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sigfire::inline v0_1::detail {

struct topic_member {
    peer_handle peer;   // null: has left
    std::uint32_t link; // its membership
};

struct topic_record {
    std::string name;
    std::vector<topic_member> members; // in order; a member that left is a gap until most places are gaps
    std::uint32_t gaps = 0;
    std::uint32_t walks = 0; // while above 0, nothing in `members` moves
    std::uint32_t entries = 0;
    std::uint32_t next = 0; // vacant: the next vacant record
    bool open = false;
    address_block payer{}; // the address of its first member

    std::size_t live() const noexcept { return members.size() - gaps; }
};

} // namespace sigfire::inline v0_1::detail
