// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/tcp.hpp>

#include <sigfire/net/engine/loop_wait.hpp>

#include "support/transport_laws.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace sigfire;

const tcp_options small{.limits = {.message = 300'000, .outbox = 100'000}};

struct no_sink {
    static constexpr bool checks_utf8 = false;
    void opening(auto& c, const request&) { c.accept({}); }
    void received(auto&, message) {}
    void alive(auto&) {}
    void closed(auto&, errc) {}
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }
};

BOOST_AUTO_TEST_SUITE(tcp)

BOOST_AUTO_TEST_CASE(it_keeps_the_laws) {
    boost::asio::io_context io;
    stream_test::check_laws<framing::length>(io, sigfire::tcp{io, small}, 300'000, 100'000);
    stream_test::check_laws<framing::line>(io, sigfire::tcp_lines{io, small}, 300'000, 100'000);
}

BOOST_AUTO_TEST_CASE(it_keeps_the_laws_on_the_portable_loop) {
    boost::asio::io_context io;
    stream_test::check_laws<framing::length>(io, transport::basic_tcp<detail::loop_wait>{io, small}, 300'000,
                                             100'000);
}

BOOST_AUTO_TEST_CASE(the_address_is_the_bound_one) {
    boost::asio::io_context io;
    no_sink sink;
    sigfire::tcp::engine<int, no_sink> engine{sigfire::tcp{io, {.address = "::1"}}, sink};
    BOOST_TEST(engine.address() == "tcp://[::1]:0");
    error_code ec;
    engine.open(ec);
    if (ec) return; // a machine without IPv6
    BOOST_TEST(engine.address().starts_with("tcp://[::1]:"));
    BOOST_TEST(engine.address() != "tcp://[::1]:0");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
