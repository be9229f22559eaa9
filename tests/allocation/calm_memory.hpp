// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "allocations.hpp"

#include "support/memory_loop.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <span>
#include <string_view>
#include <utility>

/// The memory loop, with none of its own allocations in the book: those of a server alone count.
namespace calm_memory {

using namespace sigfire;
using allocations::arm;

class loop : public memory::loop {
    using base = memory::loop;

public:
    loop(boost::asio::io_context& io, detail::turn_function turn, void* self)
        : loop{arm{false}, io, turn, self} {}
    ~loop() = default;

    std::span<const detail::ready> wait() {
        const arm no{false};
        return base::wait();
    }
    void wake() {
        const arm no{false};
        base::wake();
    }
    socket accept(detail::stream_acceptor& a, error_code& ec) {
        const arm no{false};
        return base::accept(a, ec);
    }
    void add(socket& s, void* tag) {
        const arm no{false};
        base::add(s, tag);
    }
    std::size_t receive(socket& s, std::span<char> bytes, error_code& ec) {
        const arm no{false};
        return base::receive(s, bytes, ec);
    }
    std::size_t send(socket& s, std::string_view bytes, error_code& ec) {
        const arm no{false};
        return base::send(s, bytes, ec);
    }
    void close(socket& s, bool reset) {
        const arm no{false};
        base::close(s, reset);
    }

private:
    loop(const arm&, boost::asio::io_context& io, detail::turn_function turn, void* self)
        : base{io, turn, self} {}
};

/// A WebSocket transport on it.
struct websocket : memory::websocket {
    using loop_type = loop;
    using memory::websocket::websocket;

    template <class State>
    using connection = detail::stream_connection<websocket, loop, State>;
    template <class State, class Sink>
    using engine = typename detail::stream_engine<websocket, loop, State>::template with<Sink>;
};

/// Runs turns until nothing is left to do. How many exceptions came out of `io_context::poll`.
inline unsigned run(boost::asio::io_context& io) {
    auto& n = boost::asio::use_service<memory::net>(io);
    unsigned escaped = 0;
    for (int i = 0; i < 10'000; ++i) {
        n.wake();
        if (io.stopped()) io.restart();
        try {
            const arm yes{true};
            io.poll();
        } catch (...) {
            ++escaped;
        }
        if (n.events().empty()) break;
    }
    return escaped;
}

inline unsigned advance(boost::asio::io_context& io, std::chrono::milliseconds time,
                        std::chrono::milliseconds step = std::chrono::milliseconds{250}) {
    unsigned escaped = 0;
    for (; time.count() > 0; time -= step) {
        boost::asio::use_service<memory::net>(io).now += std::min(time, step);
        escaped += run(io);
    }
    return escaped;
}

} // namespace calm_memory
