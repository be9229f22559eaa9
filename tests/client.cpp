// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client.hpp>

#include "support/client_world.hpp"

#include <sigfire/net/loopback.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::literals;
namespace asio = boost::asio;
using namespace client_world;
using sigfire::client, sigfire::client_options, sigfire::errc, sigfire::error_code, sigfire::incoming;

// --- real servers -----------------------------------------------------------------------------------------

std::string socket_path() {
    return "/tmp/sigfire-client-" + std::to_string(::getpid()) + ".sock";
}

// Calls f(make) for each transport; make(io) is its description.
template <class F>
void for_each_transport(F f) {
    const auto named = [&](const char* name, auto make) { BOOST_TEST_CONTEXT(name) f(make); };
    named("websocket", [](asio::io_context& io) { return sigfire::websocket{io}; });
    named("tcp", [](asio::io_context& io) { return sigfire::tcp{io}; });
    named("tcp lines", [](asio::io_context& io) { return sigfire::tcp_lines{io}; });
    named("unix lines",
          [](asio::io_context& io) { return sigfire::unix_socket_lines{io, {.path = socket_path()}}; });
    named("unix", [](asio::io_context& io) { return sigfire::unix_socket{io, {.path = socket_path()}}; });
    named("loopback", [](asio::io_context& io) { return sigfire::loopback{io}; });
}

template <class Transport, class Server>
error_code join(asio::io_context& io, client& c, const Transport& net, const Server& server) {
    if constexpr (std::is_same_v<Transport, sigfire::loopback>)
        return std::get<0>(outcome<sigfire::welcome>(io, c.connect(net)));
    else
        return connect(io, c, server.address()).first;
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_)

BOOST_AUTO_TEST_CASE(urls) {
    using sigfire::detail::scheme;
    struct {
        std::string url;
        scheme via;
        std::string host, port, authority, target;
    } const good[] = {
        {"ws://h", scheme::ws, "h", "80", "h", "/"},
        {"WS://h:3003", scheme::ws, "h", "3003", "h:3003", "/"},
        {"ws://h:3003/a/b?c=d", scheme::ws, "h", "3003", "h:3003", "/a/b?c=d"},
        {"ws://h?c=d/e", scheme::ws, "h", "80", "h", "/?c=d/e"},
        {"ws://[::1]:65535/", scheme::ws, "::1", "65535", "[::1]:65535", "/"},
        {"ws://[::1]", scheme::ws, "::1", "80", "[::1]", "/"},
        {"wss://h", scheme::ws, "h", "443", "h", "/"},
        {"wss://[::1]:1/x", scheme::ws, "::1", "1", "[::1]:1", "/x"},
        {"TLS+tcp://h:9", scheme::tcp, "h", "9", "h:9", "/"},
        {"line+tcp://h:9", scheme::tcp, "h", "9", "h:9", "/"},
        {"tls+line+unix:@x", scheme::unix_socket, "@x", "", "", ""},
        {"tls+unix:/run/x", scheme::unix_socket, "/run/x", "", "", ""},
        {"tcp://127.0.0.1:1", scheme::tcp, "127.0.0.1", "1", "127.0.0.1:1", "/"},
        {"tcp://[::1]:9", scheme::tcp, "::1", "9", "[::1]:9", "/"},
        {"unix:/run/x y", scheme::unix_socket, "/run/x y", "", "", ""},
    };
    for (const auto& row : good) BOOST_TEST_CONTEXT(row.url) {
            const auto url = sigfire::detail::parse_url(row.url);
            BOOST_TEST_REQUIRE(url.has_value());
            BOOST_TEST((url->via == row.via));
            BOOST_TEST(url->secure == (row.url.starts_with("wss") || row.url.starts_with("tls") ||
                                       row.url.starts_with("TLS")));
            BOOST_TEST(url->host == row.host);
            BOOST_TEST(url->port == row.port);
            BOOST_TEST(url->authority == row.authority);
            BOOST_TEST(url->target == row.target);
        }
    const std::string bad[] = {
        "",
        "h",
        "h:80",
        "tls+ws://h",
        "line+ws://h",
        "line+wss://h",
        "line+tls+tcp://h:1",
        "tls+wss://h",
        "tls+tcp://h",
        "wss:/h",
        "http://h",
        "ws:/h",
        "ws://",
        "ws:///p",
        "ws://:80",
        "ws://h:",
        "ws://h:0",
        "ws://h:65536",
        "ws://h:123456",
        "ws://h:8o",
        "ws://h:-1",
        "ws://u@h",
        "ws://h/#f",
        "ws://h/a b",
        "ws://h/\r\nX: y",
        "ws://h/\xc3\xa4",
        "ws://[::1",
        "ws://[]:1",
        "ws://[::1]1",
        "ws://::1",
        "tcp://h",
        "tcp://h:1/",
        "tcp://h:1?x",
        "tcp://:1",
        "unix:",
        "unix:" + std::string(108, 'x'),
        "unix:a\0b"s,
    };
    for (const auto& url : bad) BOOST_TEST_CONTEXT(url) {
            BOOST_TEST((sigfire::detail::parse_url(url).error() == errc::bad_url));
        }
}

