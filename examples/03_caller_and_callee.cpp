// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Two peers set up a call: session-start, session-accept, offer, answer, candidate. The server only forwards
// the descriptions. The WebRTC library of each peer reads and writes them.

#include <sigfire/sigfire.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> callee(sigfire::client& me) {
    for (;;) {
        const auto said = co_await me.receive(asio::use_awaitable);
        std::cout << "callee: " << said.command << ' ' << said.data << '\n';
        if (said.command == "session-start")
            co_await me.send(said.from, "session-accept", asio::use_awaitable);
        if (said.command == "offer")
            co_await me.send(said.from, "answer", R"({"answer":{"type":"answer","sdp":"v=0"}})",
                             asio::use_awaitable);
        if (said.command == "ice") co_return;
    }
}

asio::awaitable<void> caller(sigfire::client& me, std::string other) {
    co_await me.send(other, "session-start", asio::use_awaitable);
    const auto accepted = co_await me.receive(asio::use_awaitable);
    std::cout << "caller: " << accepted.command << '\n';
    co_await me.send(other, "offer", R"({"offer":{"type":"offer","sdp":"v=0"}})", asio::use_awaitable);
    const auto answer = co_await me.receive(asio::use_awaitable);
    std::cout << "caller: " << answer.command << ' ' << answer.data << '\n';
    co_await me.send(other, "ice",
                     R"({"candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 5000 typ host"}})",
                     asio::use_awaitable);
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}};
    sigfire::client alice{io}, bob{io};
    int finished = 0;

    const auto talk = [&]() -> asio::awaitable<void> {
        co_await alice.connect(srv.address(), asio::use_awaitable);
        co_await bob.connect(srv.address(), asio::use_awaitable);
        const auto done = [&](std::exception_ptr failed) {
            finished += !failed;
            if (failed || finished == 2) srv.stop();
        };
        asio::co_spawn(io, callee(bob), done);
        asio::co_spawn(io, caller(alice, std::string{bob.id()}), done);
    };
    asio::co_spawn(io, talk(), asio::detached);
    io.run();
    return finished == 2 ? 0 : 1;
}
