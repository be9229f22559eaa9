// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace sigfire::inline v0_1 {

/** Bounds of the memory and time that a peer may cost a stream transport (WebSocket, TCP, Unix socket).
 *  The server checks time limits a few times per limit, and at least once a second; so they end late,
 *  never early. Time in which the server does not run does not count (a stopped process, a suspended
 *  machine). */
struct stream_limits {
    /// Connections in all. Beyond this, a connection that keeps the server waiting for its request makes room
    /// for a new one. If there is none, the server closes the new one. 0 = no limit.
    std::size_t connections = 0;
    /** Connections without an answer yet: without a complete request, or in a TLS handshake. Beyond this, the
     *  server leaves new connections in the queue of the system. A connection that has kept the server
     *  waiting for more than a fifth of `handshake_timeout` makes room, with `overloaded` (503). 0 = no
     * limit.
     */
    std::size_t opening = 4096;
    /// Longest message in bytes. A longer one ends the connection with `too_large` (1009).
    std::uint32_t message = 1u << 20;
    /// Unsent bytes of one connection. More end the connection with `slow_consumer`. An empty outbox takes a
    /// message of any size.
    std::uint32_t outbox = 4u << 20;
    /** Received bytes that are not delivered yet, of all connections together: parts of messages, and
     *  bytes behind an unanswered request. Beyond this, the connection with the longest time without
     *  progress ends with `overloaded` (1013). An address with more than a quarter of these bytes loses its
     *  connections first. */
    std::size_t incomplete = std::size_t{256} << 20;
    /// Unsent bytes of all connections of an io_context together. Beyond this, the connection with the most
    /// unsent bytes ends with `slow_consumer`. An address with more than a quarter of these bytes loses its
    /// connections first.
    std::size_t unsent = std::size_t{1} << 30;
    /// Bytes that one connection may send per second, on average. The server does not read beyond this, so a
    /// faster peer waits. 0 = no limit.
    std::uint32_t bytes_per_second = 0;
    /// With `bytes_per_second`: bytes that one connection may send at once.
    std::uint32_t bytes_burst = 4u << 20;
    /// Longest header of an HTTP request in bytes; the answer to a longer one is 431. Also the longest
    /// `hello`; the server refuses a longer one.
    std::uint32_t header = 8192;
    /// Longest body of an HTTP request in bytes; the answer to a longer one is 413.
    std::uint32_t body = 64u << 10;
    std::uint32_t answers = 1000; ///< HTTP requests with a later answer, at a time
    /// Control frames and empty frames without a message, within one `ping_interval`. More end the connection
    /// with `flood` (1008).
    std::uint32_t idle_frames = 1000;
    /// Time from the connection to the complete request or `hello`. Then the answer is 408.
    std::chrono::milliseconds handshake_timeout{5000};
    /// Silence after which the server pings a peer, if the wire has pings. On TCP, the system probes the
    /// other machine too, and ends the connection after the same time without an answer. 0 = never.
    std::chrono::milliseconds ping_interval{30000};
    /// Silence after which the server disconnects a pinged peer with `pong_timeout`. Must be longer than
    /// `ping_interval`.
    std::chrono::milliseconds silence_timeout{60000};
    /// Time for the next request of an HTTP client that asks for `keep-alive`. 0 = one request per
    /// connection.
    std::chrono::milliseconds keep_alive{5000};
    /// Time for an HTTP answer that comes later. Then the answer is 503.
    std::chrono::milliseconds answer_timeout{10000};
    /// Time in which a peer may take none of its output, even if it answers pings. Then the connection ends
    /// with `slow_consumer`. 0 = no limit.
    std::chrono::milliseconds write_timeout{10000};
    /// Time in which an incomplete message may not grow. Then the connection ends with `overloaded`. 0 = no
    /// limit.
    std::chrono::milliseconds message_timeout{10000};
    /// Time from the first bytes of a message to its last. Then the connection ends with `overloaded`. 0 = no
    /// limit.
    std::chrono::milliseconds message_deadline{60000};
    std::chrono::milliseconds close_timeout{5000}; ///< time for a peer to close the connection too
    /// About the time that one turn of the loop may take, before other work gets its turn. The requests of
    /// one connection are served in slices, and the rest waits. 0 = no limit.
    std::chrono::milliseconds turn{5};
};

namespace detail {

/// The same limits.
/// @throws std::invalid_argument if they contradict each other
inline const stream_limits& checked(const stream_limits& l) {
    if (l.ping_interval.count() != 0 && l.silence_timeout <= l.ping_interval)
        throw std::invalid_argument{"sigfire: stream_limits: a pinged peer needs time to answer; set "
                                    "silence_timeout longer than ping_interval, or ping_interval to 0"};
    return l;
}

} // namespace detail

} // namespace sigfire::inline v0_1
