// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/client_core.hpp>

#include "support/client_world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::incoming_kind, sigfire::reconnect_options;

client_options at_once(reconnect_options how = {}) {
    how.interval = 0ms;
    how.resumable = false;
    client_options o;
    o.reconnect = std::move(how);
    return o;
}
client_options retry_first_connect() {
    reconnect_options how;
    how.retry_first_connect = true;
    return at_once(std::move(how));
}

void poll_for(asio::io_context& io, std::chrono::milliseconds t) {
    io.restart();
    io.run_for(t);
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_core)

// --- liveness ---------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_silent_server_is_pinged_and_left) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    client c{io, {.ping_interval = 40ms}};
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    BOOST_TEST(receive(io, c).first == errc::pong_timeout);
    BOOST_TEST((std::chrono::steady_clock::now() - begin >= 80ms));
    BOOST_TEST(!c.connected());
    run_until(io, [&] { return p.ended; });
    BOOST_TEST_REQUIRE(p.controls.size() == 2u);
    BOOST_TEST((p.controls[0].what == sigfire::control::ping));
    BOOST_TEST((p.controls[1].what == sigfire::control::close));
    BOOST_TEST(p.controls[1].code == 4002);
}

BOOST_AUTO_TEST_CASE(a_server_that_answers_stays) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    client c{io, {.ping_interval = 400ms}};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    for (std::size_t i = 1; i <= 3; ++i) {
        run_until(io, [&] { return p.controls.size() == i; });
        BOOST_TEST((p.controls.back().what == sigfire::control::ping));
        p.write(p.control_frame(sigfire::control::pong, 0, p.controls.back().text));
    }
    BOOST_TEST(c.connected());
}

BOOST_AUTO_TEST_CASE(a_message_that_is_not_whole_yet_is_a_sign_of_life) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    client c{io, {.ping_interval = 250ms}};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    for (const char byte : p.frame(R"({"cmd":"a-message-in-no-hurry"})")) {
        p.write({&byte, 1});
        poll_for(io, 30ms);
    }
    BOOST_TEST(receive(io, c).second.command == "a-message-in-no-hurry");
}

BOOST_AUTO_TEST_CASE(a_silent_server_is_a_reason_to_go_back) {
    asio::io_context io;
    puppet first{io}, second{io};
    for (auto* p : {&first, &second}) p->first = "{101}" + p->frame(hello);
    reconnect_options how;
    how.url = [&](const std::string&) { return second.url(); };
    auto options = at_once(std::move(how));
    options.ping_interval = 20ms;
    client c{io, std::move(options)};
    BOOST_TEST(connect(io, c, first.url()).first == error_code{});
    const auto in = receive(io, c).second;
    BOOST_TEST((in.kind == incoming_kind::offline));
    BOOST_TEST(in.cause == errc::pong_timeout);
    BOOST_TEST((in.cause == sigfire::condition::reconnect));
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::online));
}

BOOST_AUTO_TEST_CASE(on_wires_without_pings_a_request_asks) {
    asio::io_context io;
    puppet p{io, false};
    p.first = p.frame(hello);
    client c{io, {.ping_interval = 300ms}};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    for (std::size_t i = 1; i <= 3; ++i) {
        run_until(io, [&] { return p.got.size() == i; });
        const auto& asked = p.got.back();
        BOOST_TEST(asked.starts_with(R"({"cmd":"exists","id":)"));
        p.say(R"({"ok":false,"data":{"cause":"unknown_command"},"id":)" +
              asked.substr(asked.rfind(":\"") + 1));
    }
    BOOST_TEST(c.connected());
    BOOST_TEST(receive(io, c).first == errc::pong_timeout);
    BOOST_TEST(p.got.size() == 4u);
}

BOOST_AUTO_TEST_CASE(in_memory_too) {
    asio::io_context io;
    std::optional<script> s{std::in_place, io};
    s->first.push_back(hello);
    client c{io, {.ping_interval = 30ms}};
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(s->net))) == error_code{});
    BOOST_TEST(s->take(io, R"("ok":true)") == R"({"cmd":"exists"})");
    s.reset(); // without a word
    BOOST_TEST(receive(io, c).first == errc::pong_timeout);
}

