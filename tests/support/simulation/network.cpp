// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "support/simulation/network.hpp"

#include "support/simulation/transport.hpp"
#include <sigfire/test/transport_laws.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using script = std::vector<std::string>;

// A peer of the laws; it may be copied.
struct dialled {
    test::link* wire;
    std::shared_ptr<script> got = std::make_shared<script>();

    void send(std::string text) { wire->send(std::move(text)); }
    script take() { return std::exchange(*got, {}); }
    bool ended() const { return !wire->open(); }
    void hang_up() { wire->close(); }
    void stall() { wire->stall(); }
};

// A listening sink that says what it is told.
struct teller {
    struct state {
        std::string name;
    };
    using connection = test::transport::connection<state>;
    [[maybe_unused]] static constexpr bool checks_utf8 = false;

    script told{};
    std::map<std::string, connection*> open{};
    time_point now{}, due = time_point::max();

    void opening(connection& c, const request& r) {
        c.state().name = r.query("id");
        told.push_back(c.state().name + " opens" +
                       std::string{r["Sec-WebSocket-Protocol"].empty() ? "" : " by HTTP"});
        open[c.state().name] = &c;
        c.accept({});
    }
    void received(connection& c, message m) { told.push_back(c.state().name + ": " + std::string{m.view()}); }
    void alive(connection& c) { told.push_back(c.state().name + " lives"); }
    void closed(connection& c, errc why) {
        told.push_back(c.state().name + " " + std::string{cause_name(why)});
        open.erase(c.state().name);
    }
    bool http(const request&, response&) { return false; }
    time_point tick(time_point t) {
        now = t;
        if (due <= t) {
            told.push_back("due");
            due = time_point::max();
        }
        return due;
    }
};

bool say(teller::connection& c, std::string_view text) {
    char* const p = c.reserve(message_type::text, text.size());
    if (p == nullptr) return false;
    text.copy(p, text.size());
    c.commit(text.size());
    return true;
}

struct breaches : test::network_observer {
    script laws;
    void broken_law(const test::link*, const char* what) override { laws.push_back(what); }
};

struct bench {
    breaches broken;
    test::network net;
    teller sink;
    test::transport::engine<teller::state, teller> engine{test::transport{net}, sink};
    script heard;

    explicit bench(test::network_options o = {}) : net(1, o, &broken) {
        error_code ec;
        engine.open(ec);
    }

    test::link& connect(const std::string& name) {
        auto& l = net.connect("/?id=" + name);
        l.on_message = [this, name](std::string& text) { heard.push_back(name + " hears " + text); };
        l.on_end = [this, name](const ending& e, errc why) {
            heard.push_back(name + " ends: " + std::string{cause_name(why)} + " " +
                            std::to_string(e.close_code));
        };
        net.run(100ms);
        return l;
    }

    void told(const script& expected) {
        const auto got = std::exchange(sink.told, {});
        BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
    }
    void said(const script& expected) {
        const auto got = std::exchange(heard, {});
        BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
    }
};

BOOST_AUTO_TEST_SUITE(networks)

BOOST_AUTO_TEST_CASE(numbers_are_the_same_everywhere) {
    test::generator g{1234567};
    BOOST_TEST(g.next() == 6457827717110365317u);
    BOOST_TEST(g.next() == 3203168211198807973u);
    BOOST_TEST(g.next() == 9817491932198370423u);
    unsigned seen[5] = {};
    for (int i = 0; i < 5000; ++i) ++seen[g.below(5)];
    for (const auto n : seen) BOOST_TEST((n > 800u && n < 1200u));
    for (int i = 0; i < 100; ++i) {
        BOOST_TEST(!g.chance(0));
        BOOST_TEST(g.chance(100));
        BOOST_TEST((g.up_to(3ms) <= 3ms && g.up_to(0ms) == 0ms));
    }
}

