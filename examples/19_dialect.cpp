// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Clients of y-webrtc and of sigfire on one port. A client that connects to /y-webrtc uses the wire of
// y-webrtc: `new WebrtcProvider('room', doc, {signaling: ['ws://host:port/y-webrtc']})`. All other clients
// use JSON. Both kinds share the topics. Here a few lines replace the document of y-webrtc.

#include <sigfire/codec/any_of.hpp>
#include <sigfire/dialect/y_webrtc.hpp>
#include <sigfire/sigfire.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

namespace asio = boost::asio;

using document = boost::beast::websocket::stream<asio::ip::tcp::socket>;

asio::awaitable<void> say(document& d, std::string text) {
    co_await d.async_write(asio::buffer(text), asio::use_awaitable);
}

asio::awaitable<std::string> hear(document& d) {
    std::string text;
    auto buffer = asio::dynamic_buffer(text);
    co_await d.async_read(buffer, asio::use_awaitable);
    co_return text;
}

asio::awaitable<bool> meet(sigfire::client& peer, std::string address) {
    document d{co_await asio::this_coro::executor};
    const auto host = address.substr(address.find("//") + 2); // 127.0.0.1:PORT
    const asio::ip::tcp::endpoint server{
        asio::ip::address_v4::loopback(),
        static_cast<std::uint16_t>(std::stoi(host.substr(host.find(':') + 1)))};
    co_await d.next_layer().async_connect(server, asio::use_awaitable);
    co_await d.async_handshake(host, "/y-webrtc", asio::use_awaitable);
    co_await say(d, R"({"type":"subscribe","topics":["room"]})");
    co_await say(d, R"({"type":"ping"})");
    std::cout << "document: " << co_await hear(d) << '\n'; // after the pong, the document is in the room

    co_await peer.connect(address, asio::use_awaitable);
    co_await peer.join("room", asio::use_awaitable);
    co_await peer.publish("room", R"({"hello":"from JSON"})", asio::use_awaitable);
    const auto from_peer = co_await hear(d);
    std::cout << "document: " << from_peer << '\n';
    co_await say(d, R"({"type":"publish","topic":"room","data":{"hello":"from y-webrtc"}})");
    const auto from_document = co_await peer.receive(asio::use_awaitable);
    std::cout << "peer: " << from_document.data << " in " << from_document.topic << '\n';
    co_return from_peer.find("from JSON") != from_peer.npos&& from_document.data ==
        R"({"hello":"from y-webrtc"})";
}

int main() {
    asio::io_context io{1};
    sigfire::server srv{
        sigfire::websocket{io},
        sigfire::any_of{sigfire::when{sigfire::dialect::y_webrtc{}, sigfire::by_path{"/y-webrtc"}},
                        sigfire::when{sigfire::json{}}}, // each connection uses the first match
        sigfire::topics{},
    };
    sigfire::client peer{io};
    bool met = false;
    asio::co_spawn(io, meet(peer, srv.address()), [&](std::exception_ptr failed, bool good) {
        met = !failed && good;
        srv.stop();
    });
    io.run();
    return met ? 0 : 1;
}
