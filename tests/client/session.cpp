// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/session.hpp>

#include "support/client_world.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <utility>

namespace {

using namespace client_world;
using sigfire::client_options, sigfire::incoming_kind, sigfire::reconnect_options, sigfire::session;

struct world {
    explicit world(client_options options = {}) : s{io} {
        c.emplace(io, std::move(options));
        s.first.push_back(hello);
        BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c->connect(s.net))) == error_code{});
    }

    void poll() {
        io.restart();
        while (io.poll() != 0) continue;
    }
    void hear(std::string_view command, std::string_view data = {}) {
        s.say(R"({"cmd":")" + std::string{command} + R"(","origin":"you")" +
              (data.empty() ? "" : R"(,"data":)" + std::string{data}) + '}');
        poll();
    }
    std::string take(std::string_view reply = R"("ok":true)") {
        auto text = s.take(io, reply);
        poll();
        return text;
    }
    // A session that `you` started.
    session ringing(std::string_view more = {}) {
        s.say(R"({"cmd":"session-start","origin":"you")" + std::string{more} + '}');
        auto in = receive(io, *c).second;
        BOOST_TEST(in.command == "session-start");
        return c->adopt(in);
    }
    session open() {
        auto a = c->start("you");
        take();
        hear("session-accept");
        return a;
    }
    std::pair<error_code, std::string> accepted(session& a) {
        auto [ec, data] = outcome<std::string>(io, a.accepted());
        return {ec, data};
    }
    std::pair<error_code, incoming> from(session& a) {
        auto [ec, in] = outcome<incoming>(io, a.receive());
        return {ec, in};
    }

    asio::io_context io;
    script s;
    std::optional<client> c;
};

} // namespace

BOOST_AUTO_TEST_SUITE(session_)

BOOST_AUTO_TEST_CASE(is_started_and_accepted) {
    world w;
    auto a = w.c->start("you", R"({"name":"me"})");
    BOOST_TEST(a.peer() == "you");
    BOOST_TEST(w.take(R"("ok":true,"data":{"polite":false})") ==
               R"({"cmd":"session-start","target":"you","data":{"name":"me"}})");
    operation_result asked;
    a.accepted([&](error_code ec, std::string) { asked = ec; });
    w.poll();
    BOOST_TEST(!asked);
    w.hear("session-accept", R"({"name":"you"})");
    BOOST_TEST((asked == error_code{}));
    BOOST_TEST(w.accepted(a).second == R"({"name":"you"})");
    BOOST_TEST(a.metadata() == R"({"name":"you"})");
    BOOST_TEST(!a.polite());
    BOOST_TEST(!a.cause());

    operation_result said;
    a.signal("offer", R"({"offer":{"sdp":"x"}})", [&](error_code ec) { said = ec; });
    BOOST_TEST(w.take() == R"({"cmd":"offer","target":"you","data":{"offer":{"sdp":"x"}}})");
    BOOST_TEST((said == error_code{}));
    for (const auto what : {"offer", "answer", "ice", "renegotiate"}) {
        w.hear(what, R"({"n":1})");
        const auto [ec, in] = w.from(a);
        BOOST_TEST(ec == error_code{});
        BOOST_TEST(in.command == what);
        BOOST_TEST(in.data == R"({"n":1})");
    }
    // Messages outside the session go where they always went.
    w.hear("publish");
    BOOST_TEST(receive(w.io, *w.c).second.command == "publish");
    w.s.say(R"({"cmd":"offer","origin":"other"})");
    BOOST_TEST(receive(w.io, *w.c).second.from == "other");

    a.end([&](error_code ec) { said = ec; });
    BOOST_TEST(w.take() == R"({"cmd":"session-end","target":"you"})");
    BOOST_TEST((said == error_code{}));
    BOOST_TEST(a.cause() == errc::closed);
    BOOST_TEST(w.from(a).first == errc::closed);
    BOOST_TEST(code(w.io, a.signal("ice", "{}")) == errc::closed);
    BOOST_TEST(code(w.io, a.end()) == errc::closed);
    w.hear("ice"); // late
    BOOST_TEST(receive(w.io, *w.c).second.command == "ice");
}