BOOST_AUTO_TEST_CASE(due_actions_run_in_order_of_time) {
    test::virtual_clock c;
    std::string done;
    const auto start = c.now();
    c.after(2ms, [&] { done += 'c'; });
    c.after(1ms, [&] {
        done += 'a';
        c.after(0ms, [&] { done += 'b'; });
    });
    c.after(2ms, [&] { done += 'd'; });
    BOOST_TEST((c.next() == start + 1ms));
    BOOST_TEST(!c.run_one());
    c.advance(start + 1ms);
    while (c.run_one()) {}
    BOOST_TEST(done == "ab");
    c.advance(start + 5ms);
    c.advance(start);
    BOOST_TEST((c.now() == start + 5ms));
    while (c.run_one()) {}
    BOOST_TEST(done == "abcd");
    BOOST_TEST((c.next() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(it_keeps_the_laws_of_a_transport) {
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
        const std::size_t message = 300'000, outbox = 100'000;
        test::network net{seed, {.message = message, .outbox = outbox}};
        std::map<std::string, int> broken;
        test::transport_laws(
            test::transport{net}, message, outbox,
            [&](const std::string&) {
                dialled d{&net.connect("/")};
                d.wire->on_message = [got = d.got](std::string& text) { got->push_back(text); };
                return d;
            },
            [&](auto condition) {
                for (int i = 0; i < 10'000; ++i) {
                    if (condition()) return true;
                    net.turn(net.clock.now() + 1ms);
                }
                return condition();
            },
            [&](bool holds, const char* law) {
                if (!holds) ++broken[law];
            });
        for (const auto& [law, n] : broken) BOOST_ERROR("seed " << seed << ": " << law);
    }
}

BOOST_AUTO_TEST_CASE(both_sides_learn_of_a_cut_and_travelling_messages_are_lost) {
    bench b;
    auto& l = b.connect("a");
    b.told({"a opens"});
    l.send("lost");
    say(*b.sink.open["a"], "lost too");
    b.net.turn();
    l.cut();
    l.send("too late");
    b.net.run(10s);
    b.told({"a lost"});
    b.said({"a ends: lost 0"});
    BOOST_TEST((!l.open() && l.broken() && l.told()));
}

BOOST_AUTO_TEST_CASE(a_peer_that_vanished_is_missed_when_it_does_not_answer) {
    bench b;
    auto& l = b.connect("a");
    l.vanish();
    BOOST_TEST(b.sink.open["a"]->ping());
    b.net.run(1ms);
    b.told({"a opens"});
    b.net.run(70s);
    b.told({"a pong_timeout"});
    b.said({});
}

BOOST_AUTO_TEST_CASE(a_ping_is_answered_by_a_peer_that_reads) {
    bench b;
    auto& l = b.connect("a");
    b.sink.open["a"]->ping();
    b.net.run(1s);
    b.told({"a opens", "a lives"});
    l.stall();
    say(*b.sink.open["a"], "one");
    b.sink.open["a"]->ping();
    b.net.run(1s);
    l.send("talks though it does not read");
    b.net.run(1s);
    b.said({});
    l.read();
    b.net.run(1s);
    b.told({"a: talks though it does not read", "a lives"});
    b.said({"a hears one"});
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_is_cut_when_its_outbox_is_full) {
    bench b{{.outbox = 100}};
    auto& l = b.connect("a");
    l.stall();
    auto& c = *b.sink.open["a"];
    BOOST_TEST(say(c, std::string(200, 'x')));
    BOOST_TEST(!c.room(1));
    BOOST_TEST(!say(c, "y"));
    BOOST_TEST((l.cause() == errc::slow_consumer));
    b.net.run(10s);
    b.told({"a opens", "a slow_consumer"});
    b.said({"a ends: lost 0"});
}

BOOST_AUTO_TEST_CASE(a_server_that_closes_says_so_behind_all_else) {
    bench b;
    b.connect("a");
    auto& c = *b.sink.open["a"];
    say(c, "last words");
    c.close({400, 4001, "enough"}, errc::denied);
    BOOST_TEST(!say(c, "more"));
    b.net.run(10s);
    b.told({"a opens", "a denied"});
    b.said({"a hears last words", "a ends: denied 4001"});
    BOOST_TEST(b.broken.laws.empty());
}

BOOST_AUTO_TEST_CASE(wrong_use_is_told) {
    bench b;
    auto& l = b.connect("a");
    BOOST_TEST(b.net.connect("/", "chat").asked()["sec-websocket-protocol"] == "chat");
    auto& c = *b.sink.open["a"];
    c.reserve(message_type::text, 3);
    c.room(1);
    c.commit(4);
    c.commit(1);
    c.accept({});
    c.refuse({});
    l.close();
    b.net.run(10s);
    c.reserve(message_type::text, 1);
    c.room(1);
    c.hold();
    c.release();
    c.ping();
    c.close({}, errc::closed);
    const script expected{"an operation between reserve and commit",
                          "commit of unreserved bytes",
                          "commit of unreserved bytes",
                          "a second answer to the upgrade",
                          "a second answer to the upgrade",
                          "reserve after closed",
                          "room after closed",
                          "hold after closed",
                          "release after closed",
                          "ping after closed",
                          "close after closed"};
    BOOST_CHECK_EQUAL_COLLECTIONS(b.broken.laws.begin(), b.broken.laws.end(), expected.begin(),
                                  expected.end());
}

BOOST_AUTO_TEST_CASE(the_sink_is_called_when_it_wants_to_be) {
    bench b;
    b.sink.due = b.net.clock.now() + 7s;
    b.connect("a");
    b.told({"a opens"});
    b.net.run(6s);
    b.told({});
    b.net.run(1s);
    b.told({"due"});
    b.sink.due = b.net.clock.now() + 1s;
    b.connect("b");
    b.net.run(10s);
    b.told({"b opens", "due"});
}

BOOST_AUTO_TEST_CASE(an_engine_that_stops_takes_nobody_and_cuts_the_rest) {
    bench b;
    b.connect("a");
    b.told({"a opens"});
    bool done = false;
    b.engine.stop(1s, [&] { done = true; });
    auto& late = b.connect("b");
    b.said({"b ends: denied 1001"});
    BOOST_TEST((late.told() && !done));
    b.net.run(10s);
    b.told({"a lost"});
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