BOOST_AUTO_TEST_CASE(upgrade_requests) {
    const auto url = *sigfire::detail::parse_url("ws://h:1/p?q");
    const auto key = sigfire::detail::sec_websocket_key();
    using headers = std::vector<std::pair<std::string, std::string>>;
    const auto text =
        *sigfire::detail::upgrade_request(url, key, "Signal-Fire@3", headers{{"Origin", "http://a"}});
    sigfire::detail::request_header h;
    BOOST_TEST_REQUIRE(h.parse(text));
    const auto r = h.view("");
    const std::string origins[] = {"http://a"};
    BOOST_TEST((sigfire::detail::check_upgrade(r, h.http_1_1(), origins) == errc::ok));
    BOOST_TEST(r.target == "/p?q");
    BOOST_TEST(r["Host"] == "h:1");
    BOOST_TEST(r["Sec-WebSocket-Protocol"] == "Signal-Fire@3");
    BOOST_TEST(key != sigfire::detail::sec_websocket_key());
    BOOST_TEST(sigfire::detail::upgrade_request(url, key, "", headers{})->find("Protocol") ==
               std::string::npos);
    for (const auto& bad : {headers{{"A", "b\r\nC: d"}}, headers{{"A\n", "b"}}, headers{{"A:", "b"}},
                            headers{{"", "b"}}, headers{{"A b", "c"}}, headers{{"A", "b\x7f"}}})
        BOOST_TEST((sigfire::detail::upgrade_request(url, key, "", bad).error() == errc::malformed));
    BOOST_TEST((sigfire::detail::upgrade_request(url, key, "x\ny", headers{}).error() == errc::malformed));
}

BOOST_AUTO_TEST_CASE(upgrade_responses) {
    const auto key = "dGhlIHNhbXBsZSBub25jZQ=="; // the example of RFC 6455, 1.3
    const std::string ok = "HTTP/1.1 101 X\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
                           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    const auto without = [&](std::string_view line) {
        auto s = ok;
        s.erase(s.find(line), s.find("\r\n", s.find(line)) + 2 - s.find(line));
        return s;
    };
    struct {
        std::string text;
        errc e;
    } const table[] = {
        {ok, errc::ok},
        {ok + "Sec-WebSocket-Protocol: p\r\n", errc::ok},
        {ok + "Sec-WebSocket-Protocol: q\r\n", errc::bad_handshake},
        {ok + "Sec-WebSocket-Protocol: p\r\nSec-WebSocket-Protocol: q\r\n", errc::bad_handshake},
        {ok + "Sec-WebSocket-Extensions: permessage-deflate\r\n", errc::bad_handshake},
        {without("Upgrade:"), errc::bad_handshake},
        {without("Connection:"), errc::bad_handshake},
        {without("Sec-WebSocket-Accept:"), errc::bad_handshake},
        {without("Sec-WebSocket-Accept:") + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
         errc::bad_handshake},
        {"HTTP/1.1 200 OK\r\n", errc::bad_handshake},
        {"HTTP/1.1 401 No\r\n", errc::denied},
        {"HTTP/1.1 403 No\r\n", errc::denied},
        {"HTTP/1.1 404 No\r\nContent-Length: 5\r\n", errc::bad_handshake},
        {"HTTP/1.1 409 No\r\n", errc::id_in_use},
        {"HTTP/1.1 429 No\r\n", errc::rate},
        {"HTTP/1.1 500 No\r\n", errc::overloaded}, // a server, or a proxy in front, that has a bad time
        {"HTTP/1.1 503 No\r\n", errc::overloaded},
        {"HTTP/1.1 599 No\r\n", errc::overloaded},
        {"SSH-2.0-x\r\n", errc::bad_handshake},
        {"HTTP/1.1 abc\r\n", errc::bad_handshake},
        {ok + "broken\r\n", errc::bad_handshake},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
            BOOST_TEST((sigfire::detail::check_response(row.text + "\r\n", key, "p") == row.e));
        }
}