BOOST_AUTO_TEST_CASE(silence_may_be_allowed) {
    asio::io_context io;
    puppet p{io};
    p.first = "{101}" + p.frame(hello);
    client c{io, {.ping_interval = 0ms}};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    poll_for(io, 50ms);
    BOOST_TEST(c.connected());
    BOOST_TEST(p.controls.empty());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_says_that_it_is_there) {
    for (const bool ws : {true, false}) {
        asio::io_context io;
        puppet p{io, ws};
        p.first = (ws ? "{101}" : "") + p.frame(hello);
        client c{io, {.ping_interval = 20ms, .inbox = 1}};
        BOOST_TEST(connect(io, c, p.url()).first == error_code{});
        p.write(p.frame(R"({"cmd":"one"})") + p.frame(R"({"cmd":"two"})"));
        if (ws)
            run_until(io, [&] { return p.controls.size() >= 4; });
        else
            poll_for(io, 100ms);
        BOOST_TEST(c.connected()); // it cannot know
        for (const auto& said : p.controls) BOOST_TEST((said.what == sigfire::control::ping));
        BOOST_TEST(p.got.empty());
        BOOST_TEST(receive(io, c).second.command == "one");
        BOOST_TEST(receive(io, c).second.command == "two");
        BOOST_TEST(receive(io, c).first == errc::pong_timeout); // now it can
    }
}

BOOST_AUTO_TEST_CASE(the_system_watches_over_tcp_connections) {
    asio::io_context io;
    asio::ip::tcp::socket s{io, asio::ip::tcp::v4()};
    const auto value = [&](int level, int option) {
        int v = 0;
        socklen_t size = sizeof v;
        BOOST_TEST(::getsockopt(s.native_handle(), level, option, &v, &size) == 0);
        return v;
    };
    sigfire::detail::keep_alive(s.native_handle(), 0ms);
    BOOST_TEST(value(SOL_SOCKET, SO_KEEPALIVE) == 0);
    sigfire::detail::keep_alive(s.native_handle(), 30s);
    BOOST_TEST(value(SOL_SOCKET, SO_KEEPALIVE) == 1);
#ifdef TCP_USER_TIMEOUT
    BOOST_TEST(value(IPPROTO_TCP, TCP_KEEPIDLE) == 30);
    BOOST_TEST(value(IPPROTO_TCP, TCP_KEEPINTVL) * value(IPPROTO_TCP, TCP_KEEPCNT) == 30);
    BOOST_TEST(value(IPPROTO_TCP, TCP_USER_TIMEOUT) == 60'000);
    sigfire::detail::keep_alive(s.native_handle(), 1ms);
    BOOST_TEST(value(IPPROTO_TCP, TCP_KEEPIDLE) == 1);
#endif
}

// --- when a server closes ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_close_code_decides) {
    struct {
        std::uint16_t code; // 0: a close without one
        bool back;
        bool back_on_close;
    } const table[] = {
        {0, true, true},      {1000, false, true},  {1001, true, true}, {1002, false, false},
        {1008, false, false}, {1011, true, true},   {1012, true, true}, {1013, true, true},
        {1014, true, true},   {3000, true, true},   {4000, true, true}, {4399, true, true},
        {4400, false, false}, {4499, false, false}, {4500, true, true}, {4599, true, true},
        {4600, false, false}, {4999, false, false},
    };
    for (const auto& row : table)
        for (const bool on_close : {false, true}) BOOST_TEST_CONTEXT(row.code << ' ' << on_close) {
                asio::io_context io;
                puppet first{io}, second{io};
                for (auto* p : {&first, &second}) p->first = "{101}" + p->frame(hello);
                reconnect_options how;
                how.on_close = on_close;
                how.url = [&](const std::string&) { return second.url(); };
                client c{io, at_once(std::move(how))};
                BOOST_TEST(connect(io, c, first.url()).first == error_code{});
                first.write(first.control_frame(sigfire::control::close, row.code, "whatever it says"));
                auto [ec, in] = receive(io, c);
                const bool back = on_close ? row.back_on_close : row.back;
                BOOST_TEST((ec == error_code{}) == back);
                if (!back) continue;
                BOOST_TEST((in.kind == incoming_kind::offline));
                BOOST_TEST((in.cause != sigfire::condition::do_not_reconnect));
                BOOST_TEST((receive(io, c).second.kind == incoming_kind::online));
            }
}

