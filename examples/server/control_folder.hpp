// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/// The folder with the control sockets of background servers: `PID.sock` for each. Only its owner can use it.
class control_folder {
public:
    /// @param path the folder; empty = `sigfire` in `XDG_RUNTIME_DIR`, or `/tmp/sigfire-UID` without that
    explicit control_folder(std::string path = {}) : path_{std::move(path)} {
        if (!path_.empty()) return;
        const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
        path_ = runtime != nullptr && *runtime == '/' ? std::string{runtime} + "/sigfire"
                                                      : "/tmp/sigfire-" + std::to_string(::getuid());
    }

    const std::string& path() const noexcept { return path_; }

    /// The path of the control socket of that process.
    std::string socket_of(long pid) const { return path_ + '/' + std::to_string(pid) + ".sock"; }

    /** Makes the folder, unless it exists.
     *  @throws std::runtime_error if that fails, if another user owns it, or if others can use it */
    void make() const {
        if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)
            throw std::runtime_error{"cannot make the control folder " + path_ + ": " + std::strerror(errno)};
        check();
        if (socket_of(4'194'304).size() >= sizeof sockaddr_un{}.sun_path)
            throw std::runtime_error{"the path of the control folder " + path_ + " is too long for sockets"};
    }

    /// The processes that have a socket here, in order. Empty if there is no folder.
    /// @throws std::runtime_error as `make`
    std::vector<long> processes() const {
        std::vector<long> out;
        std::error_code ec;
        if (!std::filesystem::exists(path_, ec)) return out;
        check();
        for (const auto& e : std::filesystem::directory_iterator{path_, ec})
            if (const auto pid = parse_socket_name(e.path().filename().string())) out.push_back(*pid);
        std::sort(out.begin(), out.end());
        return out;
    }

    /// The process that a name of a socket tells, for example `123.sock`.
    static std::optional<long> parse_socket_name(std::string_view name) {
        constexpr std::string_view end = ".sock";
        if (!name.ends_with(end)) return {};
        return parse_pid(name.substr(0, name.size() - end.size()));
    }

    /// A process id: a number from 1 on.
    static std::optional<long> parse_pid(std::string_view text) {
        long pid = 0;
        const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), pid);
        if (ec != std::errc{} || at != text.data() + text.size() || pid < 1) return {};
        return pid;
    }

private:
    void check() const {
        struct stat facts{};
        if (::lstat(path_.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
            throw std::runtime_error{path_ + " is not a folder"};
        if (facts.st_uid != ::getuid())
            throw std::runtime_error{"the control folder " + path_ + " belongs to another user"};
        if ((facts.st_mode & 077) != 0)
            throw std::runtime_error{"other users can use the control folder " + path_ + ": chmod 700 it"};
    }

    std::string path_;
};