BOOST_AUTO_TEST_CASE(close_codes_tell_the_cause) {
    struct {
        std::uint16_t code;
        std::string reason;
        errc e;
    } const table[] = {
        {0, "", errc::closed},
        {1000, "", errc::closed},
        {1001, "", errc::stopping},
        {1002, "", errc::protocol_violation},
        {1007, "", errc::bad_utf8},
        {1008, "", errc::flood},
        {1009, "", errc::too_large},
        {1010, "", errc::bad_handshake},
        {1011, "", errc::closed},
        {1012, "", errc::stopping},
        {1013, "", errc::overloaded},
        {1014, "", errc::overloaded},
        {3000, "", errc::closed},
        {4001, "", errc::slow_consumer},
        {4002, "", errc::pong_timeout},
        {4003, "", errc::handshake_timeout},
        {4100, "", errc::closed},
        {4400, "Bad Request", errc::malformed},
        {4400, "Missing message ID", errc::missing_id},
        {4402, "Expired", errc::expired},
        {4400, "Too Many Requests", errc::rate},
        {4400, "?", errc::denied},
        {4500, "Internal Server Error", errc::internal_error},
        {4500, "Too Many Requests", errc::rate},
        {4500, "?", errc::internal_error},
        {4599, "Denied", errc::internal_error},
        {4600, "", errc::id_in_use},
        {4601, "", errc::replaced},
        {4999, "Bad Request", errc::denied},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.code) {
            BOOST_TEST((sigfire::detail::close_cause(row.code, row.reason) == row.e));
        }
    // Our client understands our server.
    const sigfire::json codec;
    for (int i = static_cast<int>(errc::closed); i <= static_cast<int>(errc::upgrade_required); ++i) {
        const auto e = static_cast<errc>(i);
        if (e == errc::lost) continue; // never said
        const auto said = codec.end(e, {.extras = true});
        BOOST_TEST((sigfire::detail::close_cause(said.close_code, said.text) == e), sigfire::to_string(e));
    }
}

// --- against a puppet -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(does_nothing_while_not_connected) {
    asio::io_context io;
    client c{io};
    BOOST_TEST(code(io, c.send("a", "b")) == errc::not_connected);
    BOOST_TEST(code(io, c.close()) == errc::not_connected);
    BOOST_TEST(receive(io, c).first == errc::not_connected);
    BOOST_TEST(connect(io, c, "wss://h").first == errc::no_tls);
    BOOST_TEST(!c.connected());
    BOOST_TEST(c.id() == "");
    BOOST_TEST((c.get_executor() == io.get_executor()));
    client broken{io, {.headers = {{"A", "\n"}}}};
    BOOST_TEST(connect(io, broken, "ws://127.0.0.1:1").first == errc::malformed);
}

BOOST_AUTO_TEST_CASE(errors_of_the_system_come_through) {
    asio::io_context io;
    client c{io};
    std::string url;
    {
        asio::ip::tcp::acceptor a{io, {asio::ip::address_v4::loopback(), 0}};
        url = "ws://127.0.0.1:" + std::to_string(a.local_endpoint().port());
    }
    BOOST_TEST(connect(io, c, url).first == asio::error::connection_refused);
    BOOST_TEST(connect(io, c, "unix:/nonexistent/socket").first ==
               boost::system::errc::no_such_file_or_directory);
    sigfire::loopback nobody{io};
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(nobody))) ==
               asio::error::connection_refused);
    // It can be used again.
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    BOOST_TEST(c.connected());
    BOOST_TEST(connect(io, c, p.url()).first == asio::error::already_connected);
    BOOST_TEST(c.connected());
}

