// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/tcp.hpp>

#include <sigfire/net/engine/loop_wait.hpp>
#include <sigfire/net/websocket.hpp>

#include "support/stream_peer.hpp"
#include "support/transport_laws.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

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

// The descriptor of this process at the other end of `s`, or -1.
int other_end(const boost::asio::ip::tcp::socket& s) {
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in far{};
        socklen_t size = sizeof far;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&far), &size) == 0 && far.sin_family == AF_INET &&
            ntohs(far.sin_port) == s.local_endpoint().port())
            return fd;
    }
    return -1;
}

// The system notices a machine that has gone within twice `seconds`, even on wires without pings.
template <class Transport>
void check_probes(boost::asio::io_context& io, Transport t, int seconds) {
    no_sink sink;
    typename Transport::template engine<int, no_sink> engine{std::move(t), sink};
    error_code ec;
    engine.open(ec);
    BOOST_TEST_REQUIRE(!ec);
    boost::asio::ip::tcp::socket s{io};
    const auto to = stream_test::endpoint_of(engine.address());
    boost::asio::ip::tcp::endpoint where;
    std::memcpy(where.data(), to.data(), to.size());
    s.connect(where);
    int fd = -1;
    for (int i = 0; fd < 0 && i < 5000; ++i) {
        io.run_for(std::chrono::milliseconds{1});
        fd = other_end(s);
    }
    BOOST_TEST_REQUIRE(fd >= 0);
    const auto value = [&](int level, int option) {
        int v = 0;
        socklen_t size = sizeof v;
        BOOST_TEST(::getsockopt(fd, level, option, &v, &size) == 0);
        return v;
    };
    BOOST_TEST(value(SOL_SOCKET, SO_KEEPALIVE) == 1);
#ifdef TCP_USER_TIMEOUT
    BOOST_TEST(value(IPPROTO_TCP, TCP_KEEPIDLE) == seconds);
    BOOST_TEST(value(IPPROTO_TCP, TCP_KEEPINTVL) * value(IPPROTO_TCP, TCP_KEEPCNT) == seconds);
    BOOST_TEST(value(IPPROTO_TCP, TCP_USER_TIMEOUT) == 2000 * seconds);
#endif
}

BOOST_AUTO_TEST_CASE(the_system_looks_for_a_machine_that_has_gone) {
    boost::asio::io_context io;
    check_probes(io, sigfire::tcp{io}, 30);
    const stream_limits often{.ping_interval = std::chrono::seconds{6}};
    check_probes(io, sigfire::tcp{io, {.limits = often}}, 6);
    check_probes(io, sigfire::tcp_lines{io, {.limits = often}}, 6);
    check_probes(io, transport::basic_tcp<detail::loop_wait>{io, {.limits = often}}, 6);
    check_probes(io, sigfire::websocket{io, {.limits = often}}, 6);
    // a socket of the service manager
    boost::asio::ip::tcp::acceptor passed{io, {boost::asio::ip::address_v4::loopback(), 0}};
    check_probes(io, sigfire::tcp{io, {.descriptor = passed.release(), .limits = often}}, 6);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
