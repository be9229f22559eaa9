// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/gate.hpp>

#include "support/print_errc.hpp"

#include <sigfire/observe/prometheus_text.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::literals;
using sigfire::errc, sigfire::gate, sigfire::gate_options, sigfire::outcome;

// The time that all gates of these tests see.
sigfire::time_point at{};

gate_options settings(auto... changes) {
    gate_options o;
    o.connects_per_second = 0;
    o.now = [] { return at; };
    (changes(o), ...);
    return o;
}

struct guarded {
    explicit guarded(gate_options o) : g{std::move(o)}, door(g) {}
    errc enter(std::string_view remote) { return door.enter(remote); }
    void leave(std::string_view remote) { door.leave(remote); }
    void fails(std::string_view remote, errc cause = errc::denied) { g.on_outcome({{}, cause, remote}); }

    gate g;
    sigfire::accept_gate door;
};

} // namespace

BOOST_AUTO_TEST_SUITE(gate)

BOOST_AUTO_TEST_CASE(each_address_has_a_limit) {
    guarded g{settings([](auto& o) { o.per_address = 2; })};
    BOOST_TEST(g.enter("192.0.2.1") == errc::ok);
    BOOST_TEST(g.enter("192.0.2.1") == errc::ok);
    BOOST_TEST(g.enter("192.0.2.1") == errc::rate);
    BOOST_TEST(g.enter("::ffff:192.0.2.1") == errc::rate, "the same address");
    BOOST_TEST(g.enter("192.0.2.2") == errc::ok);
    BOOST_TEST(g.g.connections() == 3u);
    g.leave("192.0.2.1");
    BOOST_TEST(g.g.connections() == 2u);
    BOOST_TEST(g.enter("192.0.2.1") == errc::ok);
    BOOST_TEST(g.enter("192.0.2.1") == errc::rate);
}

BOOST_AUTO_TEST_CASE(a_network_of_ipv6_is_one_address) {
    guarded g{settings([](auto& o) { o.per_address = 1; })};
    BOOST_TEST(g.enter("2001:db8:0:1::1") == errc::ok);
    BOOST_TEST(g.enter("2001:db8:0:1:ffff::2") == errc::rate);
    BOOST_TEST(g.enter("2001:db8:0:2::1") == errc::ok);
}

BOOST_AUTO_TEST_CASE(all_connections_have_a_limit) {
    guarded g{settings([](auto& o) { o.connections = 3; })};
    for (const auto* remote : {"192.0.2.1", "", "127.0.0.1"}) BOOST_TEST(g.enter(remote) == errc::ok);
    for (const auto* remote : {"192.0.2.1", "", "127.0.0.1"}) BOOST_TEST(g.enter(remote) == errc::overloaded);
    g.leave("");
    BOOST_TEST(g.enter("192.0.2.9") == errc::ok);
}

BOOST_AUTO_TEST_CASE(new_connections_have_a_rate) {
    guarded g{settings([](auto& o) { o.connects_per_second = 2, o.connects_burst = 3; })};
    const auto come_and_go = [&] {
        const auto e = g.enter("192.0.2.1");
        if (e == errc::ok) g.leave("192.0.2.1");
        return e;
    };
    for (int i = 0; i < 3; ++i) BOOST_TEST(come_and_go() == errc::ok);
    BOOST_TEST(come_and_go() == errc::rate);
    at += 499ms;
    BOOST_TEST(come_and_go() == errc::rate);
    at += 1ms;
    BOOST_TEST(come_and_go() == errc::ok);
    BOOST_TEST(come_and_go() == errc::rate);
    at += 1h;
    for (int i = 0; i < 3; ++i) BOOST_TEST(come_and_go() == errc::ok);
    BOOST_TEST(come_and_go() == errc::rate);
}

