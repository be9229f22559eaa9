// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>

namespace sigfire {

/// Settings of a hub.
struct hub_options {
    /// How long the holder of an id that another connection claims may take to answer a ping.
    std::chrono::milliseconds claim_timeout{2000};
    /// How long a verdict that was put off may take; then the message has `expired`.
    std::chrono::milliseconds deferral_timeout{5000};
    std::size_t deferred_messages = 64;    ///< of one peer that wait for verdicts; more are `full`
    std::size_t deferred_bytes = 1u << 20; ///< of those messages in all
    /// Whether a connection may claim the id of a peer that is away. Else the id is its resume token's while
    /// the window runs: `id_in_use`.
    bool yield_away_ids = false;
};

} // namespace sigfire
