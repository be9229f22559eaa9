// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/tls.hpp>

#include "support/client_world.hpp"
#include "support/tls_world.hpp"

#include <sigfire/net/tcp.hpp>
#include <sigfire/net/tls.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::client_tls, sigfire::client_tls_options, sigfire::tls_options;
using sigfire::tls_verify;
using tls_world::identity, tls_world::localhost, tls_world::root;

std::string failure;

client_options trusting(client_tls_options o = {}) {
    failure.clear();
    if (o.ca.empty()) o.ca = root().certificate();
    o.on_failure = [](std::string_view why) { failure = why; };
    client_options out;
    out.tls = client_tls(std::move(o));
    return out;
}

const tls_options served{.certificates = {localhost().served()}};

struct fixture {
    ~fixture() { std::filesystem::remove(path); }
    asio::io_context io;
    std::string path = "/tmp/sigfire-client-tls-" + std::to_string(::getpid()) + ".sock";
};

BOOST_AUTO_TEST_SUITE(client_tls_)

BOOST_FIXTURE_TEST_CASE(clients_reach_each_other_on_every_wire, fixture) {
    const auto talk = [&](auto transport) {
        sigfire::server srv{std::move(transport)};
        client a{io, trusting()}, b{io, trusting()};
        BOOST_TEST_CONTEXT(srv.address()) {
            BOOST_TEST(connect(io, a, srv.address()).first == error_code{});
            BOOST_TEST(connect(io, b, srv.address()).first == error_code{});
            const std::string large = '"' + std::string(200'000, 'x') + '"';
            BOOST_TEST(code(io, a.send(std::string{b.id()}, "offer", R"({"offer":)" + large + '}')) ==
                       error_code{});
            const auto [ec, in] = receive(io, b);
            BOOST_TEST(ec == error_code{});
            BOOST_TEST((in.data == R"({"offer":)" + large + '}'));
            for (int i = 0; i < 400; ++i)
                a.send(std::string{b.id()}, "ice", R"({"candidate":1})")([](error_code) {});
            for (int i = 0; i < 400; ++i) BOOST_TEST(receive(io, b).second.command == "ice");
            BOOST_TEST(code(io, a.close()) == error_code{});
            srv.post([id = std::string{b.id()}](auto& hub) { hub.close(id, errc::denied); });
            BOOST_TEST(receive(io, b).first.failed());
        }
    };
    talk(sigfire::tls{sigfire::websocket{io}, served});
    talk(sigfire::tls{sigfire::tcp{io}, served});
    talk(sigfire::tls{sigfire::unix_socket{io, {.path = path}}, served});
}

BOOST_FIXTURE_TEST_CASE(without_tls_the_error_names_the_header_to_include, fixture) {
    client c{io};
    for (const char* url : {"wss://localhost", "tls+tcp://localhost:1"}) {
        const auto ec = connect(io, c, url).first;
        BOOST_TEST(ec == errc::no_tls);
        BOOST_TEST(ec.message().find("client/tls.hpp") != std::string::npos);
    }
}

BOOST_FIXTURE_TEST_CASE(a_server_that_cannot_be_trusted, fixture) {
    const identity other{"Other Root"}, forged{"localhost", &other, {"IP:127.0.0.1"}},
        elsewhere{"elsewhere", &root(), {"DNS:elsewhere"}},
        old{"localhost", &root(), {"IP:127.0.0.1"}, -3600};
    const struct {
        const identity& server;
        client_tls_options options;
        const char* why;
    } rows[] = {
        {localhost(), {}, ""},
        {forged, {}, "unable to get local issuer certificate"},
        {forged, {.ca = other.certificate()}, ""},
        {forged, {.verify = false}, ""},
        {elsewhere, {}, "IP address mismatch"},
        {elsewhere, {.server_name = "elsewhere"}, ""},
        {elsewhere, {.server_name = "nowhere"}, "hostname mismatch"},
        {elsewhere, {.verify = false}, ""},
        {old, {}, "certificate has expired"},
    };
    for (const auto& row : rows) {
        sigfire::server srv{sigfire::tls{sigfire::websocket{io}, {.certificates = {row.server.served()}}}};
        client c{io, trusting(row.options)};
        const auto ec = connect(io, c, srv.address()).first;
        BOOST_TEST(ec == (*row.why ? error_code{errc::tls_failed} : error_code{}));
        BOOST_TEST(failure == row.why);
    }
    // The system does not trust us.
    sigfire::server srv{sigfire::tls{sigfire::websocket{io}, served}};
    client_options system;
    system.tls = client_tls();
    client c{io, system};
    BOOST_TEST(connect(io, c, srv.address()).first == errc::tls_failed);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_has_to_prove_itself, fixture) {
    const identity robot{"robot-7", &root()};
    struct only_robots {
        std::vector<std::string>* seen;
        errc on_admit(const sigfire::request& r, sigfire::admission&) {
            seen->emplace_back(r.peer_subject);
            return r.secure ? errc::ok : errc::denied;
        }
    };
    std::vector<std::string> seen;
    auto o = served;
    o.verify = tls_verify::required;
    o.ca = root().certificate();
    sigfire::server srv{sigfire::tls{sigfire::tcp{io}, o}, sigfire::hooks{only_robots{&seen}}};
    client good{io, trusting({.certificate = robot.certificate(), .key = robot.key()})};
    BOOST_TEST(connect(io, good, srv.address()).first == error_code{});
    client nobody{io, trusting()};
    BOOST_TEST(connect(io, nobody, srv.address()).first.failed());
    BOOST_TEST(seen == std::vector<std::string>{"CN=robot-7,O=Example"});
}

// A server with tickets, in memory.
bool resumed(const sigfire::detail::client_security& security, const std::string& host) {
    static const auto context = [] {
        auto c = sigfire::detail::make_context(TLS_server_method());
        sigfire::detail::use_certificate(c.get(), localhost().certificate(), localhost().key());
        return c;
    }();
    sigfire::detail::tls_wire wire;
    sigfire::detail::tls_session server{context.get(), wire, true};
    const auto client = security.begin(host, true);
    std::string to_server, said(40'000, '\0');
    client->receive({}, said, to_server);
    for (int i = 0; i < 4; ++i) {
        server.receive(wire, to_server, {said.data(), said.size()});
        to_server.clear();
        const auto to_client = std::exchange(wire.out, {});
        std::string plain;
        client->receive(to_client, plain, to_server);
    }
    BOOST_TEST(server.established());
    return SSL_session_reused(server.native()) == 1;
}

BOOST_AUTO_TEST_CASE(the_next_handshake_with_a_server_is_a_short_one) {
    const auto security = client_tls({.ca = root().certificate()});
    BOOST_TEST(!resumed(*security, "localhost"));
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(resumed(*security, "localhost")); // each ticket once, each brings a next
    BOOST_TEST(!resumed(*security, "127.0.0.1"));    // a name of its own
    BOOST_TEST(resumed(*security, "127.0.0.1"));
    BOOST_TEST(!resumed(*client_tls({.ca = root().certificate()}), "localhost"));
}

BOOST_AUTO_TEST_CASE(tickets_are_bounded_and_each_is_good_for_one_connection) {
    using sigfire::detail::session_ptr;
    sigfire::detail::tls_tickets tickets;
    BOOST_TEST(!tickets.take("a"));
    for (std::size_t i = 0; i < 2 * tickets.most; ++i)
        tickets.put(std::to_string(i), session_ptr{SSL_SESSION_new()});
    std::size_t kept = 0;
    for (std::size_t i = 0; i < 2 * tickets.most; ++i) kept += tickets.take(std::to_string(i)) != nullptr;
    BOOST_TEST(kept == tickets.most);
    for (std::size_t i = 0; i < 2 * tickets.most; ++i) BOOST_TEST(!tickets.take(std::to_string(i)));
}

BOOST_FIXTURE_TEST_CASE(certificates_are_replaced_under_connections_that_stand, fixture) {
    const auto file = path + ".pem";
    const auto write = [&](const identity& i) { std::ofstream{file} << i.certificate() << i.key(); };
    const identity next{"next", &root(), {"DNS:next"}};
    write(localhost());
    sigfire::tls description{sigfire::websocket{io}, {.certificates = {{file}}}};
    sigfire::server srv{description};
    client stays{io, trusting()}, late{io, trusting({.server_name = "next"})};
    BOOST_TEST(connect(io, stays, srv.address()).first == error_code{});
    BOOST_TEST(connect(io, late, srv.address()).first == errc::tls_failed);
    write(next);
    description.reload();
    BOOST_TEST(connect(io, late, srv.address()).first == error_code{});
    BOOST_TEST(code(io, stays.send(std::string{late.id()}, "ice", R"({"candidate":1})")) == error_code{});
    std::filesystem::remove(file);
}

BOOST_FIXTURE_TEST_CASE(servers_without_tls_and_broken_ones, fixture) {
    sigfire::server plain{sigfire::websocket{io}};
    auto url = plain.address();
    url.replace(0, 2, "wss");
    client c{io, trusting()};
    BOOST_TEST(connect(io, c, url).first == errc::tls_failed);
    // The wire ends without a goodbye: something may be missing.
    asio::ip::tcp::acceptor breaks{io, {asio::ip::address_v4::loopback(), 0}};
    asio::ip::tcp::socket broken{io};
    breaks.async_accept(broken, [&](error_code) {
        asio::write(broken, asio::buffer("\x16\x03\x03", 3)); // half a record
        broken.shutdown(broken.shutdown_send);
    });
    client d{io, trusting()};
    url = "tls+tcp://127.0.0.1:" + std::to_string(breaks.local_endpoint().port());
    BOOST_TEST(connect(io, d, url).first == errc::lost);
}

BOOST_AUTO_TEST_CASE(a_ca_file_of_no_use_is_named) {
    BOOST_CHECK_EXCEPTION(
        static_cast<void>(client_tls({.ca = "/nowhere.pem"})), std::runtime_error, [](const auto& e) {
            return std::string{e.what()} == "sigfire: TLS CA '/nowhere.pem': No such file or directory";
        });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