BOOST_AUTO_TEST_CASE(a_bad_start_has_its_cause) {
    struct {
        std::string first;
        errc e;
        int close_code; // that the server gets; 0 = none
    } const table[] = {
        {"{101}@" + std::string{R"({"id":"r1","ok":true})"}, errc::bad_welcome, 1008},
        {"{101}@nonsense", errc::bad_welcome, 1003},
        {"HTTP/1.1 403 Forbidden\r\n\r\n", errc::denied, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", errc::bad_handshake, 0},
        {"HTTP/1.1 101 X\r\nX: " + std::string(9000, 'x'), errc::header_too_large, 0},
        {std::string(9000, 'x'), errc::header_too_large, 0},
        {"{101}\x83\x01x", errc::protocol_violation, 1002},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.first.substr(0, 60)) {
            asio::io_context io;
            puppet p{io};
            p.first = row.first;
            if (const auto at = p.first.find('@'); at != std::string::npos)
                p.first.replace(at, std::string::npos, p.frame(row.first.substr(at + 1)));
            client c{io};
            BOOST_TEST(connect(io, c, p.url()).first == row.e);
            run_until(io, [&] { return p.ended; });
            BOOST_TEST((p.controls.empty() ? 0 : int{p.controls[0].code}) == row.close_code);
            BOOST_TEST(code(io, c.send("a", "b")) == errc::not_connected);
        }
}

BOOST_AUTO_TEST_CASE(the_answer_may_come_in_pieces) {
    asio::io_context io;
    puppet p{io};
    client c{io};
    operation_result done;
    c.connect(p.url(), [&](error_code ec, const sigfire::welcome&) { done = ec; });
    run_until(io, [&] { return !p.key.empty(); });
    for (const char byte : sigfire::detail::switching_protocols(p.key, "") + p.frame(hello) +
                               p.frame(R"({"cmd":"x","origin":"y"})")) {
        p.write({&byte, 1});
        io.poll();
    }
    run_until(io, [&] { return done.has_value(); });
    BOOST_TEST(*done == error_code{});
    BOOST_TEST(c.id() == "me");
    BOOST_TEST(receive(io, c).second.command == "x");
}

BOOST_AUTO_TEST_CASE(time_outs) {
    const auto begin = std::chrono::steady_clock::now();
    {
        asio::io_context io;
        puppet p{io};
        p.first = "HTTP/1.1 101 "; // and no more
        client c{io, {.connect_timeout = 20ms}};
        BOOST_TEST(connect(io, c, p.url()).first == errc::connect_timeout);
        BOOST_TEST((std::chrono::steady_clock::now() - begin >= 20ms));
    }
    {
        asio::io_context io;
        puppet p{io};
        p.first = "{101}";
        client c{io, {.welcome_timeout = 20ms}};
        BOOST_TEST(connect(io, c, p.url()).first == errc::welcome_timeout);
        run_until(io, [&] { return p.ended; });
        BOOST_TEST_REQUIRE(p.controls.size() == 1u);
        BOOST_TEST(p.controls[0].code == 1008);
    }
    {
        asio::io_context io;
        puppet p{io};
        p.first = "{101}" + p.frame(hello);
        client c{io, {.request_timeout = 20ms, .close_timeout = 20ms}};
        BOOST_TEST(connect(io, c, p.url()).first == error_code{});
        operation_result other;
        c.send("you", "one", [&](error_code ec) { other = ec; });
        BOOST_TEST(code(io, c.send("you", "two")) == errc::request_timeout);
        BOOST_TEST((other == errc::request_timeout));
        p.say(R"({"id":"r2","ok":true})"); // too late, and no harm
        operation_result again;
        c.send("you", "three", [&](error_code ec) { again = ec; });
        run_until(io, [&] { return p.got.size() == 3; });
        const auto id = p.got[2].substr(p.got[2].rfind(":\"") + 1);
        p.say(R"({"ok":true,"id":)" + id);
        run_until(io, [&] { return again.has_value(); });
        BOOST_TEST((again == error_code{}));
        BOOST_TEST(c.connected());

        BOOST_TEST(code(io, c.close()) == errc::close_timeout);
        BOOST_TEST(p.controls.at(0).code == 1000);
        run_until(io, [&] { return p.ended; });
        BOOST_TEST(!c.connected());
    }
}

BOOST_AUTO_TEST_CASE(the_end_settles_operations_under_way) {
    struct {
        bool ws;
        std::string last; // what the server says at the end
        errc e;
        int echoed;
    } const table[] = {
        {true, "\x88\x02\x03\xe9", errc::stopping, 1001},
        {true, "\x88\x02\x0f\xa1", errc::slow_consumer, 4001},
        {true, "\x88\x02\x11\xf9rest", errc::replaced, 4601},
        {true, "\x88"s + '\0', errc::closed, 0},
        {true, "\x88\x02\x03\xe8", errc::closed, 1000},
        {true, "", errc::lost, -1},
        {true, "\x81", errc::lost, -1},
        {true, "\xff\xff", errc::protocol_violation, 1002},
        {false, "", errc::closed, -1},
        {false, "\0\0"s, errc::lost, -1},
        {false, "\xff\xff\xff\xff", errc::too_large, -1},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.ws << ' ' << row.last.size() << ' ' << sigfire::to_string(row.e)) {
            asio::io_context io;
            puppet p{io, row.ws};
            p.first = (row.ws ? "{101}" : "") + p.frame(hello);
            client c{io};
            BOOST_TEST(connect(io, c, p.url()).first == error_code{});
            BOOST_TEST(c.id() == "me");
            operation_result asked;
            std::vector<error_code> received;
            c.send("you", "x", [&](error_code ec) { asked = ec; });
            run_until(io, [&] { return p.got.size() == 1; });
            p.write(p.frame(R"({"cmd":"a","origin":"b"})") + p.frame(R"({"cmd":"c","origin":"d"})") +
                    row.last);
            error_code ignored;
            p.socket.shutdown(p.socket.shutdown_send, ignored);
            run_until(io, [&] { return asked.has_value(); });
            BOOST_TEST(*asked == row.e);
            BOOST_TEST(!c.connected());
            // Messages from before the end are still there.
            BOOST_TEST(receive(io, c).second.from == "b");
            BOOST_TEST(receive(io, c).second.from == "d");
            BOOST_TEST(receive(io, c).first == row.e);
            BOOST_TEST(receive(io, c).first == row.e);
            BOOST_TEST(code(io, c.send("you", "x")) == errc::not_connected);
            run_until(io, [&] { return p.ended; });
            BOOST_TEST((p.controls.empty() ? -1 : int{p.controls[0].code}) == row.echoed);
        }
}

BOOST_AUTO_TEST_CASE(pings_are_answered) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.control_frame(sigfire::control::ping, 0, "early") + p.frame(hello);
    client c{io};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    p.write(p.control_frame(sigfire::control::ping, 0, "late") +
            p.control_frame(sigfire::control::pong, 0, "?"));
    run_until(io, [&] { return p.controls.size() == 2; });
    BOOST_TEST((p.controls[0].what == sigfire::control::pong));
    BOOST_TEST(p.controls[0].text == "early");
    BOOST_TEST(p.controls[1].text == "late");
}

