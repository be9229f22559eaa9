// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "support/client_world.hpp"

#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::incoming_kind, sigfire::reconnect_options;

// Intervals of no length: attempts follow each other at once.
client_options at_once(reconnect_options how = {}) {
    how.interval = 0ms;
    client_options o;
    o.reconnect = std::move(how);
    return o;
}
client_options without_resume() {
    reconnect_options how;
    how.resumable = false;
    return at_once(std::move(how));
}

constexpr auto token = R"("ok":true,"data":{"token":"T","window":30000})";

struct world {
    explicit world(client_options options) : s{io}, c{io, std::move(options)} {}

    void connect(std::string_view resume_reply = {}) {
        s.first.push_back(hello);
        operation_result done;
        c.connect(s.net, [&](error_code ec, const sigfire::welcome&) { done = ec; });
        if (!resume_reply.empty()) BOOST_TEST(s.take(io, resume_reply) == R"({"cmd":"resume"})");
        run_until(io, [&] { return done.has_value(); });
        BOOST_TEST(*done == error_code{});
    }
    void ask(std::string command, operation_result& r) {
        r.reset();
        c.send("you", std::move(command), [&r](error_code ec) { r = ec; });
    }
    incoming hear() {
        auto [ec, in] = receive(io, c);
        BOOST_TEST(ec == error_code{});
        return in;
    }
    void poll() {
        io.restart();
        while (io.poll() != 0) continue;
    }

    asio::io_context io;
    script s;
    client c;
};

// Carries bytes to a server and back, until it is cut.
class cable {
public:
    cable(asio::io_context& io, std::string_view url)
        : to_{asio::ip::address_v4::loopback(),
              static_cast<unsigned short>(std::stoul(std::string{url.substr(url.rfind(':') + 1)}))},
          acceptor_{io, {asio::ip::address_v4::loopback(), 0}}, near_{io}, far_{io} {
        accept();
    }
    std::string url(std::string_view scheme) const {
        return std::string{scheme} + "://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    void cut() {
        for (auto* s : {&near_, &far_}) {
            error_code ignored;
            s->set_option(asio::socket_base::linger{true, 0}, ignored);
            s->close(ignored);
        }
    }

private:
    void accept() {
        acceptor_.async_accept(near_, [this](error_code ec) {
            if (ec) return;
            far_.connect(to_);
            pump(near_, far_, a_);
            pump(far_, near_, b_);
            accept_next();
        });
    }
    void accept_next() {
        acceptor_.async_wait(acceptor_.wait_read, [this](error_code ec) {
            if (!ec) cut(), accept();
        });
    }
    void pump(asio::ip::tcp::socket& from, asio::ip::tcp::socket& to, std::array<char, 4096>& buffer) {
        from.async_read_some(asio::buffer(buffer), [&, this](error_code ec, std::size_t n) {
            if (ec) return;
            asio::write(to, asio::buffer(buffer, n), ec);
            if (!ec) pump(from, to, buffer);
        });
    }

