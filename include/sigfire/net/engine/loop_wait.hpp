// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/engine/adopt_descriptor.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The sockets of one transport on any system. Asio waits for each socket; reads and writes do not block. The
/// members mean the same as in `loop_epoll`.
class loop_wait {
    struct entry;

public:
    using socket = std::shared_ptr<entry>;

    loop_wait(boost::asio::io_context& io, turn_function turn, void* self)
        : io_{io}, token_{std::make_shared<bool>(true)}, turn_{turn}, self_{self} {}

    loop_wait(const loop_wait&) = delete;
    loop_wait& operator=(const loop_wait&) = delete;
    ~loop_wait() { *token_ = false; }

    std::span<const ready> wait() {
        for (const auto& s : served_) arm(s);
        served_.clear();
        ready_.clear();
        if (std::exchange(acceptor_ready_, false)) {
            ready_.push_back({nullptr, true, false});
            arm_acceptor_ = true;
        } else if (std::exchange(arm_acceptor_, false) && acceptor_) {
            listen(*acceptor_);
        }
        for (auto& s : found_) {
            // A socket that was closed in between must be skipped: its tag is invalid.
            if (s->closed) continue;
            ready_.push_back({s->tag, std::exchange(s->readable, false), std::exchange(s->writable, false)});
            s->found = false;
            served_.push_back(std::move(s));
        }
        found_.clear();
        return ready_;
    }

    time_point now() const { return clock::now(); }

    void wake() {
        if (std::exchange(waking_, true)) return;
        boost::asio::post(io_, [this, token = token_] {
            if (!*token) return;
            waking_ = false;
            turn_(self_);
        });
    }

    void stop() {} // only sockets wait, and they are gone

    void listen(stream_acceptor& a) {
        acceptor_ = &a;
        a.async_wait(boost::asio::socket_base::wait_read, [this, token = token_](error_code ec) {
            if (!*token || ec || !acceptor_) return;
            acceptor_ready_ = true;
            wake();
        });
    }

    void unlisten(stream_acceptor& a) {
        error_code ignored;
        acceptor_ = nullptr;
        acceptor_ready_ = arm_acceptor_ = false;
        a.cancel(ignored);
    }

    socket accept(stream_acceptor& a, error_code& ec) {
        auto s = std::make_shared<entry>(io_);
        a.accept(s->io, ec);
        if (ec) return nullptr;
        error_code ignored; // a Unix socket has no Nagle's algorithm
        s->io.non_blocking(true, ignored);
        s->io.set_option(no_delay{true}, ignored);
        return s;
    }

    socket adopt(int fd, error_code& ec) {
        const auto family = prepare_descriptor(fd, ec);
        if (ec) return nullptr;
        auto s = std::make_shared<entry>(io_);
        s->io.assign(stream_protocol{family, 0}, fd, ec);
        return ec ? nullptr : s;
    }

    sockaddr_storage remote(const socket& s) {
        sockaddr_storage address{};
        error_code ignored;
        const auto remote = s->io.remote_endpoint(ignored);
        std::memcpy(&address, remote.data(), std::min(remote.size(), sizeof address));
        return address;
    }

    int descriptor(const socket& s) { return s->io.native_handle(); }

    void add(socket& s, void* tag) {
        s->tag = tag;
        s->read = true;
        arm(s);
    }

    void watch(socket& s, void*, bool read, bool write) {
        s->read = read;
        s->write = write;
        arm(s);
    }

    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        return s->io.receive(boost::asio::buffer(bytes.data(), bytes.size()), 0, ec);
    }

    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        return s->io.send(boost::asio::buffer(bytes.data(), bytes.size()), 0, ec);
    }

    std::size_t send(socket& s, std::span<const std::string_view> pieces, error_code& ec) {
        std::array<boost::asio::const_buffer, 16> buffers; // empty ones are not sent
        for (std::size_t i = 0; i < std::min(pieces.size(), buffers.size()); ++i)
            buffers[i] = boost::asio::buffer(pieces[i].data(), pieces[i].size());
        return s->io.send(buffers, 0, ec);
    }

    void shutdown(socket& s) {
        error_code ignored;
        s->io.shutdown(boost::asio::socket_base::shutdown_send, ignored);
    }

    void close(socket& s, bool reset) {
        error_code ignored;
        s->closed = true;
        if (reset) s->io.set_option(boost::asio::socket_base::linger{true, 0}, ignored);
        s->io.close(ignored);
        s.reset();
    }

private:
    struct entry {
        explicit entry(boost::asio::io_context& c) : io{c} {}
        stream_protocol::socket io;
        void* tag = nullptr;
        bool read = false, write = false;             // asked for by the engine
        bool read_waits = false, write_waits = false; // Asio waits for these
        bool readable = false, writable = false;      // reported by Asio
        bool found = false, closed = false;
    };

    void arm(const socket& s) {
        if (s->closed) return;
        if (s->read && !s->readable && !std::exchange(s->read_waits, true))
            s->io.async_wait(boost::asio::socket_base::wait_read, [this, s, token = token_](error_code ec) {
                s->read_waits = false;
                if (ec || !*token || s->closed) return;
                s->readable = s->read;
                note(s);
            });
        if (s->write && !s->writable && !std::exchange(s->write_waits, true))
            s->io.async_wait(boost::asio::socket_base::wait_write, [this, s, token = token_](error_code ec) {
                s->write_waits = false;
                if (ec || !*token || s->closed) return;
                s->writable = s->write;
                note(s);
            });
    }

    void note(const socket& s) {
        if (!std::exchange(s->found, true)) found_.push_back(s);
        wake();
    }

    boost::asio::io_context& io_;
    std::shared_ptr<bool> token_; // outlives the loop, for pending handlers
    turn_function turn_;
    void* self_;
    stream_acceptor* acceptor_ = nullptr;
    bool acceptor_ready_ = false, arm_acceptor_ = false, waking_ = false;
    std::vector<socket> found_, served_;
    std::vector<ready> ready_;
};

} // namespace sigfire::inline v0_1::detail
