// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A client that goes back by itself: the server drops it, and it goes on where it was, with the same id, in
// the same topic, and without missing what was said meanwhile.

#include <sigfire/resume.hpp>
#include <sigfire/sigfire.hpp>
#include <sigfire/topics.hpp>

#include <boost/asio/co_spawn.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> talk(sigfire::server<sigfire::websocket, sigfire::topics, sigfire::resume>& srv,
                           bool& recovered) {
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
    co_await other.publish("news", R"("said while it was away")", asio::use_awaitable);

    const auto online = co_await c.receive(asio::use_awaitable);
    std::cout << "online, " << (online.recovered ? "nothing is missing" : "as somebody new") << '\n';
    const auto news = co_await c.receive(asio::use_awaitable);
    std::cout << news.topic << ": " << news.data << '\n';
    recovered = online.recovered && news.command == "publish";
    co_await c.close(asio::use_awaitable);
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}, sigfire::topics{}, sigfire::resume{}};
    bool recovered = false;
    asio::co_spawn(io, talk(srv, recovered), [&](std::exception_ptr failed) {
        recovered = recovered && !failed;
        srv.stop();
    });
    io.run();
    return recovered ? 0 : 1;
}