BOOST_AUTO_TEST_CASE(is_accepted_by_the_callee) {
    world w;
    auto a = w.ringing(R"(,"polite":true,"data":{"name":"you"})");
    BOOST_TEST(a.peer() == "you");
    BOOST_TEST(a.polite());
    BOOST_TEST(a.metadata() == R"({"name":"you"})");
    operation_result done;
    a.accept(R"({"name":"me"})", [&](error_code ec) { done = ec; });
    BOOST_TEST(w.take() == R"({"cmd":"session-accept","target":"you","data":{"name":"me"}})");
    BOOST_TEST((done == error_code{}));
    BOOST_TEST(code(w.io, a.accept("")) == errc::malformed); // once
    w.hear("offer", R"({"offer":1})");
    BOOST_TEST(w.from(a).second.command == "offer");
    BOOST_TEST(w.ringing(R"(,"polite":false)").polite() == false);
    BOOST_TEST(a.cause() == errc::replaced);                              // by that one
    BOOST_TEST(w.take() == R"({"cmd":"session-reject","target":"you"})"); // which was dropped at once
}

BOOST_AUTO_TEST_CASE(is_rejected_by_the_callee) {
    world w;
    auto a = w.ringing();
    BOOST_TEST(a.polite()); // where nobody says
    operation_result done;
    a.reject("not \"now\"", R"({"until":5})", [&](error_code ec) { done = ec; });
    BOOST_TEST(
        w.take() ==
        R"({"cmd":"session-reject","target":"you","data":{"message":"not \"now\"","data":{"until":5}}})");
    BOOST_TEST((done == error_code{}));
    BOOST_TEST(a.cause() == errc::closed);
    BOOST_TEST(code(w.io, a.accept("")) == errc::closed);
    auto b = w.ringing();
    operation_result refused;
    b.accept("", [&](error_code ec) { refused = ec; });
    w.take(R"("ok":false,"data":{"cause":"offline"})");
    BOOST_TEST((refused == errc::offline));
    BOOST_TEST(b.cause() == errc::offline);
}

BOOST_AUTO_TEST_CASE(ends_in_many_ways) {
    struct {
        std::string command, data;
        errc cause;
        bool before; // it is accepted
    } const table[] = {
        {"session-reject", R"({"message":"no"})", errc::rejected, true},
        {"session-timeout", "", errc::expired, true},
        {"session-cancel", "", errc::cancelled, true},
        {"session-end", R"({"why":1})", errc::ended, false},
        {"bye", R"({"cause":"lost"})", errc::lost, false},
        {"bye", R"({"cause":"lost"})", errc::lost, true},
        {"bye", "", errc::ended, false},
        {"bye", R"({"cause":"?"})", errc::denied, false},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.command << row.data) {
            world w;
            auto a = w.c->start("you");
            w.take();
            if (!row.before) w.hear("session-accept");
            operation_result accepted, received;
            a.accepted([&](error_code ec, const std::string&) { accepted = ec; });
            w.hear("ice");
            BOOST_TEST(w.from(a).second.command == "ice");
            a.receive([&](error_code ec, const incoming&) { received = ec; });
            w.hear(row.command, row.data);
            BOOST_TEST((accepted == (row.before ? error_code{row.cause} : error_code{})));
            BOOST_TEST((received == row.cause));
            BOOST_TEST(a.cause() == row.cause);
            BOOST_TEST(a.metadata() == row.data);
            BOOST_TEST(w.accepted(a).first == row.cause);
            a = {};
            w.poll();
            BOOST_TEST(w.s.got.empty()); // nothing is left to end
            auto b = w.c->start("you");
            BOOST_TEST(!b.cause());
        }
}

BOOST_AUTO_TEST_CASE(messages_from_before_the_end_are_still_there) {
    world w;
    auto a = w.open();
    w.hear("ice", "{}");
    w.hear("session-end");
    BOOST_TEST(w.from(a).second.command == "ice");
    BOOST_TEST(w.from(a).first == errc::ended);
}

