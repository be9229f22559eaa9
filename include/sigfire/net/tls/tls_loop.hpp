// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/big_endian.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/engine/layered_loop.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/tls/tls_server.hpp>
#include <sigfire/net/tls/tls_session.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/** TLS between an engine and the loop of its sockets: decrypts received bytes, and encrypts bytes to send.
 *  The members mean the same as in `loop_epoll`.
 *
 *  One buffer for received bytes and one for bytes to send serve all connections. If the other side does
 *  not take bytes, its connection keeps them: at most those of one `send`. */
template <class Loop>
class tls_loop : public layered_loop<Loop> {
    using layered_loop<Loop>::inner_;
    struct entry;

public:
    using socket = std::unique_ptr<entry>;

    tls_loop(boost::asio::io_context& io, turn_function turn, void* self)
        : layered_loop<Loop>{io, turn, self} {}

    /// Sets the TLS server. Once, before the first connection.
    void use(std::shared_ptr<const tls_server> server) { server_ = std::move(server); }

    std::span<const ready> wait() {
        ready_.clear();
        std::erase_if(again_, [this](entry* e) {
            if (!e->reads) return false;
            e->again = false;
            ready_.push_back({e->tag, true, false});
            return true;
        });
        for (const auto& r : inner_.wait()) {
            if (r.tag) {
                auto& e = *static_cast<entry*>(r.tag);
                if (r.writable) push(e);
                ready_.push_back({e.tag, r.readable || e.broken, r.writable && e.writes});
            } else {
                ready_.push_back(r);
            }
        }
        return ready_;
    }

    socket accept(stream_acceptor& a, error_code& ec) { return wrap(inner_.accept(a, ec), ec); }
    socket adopt(int descriptor, error_code& ec) { return wrap(inner_.adopt(descriptor, ec), ec); }

    sockaddr_storage remote(const socket& s) { return inner_.remote(s->io); }

    int descriptor(const socket& s) { return inner_.descriptor(s->io); }

    /// Adds facts about the other side. The views are valid until the next call.
    void describe(const socket& s, request& r) {
        if constexpr (requires { inner_.describe(s->io, r); }) inner_.describe(s->io, r);
        s->tls.subject(subject_);
        r.peer_subject = subject_;
        r.secure = true;
    }

    void add(socket& s, void* tag) {
        s->tag = tag;
        inner_.add(s->io, s.get());
    }

    void watch(socket& s, void*, bool read, bool write) {
        if (s->again && read && !s->reads) inner_.wake();
        s->reads = read;
        s->writes = write;
        inner_.watch(s->io, s.get(), read, write || !s->late.empty());
    }

    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        auto& e = *s;
        if (e.end || e.broken) {
            ec = e.end ? e.end : boost::asio::error::connection_reset;
            return 0;
        }
        const auto most = std::min(buffer_size, bytes.size() - record_size);
        const auto n = inner_.receive(e.io, {buffer_.get(), most}, ec);
        if (ec) {
            // Without a close alert, bytes may be missing (RFC 8446, 6.1).
            if (ec == boost::asio::error::eof && !e.shut) ec = boost::asio::error::connection_reset;
            return 0;
        }
        std::string_view came{buffer_.get(), n};
        std::string hello;
        if (!e.tls) {
            if (n == 0) return ec = boost::asio::error::would_block, 0; // the layer below has begun
            // The first record is a handshake. A TLS object needs some 45 KB, so it is made only then.
            if (e.hello.empty() && came.front() != 0x16) return fail(e, "the peer does not use TLS", ec);
            if (!e.hello.empty() || !has_record(came)) {
                e.hello += came;
                if (!has_record(e.hello)) return ec = boost::asio::error::would_block, 0;
                came = hello = std::exchange(e.hello, {});
            }
            e.tls = tls_session{server_->context().get(), wire_, true};
        }
        const auto p = e.tls.receive(wire_, came, bytes);
        e.end = p.end;
        if (e.end == errc::tls_failed) server_->failed(address(e), e.tls.reason());
        push(e);
        if (p.bytes != 0 || p.established) {
            // The end follows the last bytes, and no other event would report it.
            if (e.end) remind(e);
            return p.bytes;
        }
        ec = e.end;
        if (!ec) ec = boost::asio::error::would_block;
        return 0;
    }

    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        auto& e = *s;
        if (e.broken || e.shut || !e.tls.established()) {
            ec = boost::asio::error::not_connected;
            return 0;
        }
        std::size_t done = 0;
        while (done != bytes.size() && e.late.empty() && !e.broken) {
            const auto piece = bytes.substr(done, piece_size);
            if (!e.tls.send(piece)) e.broken = true;
            push(e);
            done += piece.size();
        }
        if (e.broken)
            ec = boost::asio::error::broken_pipe;
        else if (done == 0)
            ec = boost::asio::error::would_block;
        return done;
    }

    void shutdown(socket& s) {
        if (std::exchange(s->shut, true)) return;
        if (s->tls.established()) s->tls.finish();
        push(*s);
    }

    void close(socket& s, bool reset) {
        if (!reset) shutdown(s);
        if (s->again) std::erase(again_, s.get());
        inner_.close(s->io, reset);
        s.reset();
    }