BOOST_AUTO_TEST_CASE(a_full_inbox_stops_reading) {
    for (const bool ws : {true, false}) {
        asio::io_context io;
        puppet p{io, ws};
        p.first = (ws ? "{101}" : "") + p.frame(hello);
        client c{io, {.request_timeout = 30ms, .inbox = 2}};
        BOOST_TEST(connect(io, c, p.url()).first == error_code{});
        std::string burst;
        for (int i = 0; i < 20; ++i)
            burst += p.frame(R"({"cmd":")" + std::to_string(i) + R"(","origin":"y"})");
        // More than all buffers between the two take: only backpressure can have it not end.
        const auto large =
            p.frame(R"({"cmd":"large","origin":"y","data":")" + std::string(1 << 19, 'x') + "\"}");
        for (int i = 0; i < 40; ++i) burst += large;
        bool sent = false;
        asio::async_write(p.socket, asio::buffer(burst), [&](error_code, std::size_t) { sent = true; });
        BOOST_TEST(code(io, c.send("you", "x")) == errc::request_timeout); // its reply would stand behind
        BOOST_TEST(!sent);
        for (int i = 0; i < 20; ++i) {
            const auto [ec, in] = receive(io, c);
            BOOST_TEST(ec == error_code{});
            BOOST_TEST(in.command == std::to_string(i));
        }
        for (int i = 0; i < 40; ++i) BOOST_TEST(receive(io, c).second.data.size() == (1u << 19) + 2);
        run_until(io, [&] { return sent; });
        BOOST_TEST(c.connected());
        // Closing does not wait for anybody to receive.
        p.write(burst.substr(0, burst.size() - 40 * large.size()));
        while (io.poll() != 0) continue;
        operation_result closed;
        c.close([&](error_code ec) { closed = ec; });
        run_until(io, [&] { return ws ? !p.controls.empty() : p.ended; });
        if (ws) p.write(p.control_frame(sigfire::control::close, 1000, ""));
        p.socket.close();
        run_until(io, [&] { return closed.has_value(); });
        BOOST_TEST((closed == error_code{}));
        BOOST_TEST(receive(io, c).second.command == "0");
        BOOST_TEST(receive(io, c).second.command == "1");
        BOOST_TEST(receive(io, c).first == errc::closed);
    }
}