// --- the first connection ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_first_connection_may_wait_for_its_server) {
    asio::io_context io;
    script s{io};
    sigfire::loopback nobody{io};
    auto options = retry_first_connect();
    options.reconnect->interval = 5ms;
    client c{io, std::move(options)};
    operation_result done, asked;
    c.connect(nobody, [&](error_code ec, const sigfire::welcome& w) {
        done = ec;
        BOOST_TEST(w.id == "me");
    });
    poll_for(io, 30ms);
    BOOST_TEST(!done);
    BOOST_TEST(!c.connected());
    c.send("you", "x", [&](error_code ec) { asked = ec; });
    run_until(io, [&] { return asked.has_value(); });
    BOOST_TEST((asked == errc::not_connected));
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(nobody))) ==
               asio::error::already_connected);
    // Now it boots.
    struct late_server {
        struct nothing {};
        using connection = sigfire::loopback::connection<nothing>;
        void opening(connection& to, const sigfire::request&) {
            to.accept({});
            std::ranges::copy(std::string_view{hello},
                              to.reserve(sigfire::message_type::text, std::string_view{hello}.size()));
            to.commit(std::string_view{hello}.size());
        }
        void received(connection&, sigfire::message) {}
        void alive(connection&) {}
        void closed(connection&, errc) {}
        sigfire::time_point tick(sigfire::time_point) { return sigfire::time_point::max(); }
    } late;
    sigfire::loopback::engine<late_server::nothing, late_server> engine{nobody, late};
    error_code ec;
    engine.open(ec);
    BOOST_TEST(!ec);
    run_until(io, [&] { return done.has_value(); });
    BOOST_TEST((done == error_code{}));
    BOOST_TEST(c.connected());
    operation_result received;
    c.receive([&](error_code why, const incoming&) { received = why; });
    poll_for(io, 5ms);
    BOOST_TEST(!received); // nothing to tell: it was never offline
}

BOOST_AUTO_TEST_CASE(a_server_that_refuses_for_now_is_tried_again) {
    asio::io_context io;
    puppet first{io}, second{io};
    first.first = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
    second.first = "{101}" + second.frame(hello);
    auto options = retry_first_connect();
    options.reconnect->url = [&](const std::string&) { return second.url(); };
    client c{io, std::move(options)};
    BOOST_TEST(connect(io, c, first.url()).first == error_code{});
    BOOST_TEST(second.key.size() != 0u);
}

BOOST_AUTO_TEST_CASE(the_first_connection_does_not_repeat_hopeless_attempts) {
    for (const std::string refusal : {"HTTP/1.1 403 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}) {
        asio::io_context io;
        puppet p{io};
        p.first = refusal;
        client c{io, retry_first_connect()};
        BOOST_TEST(connect(io, c, p.url()).first.failed());
    }
    asio::io_context io;
    client c{io, retry_first_connect()};
    BOOST_TEST(connect(io, c, "nonsense").first == errc::bad_url);
    sigfire::loopback nobody{io};
    auto few = retry_first_connect();
    few.reconnect->max_attempts = 3;
    client limited{io, std::move(few)};
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, limited.connect(nobody))) ==
               asio::error::connection_refused);
}

BOOST_AUTO_TEST_CASE(the_first_connection_can_be_given_up_between_attempts) {
    asio::io_context io;
    sigfire::loopback nobody{io};
    auto options = retry_first_connect();
    options.reconnect->interval = 1h;
    client c{io, options};
    asio::cancellation_signal signal;
    operation_result done;
    c.connect(nobody, asio::bind_cancellation_slot(
                          signal.slot(), [&](error_code ec, const sigfire::welcome&) { done = ec; }));
    poll_for(io, 5ms);
    BOOST_TEST(!done);
    signal.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return done.has_value(); });
    BOOST_TEST((done == aborted));
    done.reset();
    c.connect(nobody, [&](error_code ec, const sigfire::welcome&) { done = ec; });
    poll_for(io, 5ms);
    BOOST_TEST(code(io, c.close()) == error_code{});
    BOOST_TEST((done == errc::closed));
    done.reset();
    {
        client gone{io, options};
        gone.connect(nobody, [&](error_code ec, const sigfire::welcome&) { done = ec; });
        poll_for(io, 5ms);
    }
    run_until(io, [&] { return done.has_value(); });
    BOOST_TEST((done == aborted));
    io.restart();
    io.poll();
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_SUITE_END()
