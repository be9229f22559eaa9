// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/websocket.hpp>

#include <sigfire/net/engine/loop_wait.hpp>

#include "support/transport_laws.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using client = framing::websocket<framing::role::client>;
using peer = stream_test::peer<client>;

const websocket_options small{.limits = {.message = 300'000, .outbox = 100'000}};

struct echo_sink {
    static constexpr bool checks_utf8 = false;
    int opened = 0, closed_count = 0;
    errc cause = errc::ok;

    void opening(auto& c, const request& r) {
        ++opened;
        remote = r.remote;
        c.accept({});
    }
    void received(auto& c, message m) {
        if (char* p = c.reserve(m.type, m.bytes.size())) {
            std::copy(m.bytes.begin(), m.bytes.end(), p);
            c.commit(m.bytes.size());
        }
    }
    void alive(auto&) {}
    void closed(auto&, errc why) { ++closed_count, cause = why; }
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }

    std::string remote;
};

template <class T>
struct served {
    boost::asio::io_context io;
    echo_sink sink;
    typename T::template engine<int, echo_sink> engine;

    explicit served(const websocket_options& o = {}) : engine{T{io, o}, sink} {
        error_code ec;
        engine.open(ec);
        BOOST_TEST_REQUIRE(!ec);
    }
    bool drive(const std::function<bool()>& until) { return stream_test::drive(io, &peer::pump, until); }
};

using loops = std::tuple<sigfire::websocket, transport::basic_websocket<detail::loop_wait>>;

BOOST_AUTO_TEST_SUITE(websocket)

BOOST_AUTO_TEST_CASE_TEMPLATE(it_keeps_the_laws, T, loops) {
    boost::asio::io_context io;
    stream_test::check_laws<client>(io, T{io, small}, 300'000, 100'000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_bound_address_can_be_read_back, T, loops) {
    served<T> s;
    BOOST_TEST(s.engine.address().starts_with("ws://127.0.0.1:"));
    BOOST_TEST(s.engine.address() != "ws://127.0.0.1:0");
    peer p{s.io, s.engine.address()};
    p.send("hello");
    BOOST_TEST(s.drive([&] { return p.take() == std::vector<std::string>{"hello"}; }));
    BOOST_TEST(s.sink.remote == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ipv6, T, loops) {
    boost::asio::io_context io;
    echo_sink sink;
    typename T::template engine<int, echo_sink> engine{T{io, {.address = "::"}}, sink};
    error_code ec;
    engine.open(ec);
    if (ec) return; // a machine without IPv6
    BOOST_TEST(engine.address().starts_with("ws://[::]:"));
    const auto port = engine.address().substr(engine.address().rfind(':'));
    peer six{io, "ws://[::1]" + port};
    BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return sink.opened == 1; }));
    BOOST_TEST(sink.remote == "::1");
    peer four{io, "ws://127.0.0.1" + port};
    BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return sink.opened == 2; }));
    BOOST_TEST(sink.remote == "127.0.0.1", "not ::ffff:127.0.0.1");
}

BOOST_AUTO_TEST_CASE(a_busy_port_is_an_error_unless_it_is_shared) {
    boost::asio::io_context io;
    echo_sink sink;
    using engine = sigfire::websocket::engine<int, echo_sink>;
    engine first{sigfire::websocket{io, {.reuse_port = true}}, sink};
    error_code ec;
    first.open(ec);
    BOOST_TEST_REQUIRE(!ec);
    const auto address = first.address();
    const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));

    engine busy{sigfire::websocket{io, {.port = port}}, sink};
    busy.open(ec);
    BOOST_TEST((ec == boost::asio::error::address_in_use));
    BOOST_TEST(busy.address() == address, "the address that it could not have is named");

    engine second{sigfire::websocket{io, {.port = port, .reuse_port = true}}, sink};
    second.open(ec);
    BOOST_TEST(!ec);
    std::list<peer> peers;
    for (int i = 0; i < 20; ++i) peers.emplace_back(io, address);
    BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return sink.opened == 20; }));
    BOOST_TEST(first.connections() + second.connections() == 20u);
}

BOOST_AUTO_TEST_CASE(addresses_that_cannot_be) {
    boost::asio::io_context io;
    echo_sink sink;
    for (const char* wrong : {"example.org", "256.0.0.1", "", "192.0.2.1"}) {
        sigfire::websocket::engine<int, echo_sink> engine{sigfire::websocket{io, {.address = wrong}}, sink};
        error_code ec;
        engine.open(ec);
        BOOST_TEST(ec.failed(), wrong);
    }
    sigfire::websocket::engine<int, echo_sink> engine{sigfire::websocket{io, {.proxies = {"10.0.0.0/33"}}},
                                                      sink};
    error_code ec;
    engine.open(ec);
    BOOST_TEST((ec == boost::asio::error::invalid_argument), "networks that cannot be");
}

// The rest of time is tested in virtual time; here the real timer has to be armed.
BOOST_AUTO_TEST_CASE_TEMPLATE(deadlines_are_kept_by_the_real_clock, T, loops) {
    served<T> s{{.limits = {.handshake_timeout = 200ms,
                            .ping_interval = 200ms,
                            .silence_timeout = 600ms,
                            .close_timeout = 40ms}}};
    stream_test::peer<framing::length> silent{s.io, s.engine.address()};
    const auto pump = [] {
        peer::pump();
        stream_test::peer<framing::length>::pump();
    };
    BOOST_TEST(stream_test::drive(s.io, pump, [&] { return silent.ended(); }));
    BOOST_TEST(s.sink.opened == 0);

    peer dead{s.io, s.engine.address()}, living{s.io, s.engine.address()};
    BOOST_TEST(s.drive([&] { return s.sink.opened == 2; }));
    dead.stall();
    BOOST_TEST(s.drive([&] { return s.sink.closed_count == 1; }));
    BOOST_TEST((s.sink.cause == errc::pong_timeout));
    BOOST_TEST(s.drive([&] { return living.controls().size() >= 3; }));
    BOOST_TEST(s.sink.closed_count == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_at_once, T, loops) {
    served<T> s;
    std::list<peer> peers;
    for (int i = 0; i < 300; ++i) peers.emplace_back(s.io, s.engine.address()).send(std::to_string(i));
    int i = 0;
    for (auto& p : peers) {
        BOOST_TEST_REQUIRE(s.drive([&, text = std::to_string(i)] { return p.take() == std::vector{text}; }));
        ++i;
    }
    bool done = false;
    s.engine.stop(50ms, [&] { done = true; });
    BOOST_TEST(s.drive([&] { return done; }));
    BOOST_TEST(s.sink.closed_count == 300);
    s.io.restart();
    s.io.run_for(5s);
    BOOST_TEST(s.io.stopped(), "out of work");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