BOOST_AUTO_TEST_CASE(requests_are_refused_while_too_much_waits) {
    asio::io_context io;
    puppet p{io, false};
    p.first = p.frame(hello);
    client c{io, {.outbox = 100'000}};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    const auto data = '"' + std::string(60'000, 'x') + '"';
    std::vector<error_code> refused;
    for (int i = 0; i < 3; ++i) c.send("you", "x", data, [&](error_code ec) { refused.push_back(ec); });
    BOOST_TEST(code(io, c.send("you", "x", std::string(1 << 20, ' ') + "1")) != errc::too_large);
    BOOST_TEST_REQUIRE(!refused.empty());
    BOOST_TEST(refused[0] == errc::full);
    run_until(io, [&] { return p.got.size() == 2; });
    BOOST_TEST(code(io, c.send("you", "x", '"' + std::string(1 << 20, 'x') + '"')) == errc::too_large);
    BOOST_TEST(code(io, c.send("you", "x", "{")) == errc::malformed);
    BOOST_TEST(c.connected());
}

// --- cancellation and destruction -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(operations_can_be_cancelled) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    client c{io};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    asio::cancellation_signal signal, other_signal;
    operation_result first, second, other;

    const auto noting = [](operation_result& r) { return [&r](error_code ec, auto&&...) { r = ec; }; };
    c.receive(asio::bind_cancellation_slot(signal.slot(), noting(first)));
    c.receive(asio::bind_cancellation_slot(other_signal.slot(), noting(second)));
    signal.emit(asio::cancellation_type::total);
    BOOST_TEST(!first);
    run_until(io, [&] { return first.has_value(); });
    BOOST_TEST((first == aborted));
    p.say(R"({"cmd":"x","origin":"y"})"); // goes to the operation that still waits
    run_until(io, [&] { return second.has_value(); });
    BOOST_TEST((second == error_code{}));
    other_signal.emit(asio::cancellation_type::terminal); // too late
    signal.emit(asio::cancellation_type::terminal);

    first = second = {};
    c.send("you", "a", asio::bind_cancellation_slot(signal.slot(), noting(first)));
    c.send("you", "b", noting(other));
    signal.emit(asio::cancellation_type::total); // that cannot be promised: it has been sent
    run_until(io, [&] { return p.got.size() == 2; });
    io.poll();
    BOOST_TEST(!first);
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return first.has_value(); });
    BOOST_TEST((first == aborted));
    for (const auto& text : p.got) p.say(R"({"ok":true,"id":)" + text.substr(text.rfind(":\"") + 1));
    run_until(io, [&] { return other.has_value(); });
    BOOST_TEST((other == error_code{}));

    first = {};
    c.close(asio::bind_cancellation_slot(signal.slot(), noting(first)));
    io.poll();
    BOOST_TEST(!first);
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return first.has_value(); });
    BOOST_TEST((first == aborted));
    BOOST_TEST(!c.connected());
    run_until(io, [&] { return p.ended; });

    puppet silent{io};
    first = {};
    c.connect(silent.url(), asio::bind_cancellation_slot(signal.slot(), noting(first)));
    run_until(io, [&] { return !silent.key.empty(); });
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return first.has_value(); });
    BOOST_TEST((first == aborted));
    run_until(io, [&] { return silent.ended; });

    puppet again{io};
    operation_result connecting, closing;
    c.connect(again.url(), noting(connecting));
    run_until(io, [&] { return !again.key.empty(); });
    c.close(noting(closing));
    run_until(io, [&] { return connecting && closing; });
    BOOST_TEST((connecting == errc::closed));
    BOOST_TEST((closing == error_code{}));
}

