// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace sigfire::inline v0_1::detail {

/** Makes the system end a TCP connection when the other machine is gone. The system sends probes after
 *  `ping_interval` without a packet, and ends the connection after the same time again. The same holds for
 *  bytes that are not acknowledged. 0 = never. Systems without these options use their own times. */
inline void keep_alive(int socket, std::chrono::milliseconds ping_interval) {
    if (ping_interval.count() <= 0) return;
    const auto set = [socket](int level, int option, int value) {
        ::setsockopt(socket, level, option, &value, sizeof value);
    };
    const auto seconds = [](std::chrono::milliseconds t) {
        return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(t.count() / 1000, 1, 32767));
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    constexpr int probes = 3;
    set(IPPROTO_TCP, TCP_KEEPIDLE, seconds(ping_interval));
    set(IPPROTO_TCP, TCP_KEEPINTVL, seconds(ping_interval / probes));
    set(IPPROTO_TCP, TCP_KEEPCNT, probes);
#endif
#ifdef TCP_USER_TIMEOUT
    set(IPPROTO_TCP, TCP_USER_TIMEOUT,
        static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(2 * ping_interval.count(), 1, 1 << 30)));
#endif
}

} // namespace sigfire::inline v0_1::detail
