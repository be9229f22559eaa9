// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A call as a session object on both sides. The caller starts it, the callee accepts it with its name, and
// both negotiate. Then the caller ends it. The callee rejects a second call. Example 03 does the same with
// plain messages.

#include <sigfire/feature/sessions.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> callee(sigfire::client& me) {
    auto first = me.adopt(co_await me.receive(asio::use_awaitable));
    std::cout << "callee: " << first.metadata() << " calls\n";
    co_await first.accept(R"({"name":"Bob"})", asio::use_awaitable);
    const auto offer = co_await first.receive(asio::use_awaitable);
    std::cout << "callee: " << offer.command << ' ' << offer.data << '\n';
    co_await first.signal("answer", R"({"answer":{"type":"answer","sdp":"v=0"}})", asio::use_awaitable);
    const auto [ended, none] = co_await first.receive(asio::as_tuple(asio::use_awaitable));
    std::cout << "callee: " << ended.message() << '\n';

    auto second = me.adopt(co_await me.receive(asio::use_awaitable));
    co_await second.reject("Not now", "", asio::use_awaitable);
}

asio::awaitable<void> caller(sigfire::client& me, std::string other, bool& good) {
    auto call = me.start(other, R"({"name":"Alice"})");
    const auto who = co_await call.accepted(asio::use_awaitable);
    std::cout << "caller: " << who << " accepts\n";
    co_await call.signal("offer", R"({"offer":{"type":"offer","sdp":"v=0"}})", asio::use_awaitable);
    const auto answer = co_await call.receive(asio::use_awaitable);
    std::cout << "caller: " << answer.command << ' ' << answer.data << '\n';
    co_await call.end(asio::use_awaitable);

    auto again = me.start(other);
    const auto [cause, reason] = co_await again.accepted(asio::as_tuple(asio::use_awaitable));
    std::cout << "caller: " << cause.message() << ' ' << reason << '\n';
    good = answer.command == "answer" && cause == sigfire::errc::rejected;
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}, sigfire::sessions{}};
    sigfire::client alice{io}, bob{io};
    bool good = false;

    const auto talk = [&]() -> asio::awaitable<void> {
        co_await alice.connect(srv.address(), asio::use_awaitable);
        co_await bob.connect(srv.address(), asio::use_awaitable);
        asio::co_spawn(io, callee(bob), asio::detached);
        co_await caller(alice, std::string{bob.id()}, good);
    };
    asio::co_spawn(io, talk(), [&](std::exception_ptr) { srv.stop(); });
    io.run();
    return good ? 0 : 1;
}
