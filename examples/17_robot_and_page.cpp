// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// One hub with two listeners: a page on a WebSocket calls a robot on a Unix socket. Here a client plays the
// page. A real page sends the same JSON.

#include <sigfire/sigfire.hpp>

#include <boost/asio/co_spawn.hpp>

#include <filesystem>
#include <functional>
#include <iostream>
#include <string>

#include <unistd.h>

namespace asio = boost::asio;

// Answers requests until its connection ends.
asio::awaitable<void> robot(sigfire::client& me, std::string address, std::function<void()> ready) {
    co_await me.connect(address, asio::use_awaitable);
    co_await me.join("robots", asio::use_awaitable); // pages look for robots in this topic
    ready();
    for (;;) {
        const auto asked = co_await me.receive(asio::use_awaitable);
        std::cout << "robot: " << asked.from << " wants " << asked.data << '\n';
        if (asked.request != 0) co_await me.respond(asked.request, R"({"battery":87})", asio::use_awaitable);
    }
}

asio::awaitable<void> page(sigfire::client& me, std::string address, bool& answered) {
    co_await me.connect(address, asio::use_awaitable);
    const auto found = co_await me.lookup("robots", 10, asio::use_awaitable);
    std::cout << "page: these are here: " << found << '\n';
    const auto begin = found.find(R"("id":")") + 6;
    const auto id = found.substr(begin, found.find('"', begin) - begin);
    const auto answer = co_await me.request(id, R"({"ask":"status"})", asio::use_awaitable);
    std::cout << "page: the robot says " << answer << '\n';
    answered = answer == R"({"battery":87})";
}

int main() {
    asio::io_context io{1};
    const auto path = std::filesystem::temp_directory_path() / ("robots-" + std::to_string(getpid()));

    using features = sigfire::features<sigfire::topics, sigfire::requests>;
    using hub = sigfire::hub<sigfire::local_registry, sigfire::direct_router, sigfire::any_channel,
                             sigfire::no_log, sigfire::no_hooks, features>;
    hub peers;
    sigfire::listener pages{sigfire::websocket{io}, sigfire::json{}, peers};
    sigfire::listener robots{sigfire::unix_socket{io, {.path = path.string()}}, sigfire::json{}, peers};
    sigfire::error_code ec;
    pages.open(ec);
    if (!ec) robots.open(ec);
    if (ec) return std::cerr << ec.message() << '\n', 1;

    sigfire::client machine{io}, browser{io};
    bool answered = false;
    const auto stop = [&](std::exception_ptr) {
        peers.stop();
        pages.stop(std::chrono::seconds{1}, [] {});
        robots.stop(std::chrono::seconds{1}, [] {});
    };
    const auto open_page = [&] { asio::co_spawn(io, page(browser, pages.address(), answered), stop); };
    asio::co_spawn(io, robot(machine, robots.address(), open_page), [&](std::exception_ptr failed) {
        if (!answered) stop(failed);
    });
    io.run();
    return answered ? 0 : 1;
}
