// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace sigfire::inline v0_1 {

/// Bounds of the memory and time that peers on Beast streams may cost a server.
struct beast_options {
    /// Longest message in bytes; a longer one ends the connection with 1009.
    std::size_t message = std::size_t{1} << 20;
    /// Unsent bytes of one connection. More end the connection with `slow_consumer`. An empty outbox takes a
    /// message of any size.
    std::size_t outbox = std::size_t{4} << 20;
    /// Silence after which the server disconnects a peer. The server pings the peer after half of that time.
    std::chrono::milliseconds silence_timeout{60'000};
    std::chrono::milliseconds close_timeout{5000}; ///< time for a peer to close the connection too
    bool secure = false;                           ///< whether the streams use TLS, for `request::secure`
    std::string address = "beast"; ///< name of the place where your server accepts, for `address`
};

} // namespace sigfire::inline v0_1
