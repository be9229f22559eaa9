// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A client that reconnects by itself. The server drops its connection. The client then continues with the
// same id and in the same topic, and receives the messages sent meanwhile.

#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/co_spawn.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> talk(sigfire::server<sigfire::websocket, sigfire::topics, sigfire::resume>& srv,
                           bool& good) {
    sigfire::client_options options;
    options.reconnect = sigfire::reconnect_options{};
    options.reconnect->interval = std::chrono::milliseconds{100};
    sigfire::client c{co_await asio::this_coro::executor, options};
    sigfire::client other{co_await asio::this_coro::executor};
    co_await c.connect(srv.address(), asio::use_awaitable);
    co_await c.join("news", asio::use_awaitable);
    co_await other.connect(srv.address(), asio::use_awaitable);
    co_await other.join("news", asio::use_awaitable);

    srv.post([id = std::string{c.id()}](auto& hub) { hub.close(id, sigfire::errc::lost); });
    const auto offline = co_await c.receive(asio::use_awaitable);
    std::cout << "offline: " << offline.cause.message() << '\n';
    co_await c.publish("news", R"("kept until it is back")", asio::use_awaitable);

    const auto online = co_await c.receive(asio::use_awaitable);
    std::cout << "online, " << (online.recovered ? "as before" : "as somebody new") << '\n';
    co_await other.publish("news", R"("welcome back")", asio::use_awaitable);
    const auto news = co_await c.receive(asio::use_awaitable);
    std::cout << news.topic << ": " << news.data << '\n';
    const auto kept = co_await other.receive(asio::use_awaitable);
    std::cout << kept.topic << ": " << kept.data << '\n';
    good = offline.kind == sigfire::incoming_kind::offline && news.from == other.id();
    co_await c.close(asio::use_awaitable);
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}, sigfire::topics{}, sigfire::resume{}};
    bool good = false;
    asio::co_spawn(io, talk(srv, good), [&](std::exception_ptr failed) {
        good = good && !failed;
        srv.stop();
    });
    io.run();
    return good ? 0 : 1;
}
