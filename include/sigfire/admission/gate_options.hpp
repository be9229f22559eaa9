// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `gate`. In each limit of a number, 0 = no limit.
struct gate_options {
    std::size_t connections = 0;      ///< open connections in all
    std::size_t per_address = 1000;   ///< open connections of one address
    double connects_per_second = 20;  ///< new connections of one address per second, on average
    std::size_t connects_burst = 500; ///< new connections of one address at once
    /// Failed admissions of one address within `failure_window` that ban the address.
    std::size_t failures = 50;
    std::chrono::milliseconds failure_window{60'000}; ///< time in which failures are counted together
    std::chrono::milliseconds ban{600'000};           ///< duration of a ban
    /// Addresses without an open connection that the gate remembers. Beyond this, the gate forgets the one
    /// that has been without a connection for the longest time.
    std::size_t addresses = 100'000;
    /// Networks without limits per address, as `10.0.0.0/8`. A reverse proxy on the same machine that is not
    /// listed as a proxy would use up the limits for all clients.
    std::vector<std::string> exempt{"127.0.0.0/8", "::1"};
    /// The clock; thread-safe.
    time_point (*now)() = [] { return clock::now(); };
};

} // namespace sigfire::inline v0_1