BOOST_AUTO_TEST_CASE(what_is_exempt_has_no_limit_of_its_own) {
    guarded g{settings([](auto& o) { o.per_address = 1, o.failures = 1, o.connects_per_second = 1; })};
    for (int i = 0; i < 600; ++i)
        for (const auto* remote : {"127.0.0.1", "127.9.8.7", "::1", "", "nonsense"}) {
            BOOST_TEST_REQUIRE(g.enter(remote) == errc::ok);
            g.fails(remote);
        }
    BOOST_TEST(!g.g.ban("127.0.0.1", 1h));
    BOOST_TEST(!g.g.ban("nonsense", 1h));
    BOOST_TEST(g.g.bans().empty());
    guarded strict{settings([](auto& o) { o.per_address = 1, o.exempt = {"10.0.0.0/8"}; })};
    BOOST_TEST(strict.enter("127.0.0.1") == errc::ok);
    BOOST_TEST(strict.enter("127.0.0.1") == errc::rate);
    for (int i = 0; i < 2; ++i) BOOST_TEST(strict.enter("10.255.0.1") == errc::ok);
    BOOST_CHECK_THROW(sigfire::gate{settings([](auto& o) { o.exempt = {"10.0.0.0/33"}; })},
                      std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(enough_failures_ban_an_address) {
    guarded g{settings([](auto& o) { o.failures = 3, o.failure_window = 10s, o.ban = 60s; })};
    const auto remote = "198.51.100.7";
    g.fails(remote);
    g.fails(remote, errc::bad_handshake);
    at += 10s; // too late for the third
    g.fails(remote, errc::tls_failed);
    g.fails(remote);
    BOOST_TEST(g.enter(remote) == errc::ok);
    g.fails(remote, errc::id_in_use); // no failure of an admission
    g.fails(remote, errc::rate);
    g.g.on_outcome({{1, 1}, errc::denied, {}}); // a request of a peer
    BOOST_TEST(!g.g.is_banned(remote));
    g.fails(remote);
    BOOST_TEST(g.g.is_banned(remote));
    BOOST_TEST(g.enter(remote) == errc::denied);
    at += 59s;
    for (int i = 0; i < 9; ++i) g.fails(remote); // the refusals themselves
    BOOST_TEST(g.enter(remote) == errc::denied);
    at += 1s;
    BOOST_TEST(!g.g.is_banned(remote));
    BOOST_TEST(g.enter(remote) == errc::ok);
}

BOOST_AUTO_TEST_CASE(the_host_bans_too) {
    guarded g{settings()};
    BOOST_TEST(g.enter("192.0.2.1") == errc::ok);
    BOOST_TEST(g.g.ban("192.0.2.1", 1h));
    BOOST_TEST(g.g.ban("2001:db8::1", 30min));
    BOOST_TEST(g.g.ban("2001:db8:1::1", 1ms));
    at += 1ms;
    BOOST_TEST(g.enter("192.0.2.1") == errc::denied);
    BOOST_TEST(g.enter("2001:db8::2") == errc::denied);
    BOOST_TEST(g.enter("2001:db8:1::2") == errc::ok);
    auto all = g.g.bans();
    BOOST_TEST_REQUIRE(all.size() == 2u);
    if (all[0].address != "192.0.2.1") std::swap(all[0], all[1]);
    BOOST_TEST(all[0].address == "192.0.2.1");
    BOOST_TEST((all[0].remaining == 1h - 1ms));
    BOOST_TEST(all[1].address == "2001:db8::/64");
    sigfire::prometheus_text out;
    g.g.report(out);
    BOOST_TEST(out.text().find("\nsigfire_bans 2\n") != std::string::npos);
    BOOST_TEST(g.g.unban("192.0.2.1"));
    BOOST_TEST(!g.g.unban("192.0.2.1"));
    BOOST_TEST(!g.g.unban("192.0.2.77"));
    BOOST_TEST(g.enter("192.0.2.1") == errc::ok);
}

BOOST_AUTO_TEST_CASE(addresses_are_forgotten) {
    sigfire::detail::gate_table t{settings([](auto& o) { o.addresses = 10, o.failures = 2; })};
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        BOOST_TEST(t.enter({1, i}, at) == errc::ok);
        t.leave({1, i});
    }
    BOOST_TEST(t.size() == 10u);
    t.failed({1, 991}, at); // seen again, so 992 is the oldest
    t.failed({2, 1}, at);
    t.failed({1, 991}, at);
    BOOST_TEST(t.is_banned({1, 991}, at));
    for (std::uint64_t i = 0; i < 20; ++i) BOOST_TEST(t.enter({3, i}, at) == errc::ok); // open ones stay
    BOOST_TEST(t.size() == 30u);
    for (std::uint64_t i = 0; i < 20; ++i) t.leave({3, i});
    BOOST_TEST(t.size() == 10u);
    BOOST_TEST(t.connections() == 0u);
}

BOOST_AUTO_TEST_CASE(threads_share_it) {
    guarded g{settings([](auto& o) { o.per_address = 1'000'000; })};
    std::vector<std::thread> all;
    for (int t = 0; t < 4; ++t)
        all.emplace_back([&, remote = "192.0.2." + std::to_string(t)] {
            for (int i = 0; i < 2000; ++i) {
                g.enter(remote);
                g.fails(remote, errc::closed);
                if (i % 2) g.leave(remote);
            }
        });
    for (auto& t : all) t.join();
    BOOST_TEST(g.g.connections() == 4000u);
}

BOOST_AUTO_TEST_SUITE_END()