    asio::ip::tcp::endpoint to_;
    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::socket near_, far_;
    std::array<char, 4096> a_, b_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(client_reconnect)

BOOST_AUTO_TEST_CASE(goes_back_and_tells_so) {
    world w{without_resume()};
    w.connect();
    operation_result sent, kept, later;
    w.ask("sent", sent);
    w.poll();
    w.s.first.push_back(R"({"cmd":"welcome","data":{"id":"again","configuration":{"a":1}}})");
    w.s.end(errc::lost, 0);
    auto in = w.hear();
    BOOST_TEST((in.kind == incoming_kind::offline));
    BOOST_TEST(in.cause == errc::lost);
    BOOST_TEST(in.command == "");
    BOOST_TEST(!w.c.connected());
    BOOST_TEST((sent == errc::lost)); // nobody knows whether it came
    w.ask("kept", kept);
    w.ask("later", later);
    in = w.hear();
    BOOST_TEST((in.kind == incoming_kind::online));
    BOOST_TEST(!in.recovered);
    BOOST_TEST(in.data == R"({"a":1})");
    BOOST_TEST(w.c.connected());
    BOOST_TEST(w.c.id() == "again");
    BOOST_TEST(w.s.take(w.io) == R"({"cmd":"sent","target":"you"})");
    BOOST_TEST(w.s.take(w.io, R"("ok":true)") == R"({"cmd":"kept","target":"you"})");
    BOOST_TEST(w.s.take(w.io, R"("ok":false,"data":{"cause":"full"})") ==
               R"({"cmd":"later","target":"you"})");
    run_until(w.io, [&] { return later.has_value(); });
    BOOST_TEST((kept == error_code{}));
    BOOST_TEST((later == errc::full));
    BOOST_TEST(w.s.connections == 2);
    BOOST_TEST(code(w.io, w.c.close()) == error_code{});
    w.poll();
    BOOST_TEST(w.s.connections == 2);
    BOOST_TEST(receive(w.io, w.c).first == errc::closed);
}

BOOST_AUTO_TEST_CASE(is_off_by_default) {
    world w{{}};
    w.connect();
    w.s.end(errc::lost, 0);
    BOOST_TEST(receive(w.io, w.c).first == errc::lost);
    w.poll();
    BOOST_TEST(w.s.connections == 1);
    BOOST_TEST(code(w.io, w.c.send("you", "x")) == errc::not_connected);
}

BOOST_AUTO_TEST_CASE(stays_away_when_told) {
    for (const auto code : {4400, 4402, 4601}) {
        world w{at_once()};
        w.connect(token);
        operation_result asked;
        w.ask("x", asked);
        w.poll();
        w.s.end(errc::rate, static_cast<std::uint16_t>(code));
        BOOST_TEST(receive(w.io, w.c).first == errc::rate);
        BOOST_TEST((asked == errc::rate));
        w.poll();
        BOOST_TEST(w.s.connections == 1);
    }
}

BOOST_AUTO_TEST_CASE(the_first_connection_is_the_callers) {
    asio::io_context io;
    client c{io, at_once()};
    sigfire::loopback nobody{io};
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(nobody))) ==
               asio::error::connection_refused);
    BOOST_TEST(code(io, c.send("you", "x")) == errc::not_connected);
}

BOOST_AUTO_TEST_CASE(gives_up_after_its_attempts) {
    asio::io_context io;
    reconnect_options how;
    how.max_attempts = 3;
    client c{io, at_once(how)};
    script s{io};
    s.first.push_back(hello);
    operation_result connected, kept;
    c.connect(s.net, [&](error_code ec, const sigfire::welcome&) { connected = ec; });
    s.take(io, R"("ok":false)");
    run_until(io, [&] { return connected.has_value(); });
    s.stop();
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
    c.send("you", "x", [&](error_code ec) { kept = ec; });
    BOOST_TEST(receive(io, c).first == asio::error::connection_refused);
    BOOST_TEST((kept == asio::error::connection_refused));
    BOOST_TEST(code(io, c.send("you", "x")) == errc::not_connected);
    script other{io};
    other.first.push_back(hello);
    c.connect(other.net, [&](error_code ec, const sigfire::welcome&) { connected = ec; });
    BOOST_TEST(other.take(io, R"("ok":false)") == R"({"cmd":"resume"})"); // as somebody new
}

BOOST_AUTO_TEST_CASE(goes_on_where_it_was) {
    world w{at_once()};
    w.connect(token);
    operation_result one, two, three;
    w.ask("one", one);
    w.ask("two", two);
    BOOST_TEST(w.s.take(w.io) == R"({"cmd":"one","target":"you"})");
    const auto id = w.s.id;
    BOOST_TEST(w.s.take(w.io) == R"({"cmd":"two","target":"you"})");
    w.s.say(R"({"cmd":"news"})");
    BOOST_TEST(w.hear().command == "news");
    w.s.first.push_back(R"({"cmd":"welcome","data":{"id":"fresh"}})");
    w.s.end(errc::lost, 0);
    BOOST_TEST((w.hear().kind == incoming_kind::offline));
    BOOST_TEST(!one); // it may still be answered
    w.ask("three", three);
    BOOST_TEST(w.s.take(w.io, R"("ok":true,"data":{"id":"me","token":"U","recovered":true,"received":1})") ==
               R"({"cmd":"resume","token":"T","received":1})");
    const auto in = w.hear();
    BOOST_TEST((in.kind == incoming_kind::online));
    BOOST_TEST(in.recovered);
    BOOST_TEST(w.c.id() == "me");
    BOOST_TEST(w.s.take(w.io) == R"({"cmd":"ack","received":1})");
    w.s.say(R"({"ok":true,"id":)" + id + '}');
    BOOST_TEST(w.s.take(w.io, R"("ok":true)") == R"({"cmd":"two","target":"you"})");
    BOOST_TEST(w.s.take(w.io, R"("ok":true)") == R"({"cmd":"three","target":"you"})");
    run_until(w.io, [&] { return one && two && three; });
    for (const auto& r : {one, two, three}) BOOST_TEST((r == error_code{}));
}