private:
    static constexpr std::size_t buffer_size = 64 << 10;
    // Of a record that has come in part; the caller's buffer has room for it.
    static constexpr std::size_t record_size = 16 << 10;
    static constexpr std::size_t piece_size = 64 << 10; // bytes that are encrypted before they are sent
    // One piece, and the answers to messages of TLS itself.
    static constexpr std::size_t late_limit = 256 << 10;

    struct entry {
        typename Loop::socket io{};
        tls_session tls;
        std::string hello; // the first record, incomplete: at most 16 KB
        std::string late;  // encrypted, but not taken by the system yet
        error_code end{};  // follows the other side's bytes
        void* tag = nullptr;
        bool reads = true, writes = false; // events that the engine waits for
        bool shut = false;                 // nothing more is sent from this side
        bool shut_late = false;            // ... and the socket has been shut down
        bool broken = false;               // nothing more can be sent
        bool again = false;                // is in again_
    };

    socket wrap(typename Loop::socket s, const error_code& ec) {
        if (ec) return nullptr;
        auto e = std::make_unique<entry>();
        e->io = std::move(s);
        return e;
    }

    // Whether the first record is complete, or too long (RFC 8446, 5.1).
    static bool has_record(std::string_view bytes) {
        constexpr std::size_t head = 5;
        if (bytes.size() < head) return false;
        const std::size_t n = load_big<std::uint16_t>(bytes.data() + 3);
        return n > record_size || bytes.size() >= head + n;
    }

    std::string address(entry& e) { return numeric_address(inner_.remote(e.io)); }

    std::size_t fail(entry& e, std::string_view why, error_code& ec) {
        e.end = ec = errc::tls_failed;
        server_->failed(address(e), why);
        return 0;
    }

    void remind(entry& e) {
        if (std::exchange(e.again, true)) return;
        again_.push_back(&e);
        inner_.wake();
    }

    // Sends kept bytes and new bytes of TLS. Keeps the bytes that the system does not take.
    void push(entry& e) {
        if (wire_.out.empty() && e.late.empty() && !e.shut) return;
        const bool waited = !e.late.empty();
        if (waited) e.late += wire_.out;
        std::string_view rest = waited ? e.late : wire_.out;
        while (!rest.empty() && !e.broken) {
            error_code ec;
            rest.remove_prefix(inner_.send(e.io, rest, ec));
            if (ec == boost::asio::error::interrupted) continue;
            if (ec == boost::asio::error::would_block) break;
            if (ec) e.broken = true;
        }
        if (e.broken || rest.size() > late_limit) {
            rest = {};
            if (!std::exchange(e.broken, true)) remind(e);
        }
        if (waited)
            e.late.erase(0, e.late.size() - rest.size());
        else
            e.late = rest;
        if (e.late.empty() && waited) e.late = {};
        wire_.out.clear();
        if (waited != !e.late.empty()) inner_.watch(e.io, &e, e.reads, e.writes || !e.late.empty());
        if (e.shut && e.late.empty() && !std::exchange(e.shut_late, true)) inner_.shutdown(e.io);
    }

    std::shared_ptr<const tls_server> server_;
    tls_wire wire_;
    std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    std::vector<ready> ready_;
    std::vector<entry*> again_; // connections with an end behind their last bytes
    std::string subject_;
};

} // namespace sigfire::inline v0_1::detail