BOOST_AUTO_TEST_CASE(starts_that_fail) {
    world w;
    auto a = w.c->start("you");
    w.take(R"("ok":false,"data":{"cause":"unknown"})");
    BOOST_TEST(w.accepted(a).first == errc::unknown);
    auto b = w.c->start("you", "{");
    BOOST_TEST(w.accepted(b).first == errc::malformed);
    auto c = w.c->start("you"), d = w.c->start("you");
    BOOST_TEST(w.accepted(d).first == asio::error::already_connected);
    BOOST_TEST(!c.cause());
    w.take();
    w.hear("session-accept");
    BOOST_TEST(w.accepted(c).first == error_code{});
    client idle{w.io};
    auto e = idle.start("you");
    BOOST_TEST(w.accepted(e).first == errc::not_connected);
    BOOST_TEST(session{}.cause() == errc::closed);
    BOOST_TEST(idle.adopt({"session-start", "you", ""}).cause() == errc::not_connected);
    BOOST_TEST(w.c->adopt({"offer", "you", ""}).cause() == errc::malformed);
}

BOOST_AUTO_TEST_CASE(the_end_of_one_is_not_that_of_its_successor) {
    world w;
    auto a = w.c->start("you");
    w.take("");
    const auto id = w.s.id;
    auto b = w.ringing(); // both want to talk
    BOOST_TEST(a.cause() == errc::replaced);
    w.s.say(R"({"ok":false,"data":{"cause":"full"},"id":)" + id + '}');
    w.poll();
    BOOST_TEST(!b.cause());
}

BOOST_AUTO_TEST_CASE(nobody_answers) {
    world w{{.session_timeout = 1ms}};
    auto a = w.c->start("you");
    BOOST_TEST(w.accepted(a).first == errc::expired);
    BOOST_TEST(w.take() == R"({"cmd":"session-start","target":"you"})");
    BOOST_TEST(w.take() == R"({"cmd":"session-cancel","target":"you"})");
}

BOOST_AUTO_TEST_CASE(an_answer_in_time_is_enough) {
    world w{{.request_timeout = 30ms, .session_timeout = 10ms}};
    auto a = w.open();
    while (a.cause()) a = w.open(); // a slow machine
    BOOST_TEST(code(w.io, w.c->send("you", "x")) == errc::request_timeout);
    BOOST_TEST(!a.cause());
}

BOOST_AUTO_TEST_CASE(dropped_it_is_ended) {
    world w;
    static_cast<void>(w.c->start("you"));
    BOOST_TEST(w.take() == R"({"cmd":"session-start","target":"you"})");
    BOOST_TEST(w.take() == R"({"cmd":"session-cancel","target":"you"})");
    static_cast<void>(w.ringing());
    BOOST_TEST(w.take() == R"({"cmd":"session-reject","target":"you"})");
    static_cast<void>(w.open());
    BOOST_TEST(w.take() == R"({"cmd":"session-end","target":"you"})");
    auto a = w.open();
    a = w.c->start("other"); // the new one first
    BOOST_TEST(w.take() == R"({"cmd":"session-start","target":"other"})");
    BOOST_TEST(w.take() == R"({"cmd":"session-end","target":"you"})");
    auto b = std::move(a);
    BOOST_TEST(b.peer() == "other");
    BOOST_TEST(a.peer() == "");
}

BOOST_AUTO_TEST_CASE(takes_over_messages_that_came_since) {
    world w;
    w.hear("session-start");
    w.hear("offer", "1");
    w.hear("publish");
    w.hear("ice", "2");
    w.hear("session-start", "3");
    w.hear("session-cancel");
    const auto start = receive(w.io, *w.c).second;
    auto a = w.c->adopt(start);
    BOOST_TEST(w.from(a).second.command == "offer");
    BOOST_TEST(w.from(a).second.command == "ice");
    BOOST_TEST(!a.cause());
    BOOST_TEST(receive(w.io, *w.c).second.command == "publish");
    auto b = w.c->adopt(receive(w.io, *w.c).second);
    BOOST_TEST(a.cause() == errc::replaced);
    BOOST_TEST(b.cause() == errc::cancelled);
}

BOOST_AUTO_TEST_CASE(messages_of_sessions_are_bounded_too) {
    world w{{.inbox = 2}};
    auto a = w.open();
    for (int i = 0; i < 9; ++i) w.hear("ice", R"({"n":)" + std::to_string(i) + '}');
    operation_result asked;
    w.c->send("you", "x", [&](error_code ec) { asked = ec; });
    w.take();
    BOOST_TEST(!asked); // its reply stands behind
    for (int i = 0; i < 9; ++i) BOOST_TEST(w.from(a).second.data == R"({"n":)" + std::to_string(i) + '}');
    w.poll();
    BOOST_TEST((asked == error_code{}));
}