BOOST_AUTO_TEST_CASE(a_loss_is_told_and_ends_requests_already_sent) {
    world w{at_once()};
    w.connect(token);
    operation_result sent, kept;
    w.ask("sent", sent);
    w.s.take(w.io);
    w.s.first.push_back(R"({"cmd":"welcome","data":{"id":"fresh"}})");
    w.s.end(errc::stopping, 1001);
    BOOST_TEST(w.hear().cause == errc::stopping);
    w.ask("kept", kept);
    BOOST_TEST(!sent);
    w.s.take(w.io, R"("ok":false,"data":{"cause":"expired"})");
    w.s.take(w.io, token);
    BOOST_TEST(!w.hear().recovered);
    BOOST_TEST((sent == errc::lost));
    BOOST_TEST(!kept);
    BOOST_TEST(w.s.take(w.io, R"("ok":true)") == R"({"cmd":"kept","target":"you"})");
    run_until(w.io, [&] { return kept.has_value(); });
    BOOST_TEST((kept == error_code{}));
    BOOST_TEST(w.c.id() == "fresh");
}

BOOST_AUTO_TEST_CASE(kept_requests_are_bounded_and_can_be_taken_back) {
    auto options = without_resume();
    options.outbox = 100;
    options.reconnect->interval = 1h;
    world w{std::move(options)};
    w.connect();
    w.s.end(errc::lost, 0);
    BOOST_TEST((w.hear().kind == incoming_kind::offline));
    asio::cancellation_signal signal;
    operation_result first, second, third;
    w.c.send("you", "first", '"' + std::string(40, 'x') + '"',
             asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { first = ec; }));
    w.c.send("you", "second", '"' + std::string(40, 'x') + '"', [&](error_code ec) { second = ec; });
    w.poll();
    BOOST_TEST((second == errc::full));
    BOOST_TEST(!first);
    signal.emit(asio::cancellation_type::terminal);
    w.ask("third", third);
    w.poll();
    BOOST_TEST((first == aborted));
    BOOST_TEST(!third);
    BOOST_TEST(code(w.io, w.c.close()) == error_code{}); // while it waits to go back
    BOOST_TEST((third == errc::closed));
    BOOST_TEST(w.s.connections == 1);
}

BOOST_AUTO_TEST_CASE(a_request_taken_back_is_not_sent) {
    world w{without_resume()};
    w.connect();
    w.s.first.push_back(hello);
    w.s.end(errc::lost, 0);
    BOOST_TEST((w.hear().kind == incoming_kind::offline));
    asio::cancellation_signal signal;
    operation_result first, second;
    w.c.send("you", "first", asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { first = ec; }));
    w.ask("second", second);
    signal.emit(asio::cancellation_type::terminal);
    BOOST_TEST(w.s.take(w.io) == R"({"cmd":"second","target":"you"})");
}

BOOST_AUTO_TEST_CASE(a_kept_request_does_not_wait_for_ever) {
    auto options = without_resume();
    options.reconnect->interval = 1h;
    options.request_timeout = 1ms;
    world w{std::move(options)};
    w.connect();
    w.s.end(errc::lost, 0);
    BOOST_TEST((w.hear().kind == incoming_kind::offline));
    BOOST_TEST(code(w.io, w.c.send("you", "x")) == errc::request_timeout);
    BOOST_TEST(connect(w.io, w.c, "ws://h").first == asio::error::already_connected);
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_receive_is_told_the_last_only) {
    world w{without_resume()};
    w.connect();
    for (int i = 2; i < 6; ++i) {
        w.s.first.push_back(hello);
        w.s.end(i == 2 ? errc::stopping : errc::lost, 0);
        run_until(w.io, [&] { return w.s.connections == i && w.c.connected(); });
    }
    BOOST_TEST(w.hear().cause == errc::stopping);
    BOOST_TEST((w.hear().kind == incoming_kind::online));
    w.s.say(R"({"cmd":"x"})");
    BOOST_TEST(w.hear().command == "x");
}

