// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A client with coroutines. The failed request returns its error code instead of throwing.

#include <sigfire/sigfire.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<bool> talk(std::string address) {
    sigfire::client client{co_await asio::this_coro::executor};
    const auto welcome = co_await client.connect(address, asio::use_awaitable);
    std::cout << "I am " << welcome.id << '\n';

    const auto [cause] = co_await client.send("nobody", "session-start", asio::as_tuple(asio::use_awaitable));
    std::cout << cause.message() << '\n';
    co_await client.close(asio::use_awaitable);
    co_return cause == sigfire::errc::unknown;
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}};
    bool good = false;
    asio::co_spawn(io, talk(srv.address()), [&](std::exception_ptr failed, bool result) {
        good = !failed && result;
        srv.stop();
    });
    io.run();
    return !good;
}
