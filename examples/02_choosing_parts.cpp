// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A server with chosen parts. The parts can be in any order. The server uses its default for each missing
// part.

#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    using namespace std::chrono_literals;
    boost::asio::io_context io{1};

    // A Log: the server calls it for each event, in its own thread.
    const auto log = [](sigfire::log_level, std::string_view event,
                        std::span<const sigfire::log_field> fields) {
        std::cout << event;
        for (const auto& f : fields) std::cout << ' ' << f.name << '=' << f.value;
        std::cout << '\n';
    };

    // An HttpHandler: it answers plain HTTP requests on the port of the WebSockets.
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

    // A browser sends the origin of its page. This client sends an origin on the list of the server.
    sigfire::client client{io, {.headers = {{"Origin", "https://example.org"}}}};
    client.connect(srv.address(), [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        std::cout << (ec ? ec.message() : welcome.configuration) << '\n';
        srv.stop();
    });
    io.run();
    return client.id().empty();
}
