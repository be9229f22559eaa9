// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/stream_budget.hpp>

#include "support/engine_world.hpp"

#include <sigfire/net/engine/stream_engine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

const strings nothing;

struct ws_world : memory::world<memory::websocket> {
    using memory::world<memory::websocket>::world;
};

// A peer with an address of its own; it says nothing by itself.
struct peer : memory::basic_peer<framing::websocket<framing::role::client>> {
    explicit peer(ws_world& w, std::string address = "192.0.2.1") : basic_peer{w.io} {
        at->address = std::move(address);
    }
    // Opens the connection.
    peer& open(ws_world& w) {
        write(memory::upgrade_request());
        w.run();
        BOOST_TEST_REQUIRE(read_header().starts_with("HTTP/1.1 101 "));
        w.told();
        return *this;
    }
};

memory::options limited(auto change) {
    memory::options o;
    change(o.limits);
    return o;
}

int ends(const strings& told, std::string_view how) {
    return static_cast<int>(std::count_if(
        told.begin(), told.end(), [&](const auto& line) { return std::string_view{line}.ends_with(how); }));
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_budget)

// --- budgets ---

BOOST_AUTO_TEST_CASE(an_address_beyond_its_share_makes_room_for_the_others) {
    ws_world w{limited([](auto& l) { l.incomplete = 1'000'000; })};
    std::deque<peer> honest, greedy;
    strings whole;
    // The honest ones came first, and wait longer: without shares they would go.
    for (int i = 0; i < 5; ++i) {
        auto& p = honest.emplace_back(w, "198.51.100." + std::to_string(i)).open(w);
        p.write(std::string_view{whole.emplace_back(p.sealed(std::string(40'000, 'x')))}.substr(0, 30'000));
        w.advance(10ms);
    }
    for (int i = 0; i < 40; ++i) {
        auto& p = greedy.emplace_back(w, i % 2 ? "192.0.2.66" : "::ffff:192.0.2.66").open(w);
        p.write(p.sealed(std::string(90'000, 'x')).substr(0, 40'000));
        w.advance(10ms);
    }
    w.told();
    const auto gone = std::ranges::count_if(greedy, [](auto& p) { return !p.events().empty(); });
    BOOST_TEST((gone > 15 && gone < 30), gone);
    for (auto& p : honest) BOOST_TEST(p.events() == nothing);
    for (std::size_t i = 0; i < 5; ++i) honest[i].write(std::string_view{whole[i]}.substr(30'000));
    w.run();
    BOOST_TEST(ends(w.told(), "text:40000") == 5);
}

BOOST_AUTO_TEST_CASE(readers_of_an_address_beyond_its_share_make_room_too) {
    ws_world w{limited([](auto& l) { l.unsent = 1'000'000; })};
    std::deque<peer> honest, greedy;
    std::size_t n = 0;
    const auto fill = [&](peer& p, std::size_t size) {
        p.at->room = 0;
        w.send(w[++n], std::string(size, 'x'));
        w.run();
    };
    for (int i = 0; i < 3; ++i)
        fill(honest.emplace_back(w, "198.51.100." + std::to_string(i)).open(w), 120'000);
    for (int i = 0; i < 30; ++i)
        fill(greedy.emplace_back(w, "2001:db8::" + std::to_string(i)).open(w), 50'000);
    const auto gone = std::ranges::count_if(greedy, [](auto& p) { return p.at->server_closed; });
    BOOST_TEST((gone > 10 && gone < 25), gone);
    for (auto& p : honest) BOOST_TEST(!p.at->server_closed);
}

BOOST_AUTO_TEST_CASE(without_another_address_the_largest_reader_goes) {
    ws_world w{limited([](auto& l) { l.unsent = 250'000; })};
    std::deque<peer> all;
    const std::size_t sizes[] = {90'000, 100'000, 70'000};
    for (std::size_t i = 0; i < 3; ++i) {
        all.emplace_back(w).open(w).at->room = 0;
        w.send(w[i + 1], std::string(sizes[i], 'x'));
        w.run();
    }
    BOOST_TEST(w.told() == strings{"2 closed:Slow Consumer"});
}

// --- connections that are opening ---

BOOST_AUTO_TEST_CASE(connections_that_do_not_ask_make_room_for_those_that_do) {
    ws_world w{limited([](auto& l) { l.opening = 10; })};
    std::deque<peer> silent;
    for (int i = 0; i < 25; ++i) silent.emplace_back(w);
    w.run();
    BOOST_TEST(w.engine.connections() == 10u);
    BOOST_TEST(w.engine.counters().opening == 10u);
    BOOST_TEST(w.refusals == nothing, "they may still be on their way");
    peer honest{w};
    honest.write(memory::upgrade_request());
    w.advance(1500ms); // one fifth of the time for a handshake has passed for the first ten
    BOOST_TEST(ends(w.refusals, "Try Again Later") >= 6);
    BOOST_TEST(silent[0].read().starts_with("HTTP/1.1 503 "));
    w.advance(3s);
    BOOST_TEST(honest.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(w.told() == strings{"1 open"});
    for (auto& p : silent) p.reset();
    w.run();
    BOOST_TEST(w.engine.counters().opening == 0u);
    BOOST_TEST(w.engine.counters().open == 1u);
}

BOOST_AUTO_TEST_CASE(a_crowd_is_let_in_without_a_loss) {
    ws_world w{limited([](auto& l) { l.opening = 4; })};
    std::deque<peer> crowd;
    for (int i = 0; i < 100; ++i) crowd.emplace_back(w).write(memory::upgrade_request());
    w.run();
    BOOST_TEST(ends(w.told(), "open") == 100);
    BOOST_TEST(w.refusals == nothing);
}

BOOST_AUTO_TEST_CASE(requests_that_wait_for_a_hook_make_no_room) {
    ws_world w{limited([](auto& l) { l.opening = 2; })};
    w.on_opening = [&](auto& c, const request&) { w.wait(c); };
    std::deque<peer> waiting;
    for (int i = 0; i < 2; ++i) waiting.emplace_back(w).write(memory::upgrade_request());
    w.run();
    peer late{w};
    w.advance(4s);
    BOOST_TEST(w.refusals == nothing);
    BOOST_TEST(w.engine.connections() == 2u, "the third is not accepted yet");
    w.late_accept(w[1]);
    w.late_refuse(w[2], {403, 0, "no"});
    late.write(memory::upgrade_request());
    w.on_opening = nullptr;
    w.advance(1s);
    BOOST_TEST(late.read_header().starts_with("HTTP/1.1 101 "));
}

BOOST_AUTO_TEST_CASE(all_connections_have_a_limit) {
    ws_world w{limited([](auto& l) { l.connections = 3; })};
    std::deque<peer> open;
    for (int i = 0; i < 2; ++i) open.emplace_back(w).open(w);
    peer silent{w}, refused{w};
    refused.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(refused.at->server_reset, "nobody has kept the server waiting for long");
    BOOST_TEST(refused.at->receives == 0u);
    BOOST_TEST(w.refusals == strings{"192.0.2.1 Try Again Later"});
    BOOST_TEST(w.engine.counters().refused(errc::overloaded) == 1u);
    w.advance(2s);
    peer next{w};
    next.open(w);
    BOOST_TEST(silent.read().starts_with("HTTP/1.1 503 "));
    BOOST_TEST(silent.at->server_closed, "a wait for its end would keep its place");
    BOOST_TEST(w.engine.connections() == 3u);
    open[0].reset();
    silent.reset();
    w.run();
    peer{w}.open(w);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_makes_room_and_is_not_refused) {
    ws_world w{limited([](auto& l) { l.connections = 2; })};
    w.on_http = [](const request&, response&) { return true; };
    std::deque<peer> idle;
    for (int i = 0; i < 2; ++i) {
        idle.emplace_back(w).write("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
        w.run();
        BOOST_TEST(idle.back().read().starts_with("HTTP/1.1 200 "));
        w.advance(1500ms);
    }
    peer{w}.open(w);
    BOOST_TEST(idle[0].at->server_closed);
    BOOST_TEST(idle[0].read().empty());
    BOOST_TEST(!idle[1].at->server_closed);
    BOOST_TEST(w.refusals == nothing);
    BOOST_TEST(w.engine.counters().opening == 1u);
}

BOOST_AUTO_TEST_CASE(an_answer_on_its_way_makes_no_room) {
    ws_world w{limited([](auto& l) { l.connections = 1; })};
    w.on_http = [](const request&, response& out) {
        out.body = std::string(5000, 'x');
        return true;
    };
    peer slow{w};
    slow.at->room = 100;
    slow.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    w.advance(1500ms);
    peer next{w};
    w.run();
    BOOST_TEST(next.at->server_reset);
    BOOST_TEST(!slow.at->server_closed);
    slow.at->room = memory::unlimited;
    w.run();
    BOOST_TEST(slow.read().ends_with(std::string(5000, 'x')));
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_makes_no_room_twice) {
    ws_world w{limited([](auto& l) { l.opening = 2; })};
    std::deque<peer> silent;
    for (int i = 0; i < 2; ++i) silent.emplace_back(w);
    w.run();
    w.advance(1500ms);
    std::deque<peer> next;
    for (int i = 0; i < 2; ++i) next.emplace_back(w);
    w.run();
    BOOST_TEST(w.refusals.size() == 2u);
    for (auto& p : silent) BOOST_TEST(p.at->server_closed);
    for (auto& p : next) BOOST_TEST(!p.at->server_closed);
    BOOST_TEST(w.engine.connections() == 2u);
}

// --- bytes per second ---

BOOST_AUTO_TEST_CASE(a_fast_peer_waits) {
    ws_world w{limited([](auto& l) { l.bytes_per_second = 1000, l.bytes_burst = 2000; })};
    peer p{w}, other{w};
    p.open(w), other.open(w);
    const auto message = p.sealed(std::string(492, 'x')); // 500 bytes
    BOOST_TEST_REQUIRE(message.size() == 500u);
    p.at->piece = 500;
    for (int i = 0; i < 20; ++i) p.write(message);
    w.run();
    BOOST_TEST(w.told().size() == 5u, "the burst, and what is beyond is paid later");
    other.say("well");
    w.run();
    BOOST_TEST(w.told() == strings{"2 text:well"});
    std::size_t n = 5;
    for (int i = 0; i < 15; ++i) {
        w.advance(500ms, 50ms);
        n += w.told().size();
        BOOST_TEST(n <= 6u + static_cast<std::size_t>(i));
    }
    BOOST_TEST(n >= 19u);
    BOOST_TEST(p.events() == nothing);
    w.advance(10s);
    p.write(message);
    w.run();
    BOOST_TEST(ends(w.told(), "text:492") >= 1);
}

BOOST_AUTO_TEST_CASE(a_peer_that_waits_may_end) {
    for (const int how : {0, 1, 2}) {
        ws_world w{limited([](auto& l) { l.bytes_per_second = 100, l.bytes_burst = 100; })};
        peer p{w};
        p.open(w);
        p.write(p.sealed(std::string(1000, 'x')));
        w.run();
        BOOST_TEST(w.told() == strings{"1 text:1000"});
        if (how == 0) p.at->hung_up = p.at->peer_reset = true;
        if (how == 1) w[1].close({403, 4403, "no"}, errc::denied);
        if (how == 2) w[1].hold();
        w.run();
        if (how == 2) w[1].release();
        p.say("more");
        w.advance(20s);
        if (how == 2) BOOST_TEST(w.told() == strings{"1 text:more"});
    }
}

BOOST_AUTO_TEST_CASE(a_peer_that_waits_is_not_silent) {
    ws_world w{limited([](auto& l) { l.bytes_per_second = 100, l.bytes_burst = 100; })};
    peer p{w};
    p.open(w);
    p.write(p.sealed(std::string(30'000, 'x')));
    w.run();
    for (int i = 0; i < 29; ++i) w.advance(10s, 1s);
    BOOST_TEST(w.told() == strings{"1 text:30000"});
    p.say("still here");
    w.advance(20s, 1s);
    BOOST_TEST(w.told() == strings{"1 text:still here"});
}

BOOST_AUTO_TEST_SUITE_END()
