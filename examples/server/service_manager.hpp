// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/// An address for `sendto`.
struct notify_address {
    sockaddr_un to{};
    socklen_t size = 0;
};

/// The address that `NOTIFY_SOCKET` names (sd_notify(3)): a path from `/` on, or `@` and an abstract name.
/// Empty for anything else.
inline std::optional<notify_address> parse_notify_address(std::string_view name) {
    notify_address out;
    if (name.size() < 2 || name.size() >= sizeof out.to.sun_path) return {};
    if ((name[0] != '/' && name[0] != '@') || name.find('\0') != name.npos) return {};
    out.to.sun_family = AF_UNIX;
    name.copy(out.to.sun_path, name.size());
    if (name[0] == '@') out.to.sun_path[0] = '\0';
    // The zero behind a path counts, an abstract name has none.
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '/');
    out.size = static_cast<socklen_t>(size);
    return out;
}

/** The time after which a service manager misses a sign of life, from the variables `WATCHDOG_USEC` and
 *  `WATCHDOG_PID` (sd_watchdog_enabled(3)). Zero if the variables are wrong or for another process.
 *  @param microseconds value of `WATCHDOG_USEC`; empty = not set
 *  @param pid value of `WATCHDOG_PID`; empty = not set
 *  @param self the id of this process */
inline std::chrono::microseconds parse_watchdog(std::string_view microseconds, std::string_view pid,
                                                long self) {
    const auto number = [](std::string_view s) {
        long long out = 0;
        const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
        return ec == std::errc{} && end == s.data() + s.size() ? out : 0;
    };
    if (!pid.empty() && number(pid) != self) return {};
    return std::chrono::microseconds{std::max(0LL, number(microseconds))};
}

/** Tells a service manager of the systemd kind about this process, by its datagram protocol (sd_notify(3)).
 *  Without such a manager, does nothing. Sends never wait; a failure has no effect. */
class service_manager {
public:
    /// Reads the variables of the environment and removes them, so that child processes do not use them. Call
    /// it before other threads start.
    service_manager() {
        const auto take = [](const char* name) {
            const char* const value = std::getenv(name);
            std::string out{value ? value : ""};
            ::unsetenv(name);
            return out;
        };
        to_ = parse_notify_address(take("NOTIFY_SOCKET"));
        const auto time = take("WATCHDOG_USEC"), pid = take("WATCHDOG_PID");
        if (!to_) return;
        watchdog_ = parse_watchdog(time, pid, ::getpid());
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    service_manager(const service_manager&) = delete;
    service_manager& operator=(const service_manager&) = delete;
    ~service_manager() {
        if (socket_ >= 0) ::close(socket_);
    }

    /// Whether there is a service manager.
    explicit operator bool() const noexcept { return socket_ >= 0; }

    /// Time between two calls of `alive`: half of the manager's limit. Zero: it asks for none.
    std::chrono::microseconds watchdog() const noexcept {
        return socket_ < 0 ? watchdog_ * 0 : watchdog_ / 2;
    }

    /// Start or reload is complete.
    void ready(std::string_view status) const { send("READY=1\n", status); }
    /// A reload begins. `ready` ends it.
    void reloading(std::string_view status) const {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto time = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
        send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(time) + '\n', status);
    }
    /// The process ends, within that time.
    void stopping(std::string_view status, std::chrono::microseconds limit) const {
        send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(limit.count()) + '\n', status);
    }
    /// One line for `systemctl status`.
    void status(std::string_view text) const { send({}, text); }
    /// A sign of life.
    void alive() const { send("WATCHDOG=1\n", {}); }

private:
    void send(std::string_view state, std::string_view status) const {
        if (socket_ < 0) return;
        std::string text{state};
        if (!status.empty()) (text += "STATUS=").append(status.substr(0, status.find('\n'))) += '\n';
        static_cast<void>(::sendto(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                   reinterpret_cast<const sockaddr*>(&to_->to), to_->size));
    }

    std::optional<notify_address> to_;
    std::chrono::microseconds watchdog_{};
    int socket_ = -1;
};
