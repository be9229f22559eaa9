// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sigfire::inline v0_1 {

/// Settings of an `rpc`. No deadline fires early. 0 = at once, not never.
struct rpc_options {
    std::chrono::milliseconds call_timeout{10000}; ///< longest wait for the reply to a call
    std::chrono::milliseconds close_timeout{5000}; ///< longest wait for the other side to answer a close
    std::uint32_t message = 1u << 20;              ///< bytes of the longest line in either direction
    /** Bytes of waiting output above which events and calls fail with `full`. Above twice this number,
     *  replies end the connection with `slow_consumer`. */
    std::size_t outbox = 4u << 20;
    std::size_t calls = 1024;    ///< most calls that wait for a reply; another call fails with `full`
    std::size_t commands = 1024; ///< most commands of the other side in progress; another command fails with
                                 ///< `rate`
    std::uint32_t idle_lines = 1000; ///< most empty lines in a row; more lines fail with `flood`
};

} // namespace sigfire::inline v0_1
