// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/tcp_bind.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(tcp_bind)

BOOST_AUTO_TEST_CASE(host_and_port_as_in_a_url) {
    BOOST_TEST(detail::host_port("127.0.0.1", 80) == "127.0.0.1:80");
    BOOST_TEST(detail::host_port("localhost", 0) == "localhost:0");
    BOOST_TEST(detail::host_port("::1", 65'535) == "[::1]:65535");
}

BOOST_AUTO_TEST_CASE(addresses_as_numbers) {
    const auto text = [](const char* address) {
        return detail::numeric_address(detail::socket_address(boost::asio::ip::make_address(address), 1));
    };
    BOOST_TEST(text("192.0.2.1") == "192.0.2.1");
    BOOST_TEST(text("2001:db8::1") == "2001:db8::1");
    BOOST_TEST(text("::ffff:192.0.2.1") == "192.0.2.1");
    BOOST_TEST(detail::numeric_address({}) == "");
}

BOOST_AUTO_TEST_CASE(addresses_of_sockets) {
    for (const auto* text : {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%7"}) {
        const boost::asio::ip::tcp::endpoint e{boost::asio::ip::make_address(text), 3003};
        const auto s = detail::socket_address(e.address(), 3003);
        BOOST_TEST(std::memcmp(&s, e.data(), e.size()) == 0, text);
        BOOST_TEST((detail::ip_address(s) == e.address()), text);
    }
}

BOOST_AUTO_TEST_CASE(a_bound_address_can_be_read_back) {
    boost::asio::io_context io;
    detail::stream_acceptor a{io};
    BOOST_TEST(detail::bound_address(a) == "");
    error_code ec;
    detail::tcp_bind(a, "localhost", 0, false, ec);
    BOOST_TEST_REQUIRE(!ec);
    BOOST_TEST(a.non_blocking());
    const auto address = detail::bound_address(a);
    BOOST_TEST(address.starts_with("127.0.0.1:"));
    BOOST_TEST(address != "127.0.0.1:0");
}

BOOST_AUTO_TEST_CASE(a_failure_leaves_the_acceptor_closed) {
    boost::asio::io_context io;
    for (const char* host : {"not an address", "192.0.2.1"}) {
        detail::stream_acceptor a{io};
        error_code ec;
        detail::tcp_bind(a, host, 0, false, ec);
        BOOST_TEST(ec.failed());
        BOOST_TEST(!a.is_open());
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