BOOST_AUTO_TEST_CASE(a_destroyed_client_does_not_return) {
    asio::io_context io;
    script s{io};
    s.first.push_back(hello);
    operation_result received, kept;
    {
        auto options = without_resume();
        options.reconnect->interval = 1h;
        client c{io, options};
        BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(s.net))) == error_code{});
        s.end(errc::lost, 0);
        BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
        c.receive([&](error_code ec, const incoming&) { received = ec; });
        c.send("you", "x", [&](error_code ec) { kept = ec; });
    }
    run_until(io, [&] { return received && kept; });
    BOOST_TEST((received == aborted));
    BOOST_TEST((kept == aborted));
    io.restart();
    io.poll();
    BOOST_TEST(io.stopped()); // nothing is left
}

BOOST_AUTO_TEST_CASE(urls_may_change_and_carry_the_token) {
    asio::io_context io;
    puppet first{io}, second{io};
    first.first = "{101}" + first.frame(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
    second.first = "{101}" + second.frame(R"({"cmd":"welcome","data":{"id":"me","resume":)"
                                          R"({"token":"U","recovered":true,"received":0}}})");
    std::vector<std::string> asked;
    reconnect_options how;
    how.url = [&](std::string url) {
        asked.push_back(std::move(url));
        return second.url() + "/?a=b";
    };
    client c{io, at_once(how)};
    BOOST_TEST(connect(io, c, first.url() + "/p").first == error_code{});
    BOOST_TEST(first.head.starts_with("GET /p?resume HTTP/1.1\r\n"));
    first.write(first.control_frame(sigfire::control::close, 1001, ""));
    BOOST_TEST(receive(io, c).second.cause == errc::stopping);
    BOOST_TEST(receive(io, c).second.recovered);
    BOOST_TEST(asked == std::vector<std::string>{first.url() + "/p"}, boost::test_tools::per_element());
    BOOST_TEST(second.head.starts_with("GET /?a=b&resume=T&received=0 HTTP/1.1\r\n"));
    run_until(io, [&] { return second.got.size() == 1; });
    BOOST_TEST(second.got[0] == R"({"cmd":"ack","received":0})");
}

BOOST_AUTO_TEST_CASE(a_bad_url_ends_it) {
    asio::io_context io;
    puppet p{io, false};
    p.first = p.frame(hello);
    reconnect_options how;
    how.resumable = false;
    how.url = [](std::string) { return "nowhere"; };
    client c{io, at_once(how)};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    p.socket.close();
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline)); // no word said: not a proper close
    BOOST_TEST(receive(io, c).first == errc::bad_url);
}

BOOST_AUTO_TEST_CASE(a_url_that_throws_is_an_attempt_that_failed) {
    asio::io_context io;
    puppet first{io, false}, second{io, false};
    for (auto* p : {&first, &second}) p->first = p->frame(hello);
    unsigned calls = 0;
    reconnect_options how;
    how.resumable = false;
    how.url = [&](const std::string&) {
        if (++calls < 3) throw std::runtime_error{"no"};
        return second.url();
    };
    client c{io, at_once(how)};
    BOOST_TEST(connect(io, c, first.url()).first == error_code{});
    first.socket.close();
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::online));
    BOOST_TEST(calls == 3u);
}

BOOST_AUTO_TEST_CASE(a_url_that_throws_ends_a_client_without_further_attempts) {
    asio::io_context io;
    puppet p{io, false};
    p.first = p.frame(hello);
    reconnect_options how;
    how.resumable = false;
    how.max_attempts = 2;
    how.url = [](const std::string&) -> std::string { throw 42; };
    client c{io, at_once(how)};
    BOOST_TEST(connect(io, c, p.url()).first == error_code{});
    p.socket.close();
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
    BOOST_TEST(receive(io, c).first == errc::internal_error);
}

BOOST_AUTO_TEST_CASE(a_url_may_end_the_client) {
    asio::io_context io;
    puppet p{io, false};
    p.first = p.frame(hello);
    std::optional<client> c;
    reconnect_options how;
    how.resumable = false;
    how.url = [&](std::string url) { return c.reset(), url; };
    c.emplace(io, at_once(how));
    BOOST_TEST(connect(io, *c, p.url()).first == error_code{});
    operation_result received;
    c->receive([](error_code, const incoming&) {});
    c->receive([&](error_code ec, const incoming&) { received = ec; });
    p.socket.close();
    run_until(io, [&] { return received.has_value(); });
    BOOST_TEST((received == aborted));
    io.restart();
    io.poll();
    BOOST_TEST(io.stopped()); // it does not set out again
}

