// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/engine/stream_protocol.hpp>

#include <cstddef>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

namespace sigfire::inline v0_1::detail {

/// The path of a Unix socket as the system expects it. `@name` is an abstract name, which begins with a zero
/// byte.
inline std::string socket_name(std::string path) {
    if (path.starts_with('@')) path.front() = '\0';
    return path;
}

/// The path of a bound Unix socket as users write it; empty for any other socket.
inline std::string socket_path(const stream_protocol::endpoint& bound) {
    const auto& a = *reinterpret_cast<const sockaddr_un*>(bound.data());
    constexpr auto head = offsetof(sockaddr_un, sun_path);
    if (bound.data()->sa_family != AF_UNIX || bound.size() <= head) return {};
    std::string out{a.sun_path, bound.size() - head};
    if (out.front() == '\0')
        out.front() = '@';
    else
        out.resize(out.find_last_not_of('\0') + 1);
    return out;
}

} // namespace sigfire::inline v0_1::detail
