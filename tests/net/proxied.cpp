// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/proxied.hpp>

#include <sigfire/net/tls.hpp>

#include "support/engine_world.hpp"
#include "support/tls_world.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

const strings nothing;
std::vector<std::string> trusted; // said before a world is made; peers of the memory loop are 192.0.2.1
const std::string header = "PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n";

template <class T>
struct behind : transport::proxied<T> {
    behind(boost::asio::io_context& io, memory::options o)
        : transport::proxied<T>{T{io, std::move(o)}, {.proxies = trusted}} {}
};

template <class T>
struct world : memory::world<behind<T>> {
    explicit world(strings proxies = {"192.0.2.0/24"})
        : memory::world<behind<T>>{(trusted = std::move(proxies), memory::options{})} {
        this->on_opening = [this](auto& c, const request& r) {
            remote = r.remote;
            secure = r.secure;
            this->accept(c);
        };
    }
    std::string remote;
    bool secure = false;
};
using ws_world = world<memory::websocket>;
using plain_world = world<memory::lengths>;
using ws_peer = memory::basic_peer<framing::websocket<framing::role::client>>;
using plain_peer = memory::basic_peer<framing::length>;

BOOST_AUTO_TEST_SUITE(proxied)

BOOST_AUTO_TEST_CASE(the_address_comes_from_the_proxy) {
    const std::string v2{"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\xc6\x33\x64\x07\x0a\0\0\1\0\1\0\2"
                         "\x20\x00\x05\1\0\0\0\0",
                         36};
    for (const auto& [head, secure] : {std::pair{header, false}, std::pair{v2, true}})
        for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{20}}) {
            ws_world w;
            ws_peer p{w.io};
            p.at->piece = piece;
            p.write(head + memory::upgrade_request() + p.sealed("hello"));
            w.run();
            BOOST_TEST(w.told() == (strings{"1 open", "1 text:hello"}));
            BOOST_TEST(w.remote == "198.51.100.7");
            BOOST_TEST(w.secure == secure);

            plain_world v;
            plain_peer q{v.io};
            q.at->piece = piece;
            v.run();
            BOOST_TEST(v.told() == nothing);
            q.write(head);
            v.run();
            BOOST_TEST(v.told() == strings{"1 open"}, "the header alone opens it");
            BOOST_TEST(v.remote == "198.51.100.7");
            q.say("hello");
            v.run();
            BOOST_TEST(v.told() == strings{"1 text:hello"});
        }
}

BOOST_AUTO_TEST_CASE(a_client_that_is_no_proxy_cannot_claim_another_address) {
    const strings others{"10.0.0.0/8"};
    plain_world v{others};
    plain_peer q{v.io};
    v.run();
    BOOST_TEST(v.told() == strings{"1 open"}, "nothing has to come first");
    BOOST_TEST(v.remote == "192.0.2.1");
    q.say("hello");
    v.run();
    BOOST_TEST(v.told() == strings{"1 text:hello"});

    ws_world w{others};
    ws_peer p{w.io};
    p.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(w.told() == strings{"1 open"});
    ws_peer liar{w.io};
    liar.write(header + memory::upgrade_request());
    w.run();
    BOOST_TEST(liar.read().starts_with("HTTP/1.1 400 "));
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(a_connection_closed_before_it_has_begun_is_not_ready) {
    boost::asio::io_context io;
    detail::proxy_loop<memory::loop> loop{io, [](void*) {}, nullptr};
    detail::stream_acceptor acceptor{io};
    plain_peer p{io};
    error_code ec;
    auto socket = loop.accept(acceptor, ec);
    BOOST_TEST_REQUIRE(!ec);
    int tag = 0;
    loop.add(socket, &tag);
    loop.close(socket, false);
    BOOST_TEST(loop.wait().empty());
}

BOOST_AUTO_TEST_CASE(a_proxy_that_sends_no_header) {
    ws_world w;
    ws_peer p{w.io}, silent{w.io};
    p.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(p.read() == "");
    silent.write("PROXY TC");
    w.advance(7s, 500ms);
    BOOST_TEST(silent.at->server_shut);
    w.advance(7s, 500ms);
    BOOST_TEST(silent.at->server_closed);
    BOOST_TEST(w.told() == nothing);

    plain_world v;
    plain_peer gone{v.io};
    gone.write("PROXY TC");
    v.run();
    gone.shut();
    v.run();
    BOOST_TEST(gone.at->server_closed);
}

template <class T>
struct secured : transport::tls<transport::proxied<T>> {
    secured(boost::asio::io_context& io, memory::options o)
        : transport::tls<transport::proxied<T>>{{T{io, std::move(o)}, {.proxies = {"192.0.2.1"}}},
                                                {.certificates = {tls_world::localhost().served()}}} {}
};

BOOST_AUTO_TEST_CASE(the_header_stands_before_tls) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}}) {
        memory::world<secured<memory::lengths>> w;
        std::string remote;
        w.on_opening = [&](auto& c, const request& r) {
            remote = r.remote;
            BOOST_TEST(r.secure);
            w.accept(c);
        };
        plain_peer p{w.io};
        p.at->piece = piece;
        tls_world::layer tls;
        p.write(header);
        auto said = p.sealed("hello");
        for (int i = 0; i < 10; ++i) {
            tls.seal(said, p.at->to_server);
            w.run();
            tls.open(p.read());
        }
        BOOST_TEST(w.told() == (strings{"1 open", "1 text:hello"}));
        BOOST_TEST(remote == "198.51.100.7");
    }
}

BOOST_AUTO_TEST_CASE(a_transport_with_an_invalid_network_cannot_be_bound) {
    boost::asio::io_context io;
    transport::proxied t{memory::lengths{io}, {.proxies = {"10.0.0.0/8", "somewhere"}}};
    detail::stream_acceptor a{io};
    error_code ec;
    t.bind(a, ec);
    BOOST_TEST((ec == boost::asio::error::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
