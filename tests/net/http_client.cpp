// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http_client.hpp>

#include "support/tls_world.hpp"
#include "support/web_server.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace sigfire;
using namespace std::chrono_literals;
using asio::ip::tcp;
using tls_world::identity, tls_world::localhost, tls_world::root;
using web_world::web;

http_client_options direct() {
    http_client_options o;
    o.proxies.emplace();
    o.ca = root().certificate();
    return o;
}

struct fixture {
    asio::io_context io;

    // Runs the loop until `done` is true.
    void until(const std::function<bool()>& done) {
        for (io.restart(); !done();) BOOST_TEST_REQUIRE(io.run_one_for(10s) != 0u);
    }
    std::pair<error_code, http_answer> fetch(http_client& c, http_request r) {
        std::optional<std::pair<error_code, http_answer>> out;
        c.fetch(std::move(r), [&](error_code ec, http_answer a) { out.emplace(ec, std::move(a)); });
        BOOST_TEST(!out.has_value()); // never inside of the call
        until([&] { return out.has_value(); });
        return *std::move(out);
    }
    error_code code(http_client& c, http_request r) { return fetch(c, std::move(r)).first; }
};

BOOST_FIXTURE_TEST_SUITE(http_client_, fixture)

BOOST_AUTO_TEST_CASE(a_request_and_its_answer) {
    web server{io};
    server.script = {
        "HTTP/1.1 404 No\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\nRetry-After: 7\r\n\r\nhello"};
    http_client c{io, direct()};
    const auto [ec, a] = fetch(c, {.url = server.url(),
                                   .method = "POST",
                                   .body = "body",
                                   .content_type = "text/plain",
                                   .headers = {{"X-Mine", "yes"}, {"User-Agent", "me"}}});
    BOOST_TEST(!ec, ec.message());
    BOOST_TEST(a.status == 404u);
    BOOST_TEST(a.body == "hello");
    BOOST_TEST(a["X-a"] == "1");
    BOOST_TEST(a["nothing"] == "");
    BOOST_TEST((a.retry_after() == 7s));
    BOOST_TEST(!a.redirects());
    const auto& said = server.heard.at(0);
    BOOST_TEST(
        said.starts_with("POST /x?y HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"),
        said);
    for (const std::string line : {"Content-Type: text/plain\r\n", "X-Mine: yes\r\n", "User-Agent: me\r\n",
                                   "Content-Length: 4\r\n", "\r\n\r\nbody"})
        BOOST_TEST(said.find(line) != said.npos, said);
}

BOOST_AUTO_TEST_CASE(a_connection_carries_many_requests) {
    web server{io};
    server.script = {web::ok("1"),
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n",
                     "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + web::ok("3"),
                     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                     web::ok("5", "Keep-Alive: timeout=1\r\n"),
                     web::ok("6", "Connection: close\r\n"),
                     "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n7"};
    http_client c{io, direct()};
    const auto get = [&](const std::string& method = "GET") {
        return fetch(c, {.url = server.url(), .method = method}).second.body;
    };
    BOOST_TEST((get() == "1" && get() == "2" && get() == "3" && get("HEAD") == "" && get() == "5"));
    BOOST_TEST(server.accepted == 1u);
    BOOST_TEST(get() == "6"); // one second from the server is too short to keep a connection
    BOOST_TEST(server.accepted == 2u);
    BOOST_TEST(get() == "7"); // the end of the connection ends the answer
    BOOST_TEST(server.accepted == 3u);
    BOOST_TEST(c.connections() == 0u);
}

