// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sigfire::inline v0_1::detail {

/** The sockets of one transport on Linux, in a level-triggered epoll descriptor of their own. Asio watches
 *  only that descriptor. So a message costs one recv and one send; with Asio's own sockets it would cost a
 *  second recv or an epoll_ctl. Calls `turn(self)` when there is work. */
class loop_epoll {
public:
    struct socket {
        int fd = -1;
    };

    loop_epoll(boost::asio::io_context& io, turn_function turn, void* self)
        : io_{io}, epoll_{io}, token_{std::make_shared<bool>(true)}, turn_{turn}, self_{self} {
        const int fd = ::epoll_create1(EPOLL_CLOEXEC);
        if (fd < 0) throw std::system_error{errno, std::system_category(), "sigfire: epoll_create1"};
        epoll_.assign(fd);
        arm();
    }

    loop_epoll(const loop_epoll&) = delete;
    loop_epoll& operator=(const loop_epoll&) = delete;
    ~loop_epoll() { *token_ = false; }

    /// The next events; empty if none is left. Valid until the next call.
    std::span<const ready> wait() {
        std::array<epoll_event, batch> events;
        const int n = ::epoll_wait(epoll_.native_handle(), events.data(), batch, 0);
        for (int i = 0; i < n; ++i) {
            const auto& e = events[static_cast<std::size_t>(i)];
            ready_[static_cast<std::size_t>(i)] = {e.data.ptr,
                                                   (e.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0,
                                                   (e.events & EPOLLOUT) != 0};
        }
        return {ready_.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
    }

    time_point now() const { return clock::now(); }

    /// Makes a turn run soon. For calls from outside a turn.
    void wake() {
        if (std::exchange(waking_, true)) return;
        boost::asio::post(io_, [this, token = token_] {
            if (!*token) return;
            waking_ = false;
            turn_(self_);
        });
    }

    /// Stops waiting, so that the io_context can run out of work.
    void stop() {
        error_code ignored;
        stopped_ = true;
        epoll_.cancel(ignored);
    }

    void listen(stream_acceptor& a) { control(EPOLL_CTL_ADD, a.native_handle(), EPOLLIN, nullptr); }
    void unlisten(stream_acceptor& a) { control(EPOLL_CTL_DEL, a.native_handle(), 0, nullptr); }

    /// Accepts one waiting connection. The socket inherits TCP_NODELAY from the acceptor.
    socket accept(stream_acceptor& a, error_code& ec) {
        const int fd = ::accept4(a.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        fail_if(fd < 0, ec);
        return {fd};
    }

    /// Takes over a connected stream socket.
    socket adopt(int fd, error_code& ec) {
        prepare_descriptor(fd, ec);
        return {fd};
    }

    /// The address of the other side; AF_UNSPEC if there is none.
    sockaddr_storage remote(const socket& s) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getpeername(s.fd, reinterpret_cast<sockaddr*>(&address), &size);
        return address;
    }

    int descriptor(const socket& s) { return s.fd; }

    void add(socket& s, void* tag) { control(EPOLL_CTL_ADD, s.fd, EPOLLIN, tag); }

    void watch(socket& s, void* tag, bool read, bool write) {
        control(EPOLL_CTL_MOD, s.fd, (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u), tag);
    }

    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        const auto n = ::recv(s.fd, bytes.data(), bytes.size(), 0);
        if (n > 0) return static_cast<std::size_t>(n);
        if (n == 0)
            ec = boost::asio::error::eof;
        else
            fail_if(true, ec);
        return 0;
    }

    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        const auto n = ::send(s.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n >= 0) return static_cast<std::size_t>(n);
        fail_if(true, ec);
        return 0;
    }

    /// The same for several pieces, at most 16.
    std::size_t send(socket& s, std::span<const std::string_view> pieces, error_code& ec) {
        std::array<iovec, 16> vectors;
        std::size_t count = 0;
        for (const auto& p : pieces.first(std::min(pieces.size(), vectors.size())))
            vectors[count++] = {const_cast<char*>(p.data()), p.size()};
        msghdr m{};
        m.msg_iov = vectors.data();
        m.msg_iovlen = count;
        const auto n = ::sendmsg(s.fd, &m, MSG_NOSIGNAL);
        if (n >= 0) return static_cast<std::size_t>(n);
        fail_if(true, ec);
        return 0;
    }

    void shutdown(socket& s) { ::shutdown(s.fd, SHUT_WR); }

    void close(socket& s, bool reset) {
        if (reset) {
            const linger l{1, 0};
            ::setsockopt(s.fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        }
        ::close(s.fd);
        s.fd = -1;
    }

private:
    static constexpr int batch = 256;

    static void fail_if(bool failed, error_code& ec) {
        if (failed) ec.assign(errno == EAGAIN ? EWOULDBLOCK : errno, boost::system::system_category());
    }

    void control(int operation, int fd, std::uint32_t events, void* tag) {
        epoll_event e{};
        e.events = events;
        e.data.ptr = tag;
        ::epoll_ctl(epoll_.native_handle(), operation, fd, &e);
    }

    void arm() {
        epoll_.async_wait(epoll_.wait_read, [this, token = token_](error_code ec) {
            if (!*token || ec) return;
            // Arm again even if the turn throws: the host program may catch the exception and continue.
            const rearm after{*this, *token};
            turn_(self_);
        });
    }

    struct rearm {
        loop_epoll& loop;
        const bool& lives;
        ~rearm() {
            if (lives && !loop.stopped_) loop.arm();
        }
    };

    boost::asio::io_context& io_;
    boost::asio::posix::basic_stream_descriptor<loop_executor> epoll_;
    std::shared_ptr<bool> token_; // outlives the loop, for pending handlers
    turn_function turn_;
    void* self_;
    bool stopped_ = false, waking_ = false;
    std::array<ready, batch> ready_;
};

} // namespace sigfire::inline v0_1::detail
