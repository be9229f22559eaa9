// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The smallest server, and a client that connects to it.

#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    boost::asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}}; // a fixed port: {io, {.port = 3003}}
    std::cout << "listening on " << srv.address() << '\n';

    sigfire::client client{io};
    client.connect(srv.address(), [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        std::cout << (ec ? ec.message() : "welcome, " + welcome.id) << '\n';
        srv.stop(); // a real server runs until a signal handler calls stop()
    });
    io.run();
    return client.id().empty();
}
