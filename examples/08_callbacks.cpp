// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A client with callbacks. See 09 for the same operations with futures, and 10 with coroutines.

#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    boost::asio::io_context io{1};
    sigfire::server srv{sigfire::websocket{io}};
    sigfire::client client{io};
    sigfire::error_code cause;

    client.connect(srv.address(), [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        if (ec) return srv.stop();
        std::cout << "I am " << welcome.id << '\n';
        client.send("nobody", "session-start", [&](sigfire::error_code why) {
            std::cout << (cause = why).message() << '\n';
            client.close([&](sigfire::error_code) { srv.stop(); });
        });
    });
    io.run();
    return cause != sigfire::errc::unknown;
}
