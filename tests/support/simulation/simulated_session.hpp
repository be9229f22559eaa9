// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/link.hpp"
#include <sigfire/core/concepts.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sigfire::inline v0_1::test {

/// A peer as the hub knows it, from its welcome to its end, over however many links.
struct simulated_session {
    std::uint32_t number = 0; ///< from 1
    std::string id;
    link* wire = nullptr; ///< null while it is away, or over
    bool over = false;
    time_point answered{}; ///< when it last answered to a claim

    bool extras = false; ///< speaks more than Signal-Fire 2021

    bool resumable = false;
    std::string token, spent;             ///< the last one; the one before, while it is still good
    time_point until = time_point::max(); ///< while it is away: when it ends
    std::vector<std::string> said;        ///< what the hub sent since counting began, where it was seen
    std::size_t next = 0;                 ///< which of `said` comes next; less than all in a repetition
    std::uint64_t heard = 0;              ///< counted requests
    std::uint64_t acknowledged = 0;
    std::size_t kept = 0;   ///< messages to it since it went away, at the least
    std::size_t hidden = 0; ///< messages to it that were kept and not seen yet
    unsigned losses = 0;    ///< how often it was told that something is missing
    bool misled = false;    ///< ... and may not have heard it, the last time

    bool away() const noexcept { return wire == nullptr && !over; }
    /// Whether a message to it can be seen right now.
    bool reachable() const noexcept { return wire != nullptr && wire->usable(); }
};

} // namespace sigfire::inline v0_1::test
