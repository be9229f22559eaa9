// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A server of chosen parts: a part left out is the default, and the order does not matter.

#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    using namespace std::chrono_literals;
    boost::asio::io_context io{1};

    // A Log: told of events, in the server's own thread.
    const auto log = [](sigfire::log_level, std::string_view event,
                        std::span<const sigfire::log_field> fields) {
        std::cout << event;
        for (const auto& f : fields) std::cout << ' ' << f.name << '=' << f.value;
        std::cout << '\n';
    };

    // An HttpHandler: plain requests on the port of the WebSockets.
    const auto hello = [](const sigfire::request& request, sigfire::response& response) {
        response.body = "nothing to see at " + std::string{request.path()} + '\n';
        return true;
    };

    sigfire::server srv{
        sigfire::websocket{io, {.origins = {"https://example.org"}, .limits = {.message = 64 << 10}}},
        sigfire::json{{.rtc_configuration = R"({"iceServers":[{"urls":"stun:stun.example.org"}]})"}},
        sigfire::hub_options{.claim_timeout = 1s},
        hello,
        log,
    };

    // Browsers tell the page they come from; this client says the same as a page on the list.
    sigfire::client client{io, {.headers = {{"Origin", "https://example.org"}}}};
    client.connect(srv.address(), [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        std::cout << (ec ? ec.message() : welcome.configuration) << '\n';
        srv.stop();
    });
    io.run();
    return client.id().empty();
}
