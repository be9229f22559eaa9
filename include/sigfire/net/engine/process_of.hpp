// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

#include <optional>

#include <sys/socket.h>
#include <unistd.h>

namespace sigfire::inline v0_1::detail {

/// The process at the other end of a Unix socket; none if the system does not report it.
inline std::optional<process_identity> process_of(int descriptor) {
#ifdef SO_PEERCRED
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return {};
    return process_identity{who.pid, who.uid, who.gid};
#else
    uid_t uid = 0;
    gid_t gid = 0;
    if (::getpeereid(descriptor, &uid, &gid) != 0) return {};
    return process_identity{0, uid, gid};
#endif
}

} // namespace sigfire::inline v0_1::detail
