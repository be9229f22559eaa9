// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace sigfire {

/** Bounds of the memory and time that a peer may cost a stream transport (WebSocket, TCP, Unix socket).
 *  Deadlines are checked a few times per deadline, at least once a second: they are met late, never early.
 *  Time in which the server did not run (a stopped process, a suspended machine) does not count. */
struct stream_limits {
    std::uint32_t message = 1u << 20; ///< bytes of the longest message; longer ends with `too_large` (1009)
    std::uint32_t outbox = 4u << 20;  ///< unsent bytes of a connection; more ends it as `slow_consumer`. An
                                      ///< empty outbox takes any message
    std::size_t incomplete = std::size_t{256}
                             << 20; ///< bytes that came and are not delivered, all connections together: of
                                    ///< messages that have begun, and behind a request that is not
                                    ///< answered. Beyond it the one that has gone longest without
                                    ///< progress ends with `overloaded` (1013)
    std::size_t unsent = std::size_t{1} << 30; ///< bytes that peers do not take, all connections of an
                                               ///< io_context together; beyond it the largest ends as
                                               ///< `slow_consumer`
    std::uint32_t header = 8192;      ///< bytes of an upgrade or HTTP request; longer is answered 431. And of
                                      ///< a `hello`; longer is refused
    std::uint32_t body = 64u << 10;   ///< bytes of the body of an HTTP request; longer is answered 413
    std::uint32_t answers = 1000;     ///< HTTP requests that are answered later, at a time
    std::uint32_t idle_frames = 1000; ///< control and empty frames without a message, within one `ping`
                                      ///< period; more end with `flood` (1008)
    std::chrono::milliseconds handshake{
        5000}; ///< from the connection to the complete request, or `hello`; later is answered 408
    std::chrono::milliseconds ping{
        30000}; ///< silence after which the peer is pinged (where the wire has pings); 0 = never
    std::chrono::milliseconds dead{
        60000}; ///< silence after which a pinged peer counts as gone (`pong_timeout`); longer than `ping`
    std::chrono::milliseconds keep_alive{5000}; ///< how long an HTTP client that asks for `keep-alive` may
                                                ///< take to its next request; 0 = it makes one
    std::chrono::milliseconds answer{
        10000}; ///< how long an HTTP answer may take that comes later; then it is 503
    std::chrono::milliseconds stalled{10000}; ///< how long a peer may take nothing of its output, even if it
                                              ///< answers pings (`slow_consumer`); 0 = for ever
    std::chrono::milliseconds unfinished{10000}; ///< how long a message that has begun may not grow; then its
                                                 ///< peer ends with `overloaded`; 0 = for ever
    std::chrono::milliseconds closing{5000};     ///< how long a peer may take to agree to a close
    std::chrono::milliseconds turn{
        5}; ///< about how long the loop serves before others have their turn: the requests of one connection
            ///< are served in slices, and the rest waits; 0 = until all is done
};

namespace detail {

/// The same limits. @throws std::invalid_argument if they contradict each other.
inline const stream_limits& checked(const stream_limits& l) {
    if (l.ping.count() != 0 && l.dead <= l.ping)
        throw std::invalid_argument{"sigfire: stream_limits: a pinged peer has no time to answer; make dead "
                                    "longer than ping, or set ping to 0"};
    return l;
}

} // namespace detail

} // namespace sigfire