BOOST_AUTO_TEST_CASE(a_destroyed_client_aborts_its_operations) {
    asio::io_context io;
    puppet p{io}, silent{io};
    p.first = "{101}" + p.frame(hello);
    operation_result connecting, asked, received, late;
    const auto noting = [](operation_result& r) { return [&r](error_code ec, auto&&...) { r = ec; }; };
    {
        std::optional<client> c{std::in_place, io};
        BOOST_TEST(connect(io, *c, p.url()).first == error_code{});
        client d{io};
        d.connect(silent.url(), noting(connecting));
        run_until(io, [&] { return !silent.key.empty(); });
        c->send("you", "x", noting(asked));
        c->receive(noting(received));
        run_until(io, [&] { return p.got.size() == 1; });
        auto operation = c->send("you", "y");
        c.reset();
        std::move(operation)(noting(late));
    }
    BOOST_TEST(!asked);
    run_until(io, [&] { return connecting && asked && received && late; });
    for (const auto& r : {connecting, asked, received, late}) BOOST_TEST((r == aborted));
    run_until(io, [&] { return p.ended && silent.ended; });
    BOOST_TEST_REQUIRE(p.controls.size() == 1u); // goes away politely
    BOOST_TEST(p.controls[0].code == 1001);
    p.acceptor.close();
    silent.acceptor.close();
    BOOST_TEST(io.poll() == 0u);
    BOOST_TEST(io.stopped()); // nothing is left

    // A context that ends first takes the handlers with it.
    const auto held = std::make_shared<int>();
    {
        asio::io_context other;
        puppet q{other};
        client c{other};
        c.connect(q.url(), [held](error_code, const sigfire::welcome&) {});
        run_until(other, [&] { return !q.key.empty(); });
    }
    BOOST_TEST(held.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_client_can_be_moved_with_operations_under_way) {
    asio::io_context io;
    const sigfire::loopback net{io};
    sigfire::server srv{net};
    std::optional<client> a{io}, b{io};
    for (auto* c : {&*a, &*b})
        BOOST_TEST_REQUIRE(!std::get<0>(outcome<sigfire::welcome>(io, c->connect(net))));
    const std::string id{a->id()};
    operation_result got;
    a->receive()([&](error_code ec, const incoming& in) {
        got = ec;
        BOOST_TEST(in.command == "offer");
    });
    client moved{std::move(*a)};
    a.reset();
    BOOST_TEST(moved.connected());
    BOOST_TEST(moved.id() == id);
    BOOST_TEST(!code(io, b->send(id, "offer", R"({"offer":1})")));
    run_until(io, [&] { return got.has_value(); });
    BOOST_TEST(!*got);

    // The connection of the one that is assigned to goes.
    operation_result lost;
    moved.receive()([&](error_code ec, const incoming&) { lost = ec; });
    auto& same = moved;
    moved = std::move(same);
    BOOST_TEST(moved.connected());
    moved = std::move(*b);
    run_until(io, [&] { return lost.has_value(); });
    BOOST_TEST((*lost == aborted));
    BOOST_TEST(code(io, moved.send(id, "offer", R"({"offer":1})")) == errc::unknown);
    *b = client{io};
    BOOST_TEST(!b->connected());
}

BOOST_AUTO_TEST_CASE(completes_on_the_executor_of_the_handler) {
    asio::io_context io, other;
    client c{asio::make_strand(io)};
    bool done = false;
    c.send("a", "b", asio::bind_executor(other, [&](error_code) { done = true; }));
    io.run();
    BOOST_TEST(!done);
    other.run();
    BOOST_TEST(done);
}

// --- against real servers ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(two_clients_exchange_an_offer_and_an_answer) {
    for_each_transport([](auto make) {
        asio::io_context io;
        const auto net = make(io);
        sigfire::server server{net, sigfire::json{{.rtc_configuration = R"({"iceServers":[]})"}}};
        client a{io}, b{io};
        BOOST_TEST(join(io, a, net, server) == error_code{});
        BOOST_TEST(join(io, b, net, server) == error_code{});
        const std::string to_a{a.id()}, to_b{b.id()};
        BOOST_TEST(to_a.size() == 21u);
        BOOST_TEST(to_a != to_b);

        const auto offer = R"({"offer":{"type":"offer","sdp":"v=0"}})";
        BOOST_TEST(code(io, a.send(to_b, "offer", offer)) == error_code{});
        const auto [ec, in] = receive(io, b);
        BOOST_TEST(ec == error_code{});
        BOOST_TEST(in.command == "offer");
        BOOST_TEST(in.from == to_a);
        BOOST_TEST(in.data == offer);
        const auto answer = R"({"answer":{"type":"answer","sdp":"v=0"}})";
        BOOST_TEST(code(io, b.send(to_a, "answer", answer)) == error_code{});
        BOOST_TEST(receive(io, a).second.data == answer);

        BOOST_TEST(code(io, a.send("nobody", "session-start")) == errc::unknown);
        BOOST_TEST(code(io, a.send(to_a, "session-start")) == errc::self);
        BOOST_TEST(code(io, a.send("", "session-start")) == errc::missing_target);
        BOOST_TEST(code(io, a.send(to_b, "offer")) == errc::missing_offer);
        BOOST_TEST(code(io, a.send(to_b, "mine")) == errc::unknown_command);

        // Many under way at once end in order, each with its own reply.
        std::vector<int> order;
        int good = 0;
        for (int i = 0; i < 50; ++i)
            a.send(i % 2 ? to_b : "nobody", "session-start", [&, i](error_code e) {
                order.push_back(i);
                good += i % 2 ? !e : e == errc::unknown;
            });
        run_until(io, [&] { return order.size() == 50; });
        BOOST_TEST(good == 50);
        BOOST_TEST(std::is_sorted(order.begin(), order.end()));
        for (int i = 0; i < 25; ++i) BOOST_TEST(receive(io, b).second.command == "session-start");

        // A full inbox loses nothing over any link, and closing does not depend on it.
        for (int i = 0; i < 300; ++i)
            a.send(to_b, "ice", R"({"candidate":)" + std::to_string(i + 1) + '}', asio::detached);
        BOOST_TEST(code(io, a.send(to_b, "session-cancel")) == error_code{});
        for (int i = 0; i < 300; ++i)
            BOOST_TEST(receive(io, b).second.data == R"({"candidate":)" + std::to_string(i + 1) + '}');

        BOOST_TEST(code(io, b.send(to_a, "session-cancel")) == error_code{});
        BOOST_TEST(code(io, a.close()) == error_code{});
        BOOST_TEST(!a.connected());
        BOOST_TEST(code(io, b.send(to_a, "session-start")) == errc::unknown);
        // Back again, as somebody else.
        BOOST_TEST(join(io, a, net, server) == error_code{});
        BOOST_TEST(a.id() != to_a);
        BOOST_TEST(code(io, b.send(std::string{a.id()}, "session-start")) == error_code{});
        BOOST_TEST(receive(io, a).second.command == "session-start"); // the cancel was for its former self
    });
}