BOOST_AUTO_TEST_CASE(no_redirection_is_followed) {
    web server{io};
    server.script = {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    http_client c{io, direct()};
    const auto [ec, a] = fetch(c, {.url = server.url()});
    BOOST_TEST((!ec && a.status == 302 && a.redirects() && a["Location"] == "http://127.0.0.1:1/"));
    BOOST_TEST(server.heard.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_connection_that_ended_unseen_is_replaced_for_idempotent_requests) {
    for (const bool may : {true, false}) {
        web server{io};
        server.script = {web::ok("1"), "", web::ok("2"), ""};
        http_client c{io, direct()};
        BOOST_TEST(fetch(c, {.url = server.url()}).second.body == "1");
        const auto [ec, a] = fetch(c, {.url = server.url(), .method = "POST", .idempotent = may});
        BOOST_TEST((ec == (may ? error_code{} : errc::lost)), ec.message());
        BOOST_TEST(a.body == (may ? "2" : ""));
        if (!may) continue;
        BOOST_TEST(server.accepted == 2u);
    }
    // A new connection that ends is no stale one.
    web server{io};
    server.script = {"", web::ok("2")};
    http_client c{io, direct()};
    BOOST_TEST((code(c, {.url = server.url()}) == errc::lost));
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_ends_is_dropped) {
    web server{io};
    http_client c{io, direct()};
    BOOST_TEST(!code(c, {.url = server.url()}));
    BOOST_TEST(c.connections() == 1u);
    server.sockets.at(0)->close();
    until([&] { return c.connections() == 0; });
    BOOST_TEST(!code(c, {.url = server.url(), .method = "POST"}));
    BOOST_TEST(server.accepted == 2u);
    c.close_idle();
    BOOST_TEST(c.connections() == 0u);
}

BOOST_AUTO_TEST_CASE(answers_are_bounded) {
    web server{io};
    auto o = direct();
    o.header = 1000, o.body = 100;
    const std::string long_header = "X: " + std::string(2000, 'x') + "\r\n";
    server.script = {web::ok(std::string(100, 'x')),
                     web::ok(std::string(101, 'x')),
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
                         "\r\n0\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
                     "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'),
                     web::ok("", long_header)};
    http_client c{io, o};
    BOOST_TEST(!code(c, {.url = server.url()}));
    for (int i = 0; i < 4; ++i) BOOST_TEST((code(c, {.url = server.url()}) == errc::too_large), i);
    BOOST_TEST((code(c, {.url = server.url()}) == errc::header_too_large));
    BOOST_TEST(c.connections() == 0u); // the rest of an answer that is too large is not read
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_named_so) {
    web server{io};
    http_client c{io, direct()};
    server.script = {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 Other\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"};
    for (int i = 0; i < 10; ++i) server.script.push_back("HTTP/1.1 100 Go on\r\n\r\n");
    for (int i = 0; i < 3; ++i) BOOST_TEST((code(c, {.url = server.url()}) == errc::protocol_violation), i);
    std::string hints;
    for (int i = 0; i < 9; ++i) hints += "HTTP/1.1 103 Early\r\n\r\n";
    server.script.at(3) = hints;
    BOOST_TEST((code(c, {.url = server.url()}) == errc::protocol_violation)); // hints without end
    server.script.at(4) = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe";
    BOOST_TEST((code(c, {.url = server.url()}) == errc::lost));
}

BOOST_AUTO_TEST_CASE(wrong_requests_are_not_sent) {
    web server{io};
    http_client c{io, direct()};
    BOOST_TEST((code(c, {.url = "ftp://x"}) == errc::bad_url));
    const std::vector<http_request> wrong{
        {.url = server.url(), .method = "A B"},
        {.url = server.url(), .method = ""},
        {.url = server.url(), .method = "CONNECT"},
        {.url = server.url(), .content_type = "a\r\nX: y"},
        {.url = server.url(), .headers = {{"X", "a\nb"}}},
        {.url = server.url(), .headers = {{"X:", "a"}}},
        {.url = server.url(), .headers = {{"content-length", "3"}}},
        {.url = server.url(), .headers = {{"Transfer-Encoding", "chunked"}}}};
    for (const auto& r : wrong) BOOST_TEST((code(c, r) == errc::malformed));
    BOOST_TEST(server.accepted == 0u);
}

BOOST_AUTO_TEST_CASE(requests_wait_for_connections_and_a_full_queue_says_so) {
    web server{io};
    auto o = direct();
    o.connections = 1, o.waiting = 1;
    http_client c{io, o};
    std::vector<std::string> ends;
    for (int i = 0; i < 3; ++i)
        c.fetch({.url = server.url()}, [&, i](error_code ec, const http_answer& a) {
            ends.push_back(std::to_string(i) + ' ' + (ec ? ec.message() : a.body));
        });
    until([&] { return ends.size() == 3; });
    const std::vector<std::string> expected{"2 Peer Cannot Take More", "0 late", "1 late"};
    BOOST_CHECK_EQUAL_COLLECTIONS(ends.begin(), ends.end(), expected.begin(), expected.end());
    BOOST_TEST((server.accepted == 1u && c.pending() == 0u));
}

BOOST_AUTO_TEST_CASE(the_time_limits) {
    // It accepts, by the queue of the system, and says nothing.
    tcp::acceptor silent{io, {asio::ip::make_address("127.0.0.1"), 0}};
    const auto at = "127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + '/';
    const auto timed = [&](auto member, std::chrono::milliseconds t) {
        auto o = direct();
        o.*member = t;
        return http_client{io, o};
    };
    auto connect = timed(&http_client_options::connect_timeout, 20ms);
    BOOST_TEST((code(connect, {.url = "https://" + at}) == errc::connect_timeout)); // TLS is part of it
    auto response = timed(&http_client_options::response_timeout, 20ms);
    BOOST_TEST((code(response, {.url = "http://" + at}) == errc::request_timeout));
    auto whole = timed(&http_client_options::timeout, 20ms);
    BOOST_TEST((code(whole, {.url = "http://" + at}) == errc::request_timeout));
    BOOST_TEST((whole.connections() == 0u && whole.pending() == 0u));
}

BOOST_AUTO_TEST_CASE(cancelling_one_request_ends_its_connection_only) {
    web server{io};
    server.script = {"HTTP/1.1 200 OK\r\n"}; // the first answer does not end
    http_client c{io, direct()};
    asio::cancellation_signal stop;
    error_code first, second = errc::internal_error;
    c.fetch({.url = server.url()}, asio::bind_cancellation_slot(
                                       stop.slot(), [&](error_code ec, const http_answer&) { first = ec; }));
    until([&] { return server.heard.size() == 1; });
    c.fetch({.url = server.url()}, [&](error_code ec, const http_answer&) { second = ec; });
    stop.emit(asio::cancellation_type::total);
    until([&] { return first.failed() && second != errc::internal_error; });
    BOOST_TEST((first == asio::error::operation_aborted));
    BOOST_TEST(!second);
    BOOST_TEST(c.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_destroyed_client_cancels_its_requests) {
    web server{io};
    server.script = {"HTTP/1.1 200 OK\r\n"};
    std::vector<error_code> ends;
    {
        auto o = direct();
        o.connections = 1;
        http_client c{io, o};
        for (int i = 0; i < 2; ++i)
            c.fetch({.url = server.url()}, [&](error_code ec, const http_answer&) { ends.push_back(ec); });
        until([&] { return server.heard.size() == 1; });
        BOOST_TEST(ends.empty());
    }
    until([&] { return ends.size() == 2; });
    for (const auto& ec : ends) BOOST_TEST((ec == asio::error::operation_aborted));
    // An operation that is started after its client.
    std::optional<http_client> gone{std::in_place, io, direct()};
    auto later = gone->fetch({.url = server.url()});
    gone.reset();
    std::move(later)([&](error_code ec, const http_answer&) { ends.push_back(ec); });
    until([&] { return ends.size() == 3; });
    BOOST_TEST((ends.back() == asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(tls_verifies_the_chain_and_the_name) {
    web server{io, &localhost()};
    http_client c{io, direct()};
    const auto [ec, a] = fetch(c, {.url = server.url("localhost")});
    BOOST_TEST(!ec, ec.message());
    BOOST_TEST(server.name == "localhost");
    BOOST_TEST(!code(c, {.url = server.url()})); // an address in the certificate
    BOOST_TEST(!code(c, {.url = server.url()}));
    BOOST_TEST(server.accepted == 2u);

    const identity stranger{"Other Root"}, forged{"localhost", &stranger, {"DNS:localhost"}},
        other{"other", &root(), {"DNS:other"}};
    for (const auto* who : {&forged, &other}) {
        web impostor{io, who};
        std::string why;
        auto o = direct();
        o.on_tls_failure = [&](std::string_view text) { why = text; };
        http_client careful{io, o};
        BOOST_TEST((code(careful, {.url = impostor.url("localhost")}) == errc::tls_failed));
        BOOST_TEST(why == (who == &forged ? "unable to get local issuer certificate" : "hostname mismatch"));
        o.verify = false;
        http_client careless{io, o};
        BOOST_TEST(!code(careless, {.url = impostor.url("localhost")}));
    }
    web plain{io};
    plain.greeting = "HTTP/1.1 400 Speak plainly\r\n\r\n";
    BOOST_TEST((code(c, {.url = "https://127.0.0.1:" + std::to_string(plain.port())}) == errc::tls_failed));
}

BOOST_AUTO_TEST_CASE(old_versions_of_tls_are_refused) {
    web server{io, &localhost()};
    SSL_CTX_set_min_proto_version(server.tls->native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server.tls->native_handle(), TLS1_1_VERSION);
    http_client c{io, direct()};
    BOOST_TEST((code(c, {.url = server.url("localhost")}) == errc::tls_failed));
}

BOOST_AUTO_TEST_CASE(a_proxy_for_http_gets_the_whole_url) {
    web proxy{io};
    auto o = direct();
    o.proxies = http_proxies{.http = "http://me:secret@127.0.0.1:" + std::to_string(proxy.port())};
    http_client c{io, o};
    BOOST_TEST(!code(c, {.url = "http://example.invalid/a"}));
    const auto& said = proxy.heard.at(0);
    BOOST_TEST(said.starts_with("GET http://example.invalid/a HTTP/1.1\r\nHost: example.invalid\r\n"), said);
    BOOST_TEST(said.find("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n") != said.npos, said);
}

BOOST_AUTO_TEST_CASE(a_proxy_for_https_opens_a_tunnel) {
    const identity far{"far", &root(), {"DNS:example.invalid"}};
    web proxy{io, &far};
    proxy.proxy = true;
    auto o = direct();
    o.proxies = http_proxies{.https = "http://me:secret@127.0.0.1:" + std::to_string(proxy.port())};
    http_client c{io, o};
    const auto [ec, a] = fetch(c, {.url = "https://example.invalid/a"});
    BOOST_TEST(!ec, ec.message());
    BOOST_TEST(
        proxy.tunnel.starts_with("CONNECT example.invalid:443 HTTP/1.1\r\nHost: example.invalid:443\r\n"),
        proxy.tunnel);
    BOOST_TEST(proxy.tunnel.find("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n") != std::string::npos);
    BOOST_TEST(proxy.heard.at(0).starts_with("GET /a HTTP/1.1\r\n"));
    BOOST_TEST(proxy.heard.at(0).find("Proxy-Authorization") == std::string::npos);
    for (const std::string answer :
         {"HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nearly bytes", "nonsense\r\n\r\n"}) {
        proxy.tunnel.clear();
        proxy.tunnel_answer = answer;
        http_client other{io, o};
        BOOST_TEST((code(other, {.url = "https://example.invalid/a"}) == errc::proxy_refused), answer);
    }
}

BOOST_AUTO_TEST_CASE(errors_of_the_system_are_passed_on) {
    unsigned short free_port = 0;
    {
        const tcp::acceptor probe{io, {asio::ip::make_address("127.0.0.1"), 0}};
        free_port = probe.local_endpoint().port();
    }
    http_client c{io, direct()};
    BOOST_TEST((code(c, {.url = "http://127.0.0.1:" + std::to_string(free_port)}) ==
                asio::error::connection_refused));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused) {
    auto o = direct();
    o.connections = 0;
    BOOST_CHECK_THROW((http_client{io, o}), std::invalid_argument);
    o = direct();
    o.proxies->http = "socks5://x";
    BOOST_CHECK_THROW((http_client{io, o}), std::invalid_argument);
    o = direct();
    o.ca = "/nowhere/ca.pem";
    BOOST_CHECK_THROW((http_client{io, o}), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
