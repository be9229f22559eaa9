// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sigfire {

/// Settings of an `rpc`. No deadline is met early; 0 is at once, not never.
struct rpc_options {
    std::chrono::milliseconds call_timeout{10000}; ///< for the reply to each call
    std::chrono::milliseconds close_timeout{5000}; ///< for the other side to agree to a close
    std::uint32_t message = 1u << 20;              ///< bytes of the longest line in either direction
    std::size_t outbox = 4u << 20; ///< bytes that wait to be sent before events and calls are `full`. Replies
                                   ///< may take as much again, then the other side is a `slow_consumer`
    std::size_t calls = 1024;      ///< calls that wait for a reply before another is `full`
    std::size_t commands = 1024; ///< commands of the other side's under way before another fails with `rate`
    std::uint32_t idle_lines = 1000; ///< empty lines in a row; more are a `flood`
};

} // namespace sigfire
