// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>

namespace sigfire::inline v0_1 {

/// Settings of a hub.
struct hub_options {
    /// Time for the holder of a claimed id to answer a ping, in milliseconds. After that time the claimant
    /// gets the id.
    std::chrono::milliseconds claim_timeout{2000};
    /// Time for a deferred verdict, in milliseconds. After that time the message ends with `expired`.
    std::chrono::milliseconds deferral_timeout{5000};
    /// Messages of one peer that may wait for a verdict; a further message ends with `full`.
    std::size_t deferred_messages = 64;
    /// Bytes of these messages of one peer in total; a further message ends with `full`.
    std::size_t deferred_bytes = 1u << 20;
    /// Bytes of such messages of all peers, of which the peers of one address have at most a quarter; a
    /// further message ends with `full`.
    std::size_t deferred_total_bytes = 64u << 20;
};

} // namespace sigfire::inline v0_1