BOOST_AUTO_TEST_CASE(operations_can_be_cancelled) {
    world w;
    auto a = w.c->start("you");
    asio::cancellation_signal one, two;
    operation_result accepted, received;
    a.accepted(
        asio::bind_cancellation_slot(one.slot(), [&](error_code ec, const std::string&) { accepted = ec; }));
    a.receive(
        asio::bind_cancellation_slot(two.slot(), [&](error_code ec, const incoming&) { received = ec; }));
    one.emit(asio::cancellation_type::total);
    two.emit(asio::cancellation_type::total);
    w.poll();
    BOOST_TEST((accepted == aborted && received == aborted));
    w.take();
    w.hear("session-accept");
    BOOST_TEST(w.accepted(a).first == error_code{}); // it went on
}

BOOST_AUTO_TEST_CASE(does_not_outlive_connection_and_client) {
    world w;
    auto a = w.open();
    auto operation = a.receive();
    w.s.end(errc::stopping, 1001);
    w.poll();
    BOOST_TEST(a.cause() == errc::stopping);
    BOOST_TEST(w.from(a).first == errc::stopping);
    w.s.first.push_back(hello);
    BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(w.io, w.c->connect(w.s.net))) == error_code{});
    auto b = w.open();
    operation_result received, late;
    b.receive([&](error_code ec, const incoming&) { received = ec; });
    w.c.reset();
    w.poll();
    BOOST_TEST((received == aborted));
    BOOST_TEST(b.cause() == aborted);
    BOOST_TEST(code(w.io, b.signal("ice", "{}")) == aborted);
    std::move(operation)([&](error_code ec, const incoming&) { late = ec; });
    w.poll();
    BOOST_TEST((late == aborted));
}

BOOST_AUTO_TEST_CASE(goes_on_where_the_connection_does) {
    for (const bool recovered : {true, false}) {
        client_options options;
        options.reconnect = reconnect_options{};
        options.reconnect->interval = 0ms;
        asio::io_context io;
        script s{io};
        client c{io, options};
        s.first.push_back(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
        BOOST_TEST(std::get<0>(outcome<sigfire::welcome>(io, c.connect(s.net))) == error_code{});
        auto a = c.start("you");
        s.take(io, R"("ok":true)");
        s.say(R"({"cmd":"session-accept","origin":"you"})");
        BOOST_TEST(std::get<0>(outcome<std::string>(io, a.accepted())) == error_code{});
        s.first.push_back(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"U","recovered":)" +
                          std::string{recovered ? R"(true,"received":1)" : "false"} + "}}}");
        s.end(errc::lost, 0);
        BOOST_TEST((receive(io, c).second.kind == incoming_kind::offline));
        BOOST_TEST(!a.cause());
        a.signal("ice", "{}", asio::detached);
        BOOST_TEST(receive(io, c).second.recovered == recovered);
        BOOST_TEST(a.cause() == (recovered ? error_code{} : error_code{errc::lost}));
        if (recovered) s.take(io); // the acknowledgement
        BOOST_TEST(s.take(io) == R"({"cmd":"ice","target":"you","data":{}})");
    }
}

asio::awaitable<void> call(client& c, std::string& heard) {
    auto s = c.start("you", R"({"a":1})");
    heard = co_await s.accepted(asio::use_awaitable);
    co_await s.signal("offer", R"({"offer":1})", asio::use_awaitable);
    const auto in = co_await s.receive();
    heard += in.command;
    co_await s.end();
    heard += '.';
}

BOOST_AUTO_TEST_CASE(coroutines) {
    world w;
    std::string heard;
    asio::co_spawn(w.io, call(*w.c, heard), asio::detached);
    w.take();
    w.hear("session-accept", "7");
    w.take();
    w.hear("answer", R"({"answer":1})");
    w.take();
    BOOST_TEST(heard == "7answer.");
}

BOOST_AUTO_TEST_SUITE_END()
