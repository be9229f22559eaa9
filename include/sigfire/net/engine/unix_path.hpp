// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/socket_name.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>

#include <cerrno>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sigfire::inline v0_1::detail {

/// The path of a listening socket: takes it, and removes it later if it is still this socket's.
class unix_path {
    using protocol = boost::asio::local::stream_protocol;

public:
    /** Makes `a` listen at `path`, of 1 to 107 bytes, or at an abstract name. If no process listens at the
     *  path any more, this socket takes it over. If two processes do so at once, one of them gets it.
     *  @param a the acceptor to bind
     *  @param path the path, or `@name`
     *  @param mode permission to connect, as for `chmod`; 0 = by the process' umask
     *  @param ec the error of the system, if any */
    void take(stream_acceptor& a, const std::string& path, unsigned mode, error_code& ec) {
        const bool abstract = path.starts_with('@');
        const folder_lock lock{abstract ? std::string{} : path, patience};
        const protocol::endpoint endpoint{socket_name(path)};
        a.open(endpoint.protocol(), ec);
        if (!ec) a.bind(endpoint, ec);
        if (ec == boost::asio::error::address_in_use && !abstract && is_left_behind(a, endpoint, path) &&
            std::remove(path.c_str()) == 0) {
            ec.clear();
            a.bind(endpoint, ec);
        }
        // No client can connect before `listen`.
        if (!ec && mode != 0 && !abstract && ::chmod(path.c_str(), mode) != 0)
            ec.assign(errno, boost::system::system_category());
        if (!ec) a.listen(boost::asio::socket_base::max_listen_connections, ec);
        if (!ec) a.non_blocking(true, ec);
        error_code ignored;
        if (ec)
            a.close(ignored);
        else if (!abstract)
            ::stat(path.c_str(), &mine_);
    }

    /// Removes the file, unless another process has put its own file there.
    void give_back(const std::string& path) {
        if (mine_.st_ino == 0) return;
        const folder_lock lock{path, 0};
        struct stat there{};
        if (::stat(path.c_str(), &there) == 0 && there.st_dev == mine_.st_dev && there.st_ino == mine_.st_ino)
            std::remove(path.c_str());
        mine_ = {};
    }

private:
    static constexpr int patience = 50; // times 10 ms

    // Processes take over the paths of one directory one after the other. If another program holds such a
    // lock, the start is delayed by 0.5 s at most.
    class folder_lock {
    public:
        folder_lock(const std::string& path, int tries) {
            if (path.empty()) return;
            const auto slash = path.rfind('/');
            const auto folder = slash == path.npos ? std::string{"."} : path.substr(0, slash + 1);
            descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            while (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && tries-- > 0)
                ::usleep(10'000);
        }
        folder_lock(const folder_lock&) = delete;
        folder_lock& operator=(const folder_lock&) = delete;
        ~folder_lock() {
            if (descriptor_ >= 0) ::close(descriptor_);
        }

    private:
        int descriptor_ = -1;
    };

    // A file that is not a socket refuses too, and may belong to another program.
    static bool is_left_behind(stream_acceptor& a, const protocol::endpoint& endpoint,
                               const std::string& path) {
        error_code refused;
        boost::asio::basic_stream_socket<protocol, loop_executor> probe{a.get_executor()};
        probe.connect(endpoint, refused);
        struct stat there{};
        return refused == boost::asio::error::connection_refused && ::stat(path.c_str(), &there) == 0 &&
               S_ISSOCK(there.st_mode);
    }

    struct stat mine_{}; // inode 0: none
};

} // namespace sigfire::inline v0_1::detail
