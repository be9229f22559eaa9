// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Adds signaling to an HTTP server on Beast. The server hands over each stream that asks for a WebSocket
// under /signal, and answers all other requests itself.

#include <sigfire/net/beast.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;

asio::awaitable<void> visitor(boost::beast::tcp_stream stream, sigfire::beast<>& peers) {
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> asked;
    stream.expires_after(std::chrono::seconds{5});
    co_await http::async_read(stream, buffer, asked, asio::use_awaitable);
    if (boost::beast::websocket::is_upgrade(asked) && asked.target().starts_with("/signal")) {
        peers.adopt(sigfire::beast<>::stream{std::move(stream)}, asked);
        co_return;
    }
    http::response<http::string_body> answer{http::status::ok, asked.version(), "the rest of the site\n"};
    answer.prepare_payload();
    co_await http::async_write(stream, answer, asio::use_awaitable);
}

asio::awaitable<void> site(asio::ip::tcp::acceptor& acceptor, sigfire::beast<>& peers) {
    for (;;) {
        boost::beast::tcp_stream stream{co_await acceptor.async_accept(asio::use_awaitable)};
        asio::co_spawn(acceptor.get_executor(), visitor(std::move(stream), peers), asio::detached);
    }
}

int main() {
    asio::io_context io{1};
    asio::ip::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
    const auto url = "ws://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/signal";

    sigfire::beast<> peers{io, {.address = url}};
    sigfire::server srv{peers};
    asio::co_spawn(io, site(acceptor, peers), asio::detached);

    sigfire::client ann{io}, bob{io};
    bool arrived = false;
    const auto stop = [&] {
        srv.stop();
        acceptor.close();
    };
    bob.connect(url, [&](sigfire::error_code ec, const sigfire::welcome& welcome) {
        if (ec) return stop();
        bob.receive([&](sigfire::error_code failed, const sigfire::incoming& message) {
            arrived = !failed && message.command == "offer";
            std::cout << "bob: " << message.command << " from " << message.from << '\n';
            stop();
        });
        ann.connect(url, [&, to = welcome.id](sigfire::error_code failed, const sigfire::welcome&) {
            if (failed) return stop();
            ann.send(to, "offer", R"({"offer":{"type":"offer","sdp":"..."}})", [](sigfire::error_code) {});
        });
    });
    io.run();
    return arrived ? 0 : 1;
}
