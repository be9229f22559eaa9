// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/msgpack.hpp>

#include "support/client_world.hpp"

#include <sigfire/client.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/transcoder.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

namespace {

using namespace client_world;
using sigfire::client_msgpack, sigfire::client_options;

client_options packed() {
    client_options o;
    o.format = client_msgpack();
    return o;
}

// Two clients exchange an offer, a question and an answer.
void talk(asio::io_context& io, client& a, client& b) {
    BOOST_TEST(!code(io, a.send(std::string{b.id()}, "offer", R"({"offer":{"sdp":"ä","n":[1,-2.5,null]}})")));
    const auto in = receive(io, b).second;
    BOOST_TEST(in.command == "offer");
    BOOST_TEST(in.from == a.id());
    BOOST_TEST(in.data == R"({"offer":{"sdp":"ä","n":[1,-2.5,null]}})");
    b.on_request(
        [](const incoming& asked, sigfire::responder reply) { reply.respond("[" + asked.data + "]"); });
    BOOST_TEST((outcome<std::string>(io, a.request(std::string{b.id()}, "true")) ==
                std::tuple{error_code{}, std::string{"[true]"}}));
    BOOST_TEST(code(io, a.send("nobody", "offer", R"({"offer":{}})")) == errc::unknown);
}

BOOST_AUTO_TEST_SUITE(client_msgpack_)

BOOST_AUTO_TEST_CASE(clients_say_json_and_the_wire_is_messagepack) {
    asio::io_context io;
    const auto over = [&](auto transport) {
        sigfire::server srv{transport, sigfire::binary{}, sigfire::requests{}};
        client a{io, packed()}, b{io, packed()};
        for (auto* c : {&a, &b}) {
            if constexpr (std::is_same_v<decltype(transport), sigfire::loopback>)
                BOOST_TEST_REQUIRE(!std::get<0>(outcome<sigfire::welcome>(io, c->connect(transport))));
            else
                BOOST_TEST_REQUIRE(!connect(io, *c, srv.address()).first);
        }
        BOOST_TEST_CONTEXT(srv.address()) talk(io, a, b);
    };
    over(sigfire::loopback{io});
    over(sigfire::websocket{io});
    over(sigfire::tcp{io});
}

BOOST_AUTO_TEST_CASE(a_server_without_the_format_gets_json) {
    asio::io_context io;
    sigfire::server srv{sigfire::websocket{io}, sigfire::requests{}};
    client a{io, packed()}, b{io};
    for (auto* c : {&a, &b}) BOOST_TEST_REQUIRE(!connect(io, *c, srv.address()).first);
    talk(io, a, b);
    talk(io, b, a);
}

BOOST_AUTO_TEST_CASE(lines_are_text) {
    asio::io_context io;
    client c{io, packed()};
    BOOST_TEST(connect(io, c, "line+tcp://127.0.0.1:1").first == errc::bad_url);
}

BOOST_AUTO_TEST_CASE(what_is_too_large_or_cannot_be_read) {
    asio::io_context io;
    script server{io};
    server.first = {*sigfire::codec::msgpack_from_json(hello), "\xc1"};
    auto o = packed();
    o.message = 300;
    client c{io, o};
    BOOST_TEST_REQUIRE(!std::get<0>(outcome<sigfire::welcome>(io, c.connect(server.net))));
    // Shorter than the limit as JSON, longer as MessagePack: each number takes nine bytes.
    std::string numbers = "[0.5";
    for (int i = 0; i < 40; ++i) numbers += ",0.5";
    BOOST_TEST(code(io, c.send("x", "y", numbers + ']')) == errc::too_large);
    // and the other way round
    std::string ones = "[1";
    for (int i = 0; i < 120; ++i) ones += ",1";
    bool sent = false;
    c.send("x", "y", ones + ']')([&](error_code) { sent = true; });
    BOOST_TEST(*sigfire::codec::json_from_msgpack(server.take(io, "")) ==
               R"({"cmd":"y","target":"x","data":)" + ones + R"(],"id":"r3"})");
    server.end(errc::closed, 1000);
    run_until(io, [&] { return sent; });
    // A byte that never stands in MessagePack.
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(server.net))) == errc::bad_welcome);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
