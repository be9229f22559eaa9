// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace sigfire::inline v0_1 {

/// A listening socket that the service manager opened for this process.
struct activated_socket {
    int descriptor;   ///< for the option `descriptor` of a transport
    std::string name; ///< the name that the service manager gave to the socket; may be empty
};

/** Returns the sockets that systemd, or a program with the same protocol, passes to this process
 *  (sd_listen_fds(3): `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`), in the order of their descriptors.
 *  Empty if there are none, or if they are for another process. At most 1024 sockets.
 *
 *  Use each socket for one transport. The function sets FD_CLOEXEC on each socket. It removes the three
 *  variables, so that child processes do not use them. Call it once, before other threads start. */
[[nodiscard]] inline std::vector<activated_socket> activated_sockets() {
    constexpr int first = 3, most = 1024;
    const auto take = [](const char* name) {
        const char* value = std::getenv(name);
        std::string out{value ? value : ""};
        ::unsetenv(name);
        return out;
    };
    const auto number = [](const std::string& s) {
        long out = -1;
        const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
        return ec == std::errc{} && end == s.data() + s.size() ? out : -1;
    };
    const auto pid = number(take("LISTEN_PID")), count = number(take("LISTEN_FDS"));
    const auto names = take("LISTEN_FDNAMES");
    std::vector<activated_socket> out;
    if (pid != ::getpid() || count > most) return out;
    std::string_view rest = names;
    for (int fd = first; fd < first + count; ++fd) {
        const auto name = rest.substr(0, rest.find(':'));
        rest.remove_prefix(name.size() == rest.size() ? rest.size() : name.size() + 1);
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        out.push_back({fd, std::string{name}});
    }
    return out;
}

} // namespace sigfire::inline v0_1
