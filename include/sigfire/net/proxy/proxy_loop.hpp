// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/engine/layered_loop.hpp>
#include <sigfire/net/engine/ready.hpp>
#include <sigfire/net/engine/stream_protocol.hpp>
#include <sigfire/net/engine/tcp_bind.hpp>
#include <sigfire/net/proxy/network_list.hpp>
#include <sigfire/net/proxy/proxy_protocol.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// A layer between an engine and the loop of its sockets. It removes PROXY headers and uses the addresses in
/// them. The members mean the same as in `loop_epoll`.
template <class Loop>
class proxy_loop : public layered_loop<Loop> {
    using layered_loop<Loop>::inner_;
    struct entry;

public:
    using socket = std::unique_ptr<entry>;

    proxy_loop(boost::asio::io_context& io, turn_function turn, void* self)
        : layered_loop<Loop>{io, turn, self} {}

    /// Sets the proxies that send a header. Once, before the first connection.
    void expect(const network_list& proxies) { proxies_ = proxies; }

    std::span<const ready> wait() {
        const auto found = inner_.wait();
        if (direct_.empty()) return found;
        ready_.assign(found.begin(), found.end());
        for (auto* e : std::exchange(direct_, {})) ready_.push_back({e->tag, true, false});
        return ready_;
    }

    socket accept(stream_acceptor& a, error_code& ec) { return wrap(inner_.accept(a, ec), ec); }
    socket adopt(int descriptor, error_code& ec) { return wrap(inner_.adopt(descriptor, ec), ec); }

    /// The address of the client, once the header has come.
    sockaddr_storage remote(const socket& s) { return s->source; }

    int descriptor(const socket& s) { return inner_.descriptor(s->io); }

    void describe(const socket& s, request& r) {
        if constexpr (requires { inner_.describe(s->io, r); }) inner_.describe(s->io, r);
        r.secure = r.secure || s->secure;
    }

    void add(socket& s, void* tag) {
        s->tag = tag;
        inner_.add(s->io, tag);
        if (proxies_.contains(numeric_address(s->source))) return;
        // Without a header to wait for, the connection is opened at once.
        s->begins = true;
        direct_.push_back(s.get());
        inner_.wake();
    }

    void watch(socket& s, void* tag, bool read, bool write) { inner_.watch(s->io, tag, read, write); }

    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        auto& e = *s;
        if (std::exchange(e.begins, false)) return e.done = true, 0;
        const auto n = inner_.receive(e.io, bytes, ec);
        return ec || e.done ? n : begin(e, bytes, n, ec);
    }

    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        return inner_.send(s->io, bytes, ec);
    }

    std::size_t send(socket& s, std::span<const std::string_view> pieces, error_code& ec)
        requires requires(Loop& l, typename Loop::socket& io) { l.send(io, pieces, ec); }
    {
        return inner_.send(s->io, pieces, ec);
    }

    void shutdown(socket& s) { inner_.shutdown(s->io); }

    void close(socket& s, bool reset) {
        std::erase(direct_, s.get());
        inner_.close(s->io, reset);
        s.reset();
    }

private:
    struct entry {
        typename Loop::socket io{};
        void* tag = nullptr;
        sockaddr_storage source{};
        std::string head; // bytes of an incomplete header
        bool secure = false;
        bool begins = false; // to be opened without a header
        bool done = false;   // opened, or the header is complete
    };

    socket wrap(typename Loop::socket s, const error_code& ec) {
        if (ec) return nullptr;
        auto e = std::make_unique<entry>();
        e->io = std::move(s);
        e->source = inner_.remote(e->io);
        return e;
    }

    std::size_t begin(entry& e, std::span<char> bytes, std::size_t n, error_code& ec) {
        const auto before = e.head.size();
        e.head.append(bytes.data(), n);
        const auto h = parse_proxy_header(e.head);
        if (h.is == proxy_header::verdict::incomplete)
            ec = boost::asio::error::would_block;
        else if (h.is == proxy_header::verdict::bad)
            ec = errc::bad_handshake;
        if (ec) return 0;
        e.done = true;
        e.secure = h.secure;
        if (!h.source.empty()) e.source = socket_address(boost::asio::ip::make_address(h.source));
        e.head = {};
        const auto rest = n - (h.size - before);
        std::memmove(bytes.data(), bytes.data() + (n - rest), rest);
        return rest;
    }

    network_list proxies_;
    std::vector<entry*> direct_; // connections that need no header
    std::vector<ready> ready_;
};

} // namespace sigfire::inline v0_1::detail