BOOST_AUTO_TEST_CASE(a_websocket_server_of_another_kind_is_not_asked) {
    asio::io_context io;
    puppet p{io};
    client c{io, at_once()};
    operation_result done;
    c.connect(p.url(), [&](error_code ec, const sigfire::welcome&) { done = ec; });
    run_until(io, [&] { return !p.key.empty(); });
    p.write(sigfire::detail::switching_protocols(p.key, "") + p.frame(hello));
    run_until(io, [&] { return done.has_value(); });
    BOOST_TEST((done == error_code{}));
    BOOST_TEST(p.got.empty());
}

BOOST_AUTO_TEST_CASE(goes_back_to_a_real_server) {
    asio::io_context io;
    std::optional<sigfire::server<sigfire::tcp>> srv;
    srv.emplace(sigfire::tcp{io});
    const auto address = srv->address();
    const auto port = static_cast<unsigned short>(std::stoul(address.substr(address.rfind(':') + 1)));
    client c{io, at_once()}, other{io};
    BOOST_TEST(connect(io, c, address).first == error_code{});
    bool stopped = false;
    srv->stop(0s, [&] { stopped = true; });
    run_until(io, [&] { return stopped; });
    srv.reset();
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
    srv.emplace(sigfire::tcp{io, {.port = port}});
    BOOST_TEST((receive(io, c).second.kind == incoming_kind::online));
    BOOST_TEST(connect(io, other, address).first == error_code{});
    BOOST_TEST(code(io, other.send(std::string{c.id()}, "session-start")) == error_code{});
    BOOST_TEST(receive(io, c).second.command == "session-start");
}

// Over each kind of wire, against a real server: the same peer, and nothing missing either way.
template <class Transport>
void goes_on(std::string_view scheme) {
    asio::io_context io;
    sigfire::server srv{Transport{io}, sigfire::topics{}, sigfire::requests{}, sigfire::resume{}};
    cable wire{io, srv.address()};
    client c{io, at_once()}, other{io};
    BOOST_TEST(connect(io, c, wire.url(scheme)).first == error_code{});
    BOOST_TEST(connect(io, other, srv.address()).first == error_code{});
    const std::string id{c.id()}, to{other.id()};
    BOOST_TEST(std::get<0>(outcome<std::string>(io, c.join("t"))) == error_code{});
    BOOST_TEST(std::get<0>(outcome<std::string>(io, other.join("t"))) == error_code{});
    for (int round = 0; round < 3; ++round) BOOST_TEST_CONTEXT(round) {
            BOOST_TEST(code(io, other.publish("t", "1")) == error_code{});
            BOOST_TEST(receive(io, c).second.data == "1");
            // Asked before, and answered after.
            std::optional<std::pair<error_code, std::string>> called;
            c.request(to, "2", [&](error_code ec, std::string data) { called.emplace(ec, std::move(data)); });
            const auto asked = receive(io, other).second;
            BOOST_TEST(asked.data == "2");
            wire.cut();
            BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
            operation_result kept;
            c.publish("t", "3", [&](error_code ec) { kept = ec; });
            BOOST_TEST(code(io, other.respond(asked.request, "4")) == error_code{});
            BOOST_TEST(code(io, other.publish("t", "5")) == error_code{});
            const auto online = receive(io, c).second;
            BOOST_TEST((online.kind == incoming_kind::online));
            BOOST_TEST(online.recovered);
            BOOST_TEST(c.id() == id);
            BOOST_TEST(receive(io, c).second.data == "5");
            BOOST_TEST(receive(io, other).second.data == "3");
            run_until(io, [&] { return kept && called; });
            BOOST_TEST((kept == error_code{}));
            BOOST_TEST(called->first == error_code{});
            BOOST_TEST(called->second == "4");
        }
}

BOOST_AUTO_TEST_CASE(goes_on_against_a_real_server) {
    goes_on<sigfire::websocket>("ws");
    goes_on<sigfire::tcp>("tcp");
}

BOOST_AUTO_TEST_SUITE_END()