BOOST_AUTO_TEST_CASE(the_welcome_carries_the_configuration) {
    for (const std::string configuration : {"", R"({"iceServers":[{"urls":"stun:h"}]})"}) {
        asio::io_context io;
        sigfire::server server{sigfire::websocket{io}, sigfire::json{{.rtc_configuration = configuration}}};
        client c{io};
        const auto [ec, welcome] = connect(io, c, server.address() + "/any?id=1");
        BOOST_TEST(ec == error_code{});
        BOOST_TEST(welcome.configuration == configuration);
        BOOST_TEST(welcome.id == c.id());
    }
}

BOOST_AUTO_TEST_CASE(a_refused_upgrade_has_its_cause) {
    asio::io_context io;
    sigfire::server server{sigfire::websocket{io, {.path = "/here", .origins = {"https://good"}}}};
    client none{io}, bad{io, {.headers = {{"Origin", "https://bad"}}}},
        good{io, {.subprotocol = "Signal-Fire@3", .headers = {{"Origin", "https://good"}}}};
    BOOST_TEST(connect(io, none, server.address() + "/here").first == errc::denied);
    BOOST_TEST(connect(io, bad, server.address() + "/here").first == errc::denied);
    BOOST_TEST(connect(io, good, server.address()).first == errc::bad_handshake);
    BOOST_TEST(connect(io, good, server.address() + "/here").first == error_code{});
    BOOST_TEST(code(io, good.send("nobody", "session-start")) == errc::unknown); // told by its text only
}

BOOST_AUTO_TEST_CASE(a_server_that_stops_says_so) {
    for_each_transport([](auto make) {
        asio::io_context io;
        const auto net = make(io);
        sigfire::server server{net};
        client c{io};
        BOOST_TEST(join(io, c, net, server) == error_code{});
        operation_result received;
        c.receive([&](error_code ec, const incoming&) { received = ec; });
        bool stopped = false;
        server.stop(5s, [&] { stopped = true; });
        run_until(io, [&] { return received && stopped; });
        // Without WebSocket the end is all there is.
        const bool told = server.address().starts_with("ws:") || server.address().starts_with("loopback:");
        BOOST_TEST((received == (told ? errc::stopping : errc::closed)));
        BOOST_TEST((*received == sigfire::condition::reconnect));
        io.run();
        BOOST_TEST(io.stopped());
    });
}

asio::awaitable<void> talk(client& c, std::string url, int& steps) {
    const auto [id, configuration] = co_await c.connect(url);
    ++steps;
    try {
        co_await c.send("nobody", "session-start", asio::use_awaitable);
    } catch (const boost::system::system_error& e) {
        steps += e.code() == errc::unknown;
    }
    const auto [ec] = co_await c.send(id, "session-start", "", asio::as_tuple(asio::use_awaitable));
    steps += ec == errc::self;
    co_await c.close();
    ++steps;
}

BOOST_AUTO_TEST_CASE(tokens) {
    asio::io_context io;
    sigfire::server server{sigfire::websocket{io}};
    client c{io};
    int steps = 0;
    asio::co_spawn(io, talk(c, server.address(), steps), asio::detached);
    run_until(io, [&] { return steps == 4; });
    auto future = c.connect(server.address(), asio::use_future);
    run_until(io, [&] { return future.wait_for(0s) == std::future_status::ready; });
    BOOST_TEST(future.get().id == c.id());
    static_assert(!std::is_copy_constructible_v<client>);
}

BOOST_AUTO_TEST_SUITE_END()
