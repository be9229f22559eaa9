// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A C++ program as a child process of node.js. The parent is a JavaScript module:
//
//     const child = spawn('./example_11_node_parent', [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
//     child.on('message', m => ...)
//     child.send({ cmd: 'call-command', reqId: '1', data: { name: 'add', args: [5, 6] } })
//
// With Wormhole 2.x in node.js, the last line is `await wormhole.command('add', [5, 6])`. Without such a
// parent, this program plays both roles.

#include <sigfire/rpc/rpc.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/socket.h>

// Compiles Boost.JSON here. A program with several source files includes this in one file, or links
// Boost.JSON.
#include <boost/json/src.hpp>

namespace asio = boost::asio;

void serve(sigfire::rpc& parent) {
    parent.define("add", [](int a, int b) { return a + b; });
    parent.define("fail", [] { throw std::runtime_error{"as you like"}; });
    parent.define("sleep", [](int ms, std::string then) -> asio::awaitable<std::string> {
        asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{ms}};
        co_await timer.async_wait(asio::use_awaitable);
        co_return then;
    });
    // Calls a function of the parent during a call of the parent.
    parent.define("greet", [&parent](std::string id) -> asio::awaitable<std::string> {
        auto name = co_await parent.call<std::string>("name of", id, asio::use_awaitable);
        co_return "Hello, " + name;
    });
    parent.on("quit", [&parent] { parent.close(asio::detached); });
    parent.notify("ready", std::vector<std::string>{"add", "fail", "sleep", "greet"});
}

asio::awaitable<bool> play_parent(sigfire::rpc& child) {
    const auto sum = co_await child.call<int>("add", 5, 6, asio::use_awaitable);
    const auto greeting = co_await child.call<std::string>("greet", "7", asio::use_awaitable);
    const auto failed = co_await child.call<sigfire::rpc_result<void>>("fail", asio::use_awaitable);
    const auto [none] = co_await child.call("nosuch", asio::as_tuple(asio::use_awaitable));
    std::cout << sum << ", " << greeting << ", " << failed.error().message << ", " << none.message() << '\n';
    child.notify("quit");
    const auto [cause] = co_await child.wait(asio::as_tuple(asio::use_awaitable));
    co_return sum == 11 && greeting == "Hello, Ada" && failed.error().message == "as you like" &&
        (none == sigfire::errc::unknown_command) && (cause == sigfire::errc::closed);
}

int main() {
    asio::io_context io{1};
    sigfire::rpc parent{io};
    if (!parent.inherit()) {
        serve(parent);
        io.run();
        return 0;
    }

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
    sigfire::rpc child{io};
    if (child.adopt(ends[0]) || parent.adopt(ends[1])) return 1;
    child.define("name of", [](const std::string& id) { return id == "7" ? "Ada" : "nobody"; });
    serve(parent);
    bool good = false;
    asio::co_spawn(io, play_parent(child),
                   [&](std::exception_ptr failed, bool result) { good = !failed && result; });
    io.run();
    return !good;
}
