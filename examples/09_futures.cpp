// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A client with futures: one thread runs the io_context, and the main thread waits for the results.

#include <sigfire/sigfire.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/use_future.hpp>

#include <iostream>
#include <thread>

namespace asio = boost::asio;

int main() {
    asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}};
    sigfire::client client{io};
    const auto address = srv.address();

    // Each operation is posted, since server and client belong to the thread that runs the io_context.
    const auto there = [&](auto operation) {
        std::promise<decltype(operation())> started;
        auto future = started.get_future();
        asio::post(io, [&] { started.set_value(operation()); });
        return future.get();
    };
    const auto work = asio::make_work_guard(io);
    std::thread thread{[&] { io.run(); }};

    int result = 1;
    try {
        const auto welcome = there([&] { return client.connect(address, asio::use_future); }).get();
        std::cout << "I am " << welcome.id << '\n';
        there([&] { return client.send("nobody", "session-start", asio::use_future); }).get();
    } catch (const boost::system::system_error& e) {
        std::cout << e.code().message() << '\n';
        result = e.code() != sigfire::errc::unknown;
    }
    io.stop();
    thread.join();
    return result;
}
