// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The smallest server, and a client that says hello to it.

#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    boost::asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}}; // {io, {.port = 3003}} for a port of your choice
    std::cout << "listening on " << srv.address() << '\n';

    sigfire::client client{io};
    client.connect(srv.address(), [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        std::cout << (ec ? ec.message() : "welcome, " + welcome.id) << '\n';
        srv.stop(); // a server of yours runs on: then io.run() returns when a signal handler says so
    });
    io.run();
    return client.id().empty();
}
