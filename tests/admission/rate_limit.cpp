// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/rate_limit.hpp>

#include "support/print_errc.hpp"

#include <sigfire/core/asio/address_block_of.hpp>
#include <sigfire/observe/prometheus_text.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace {

using namespace std::literals;
using sigfire::errc, sigfire::peer_handle, sigfire::rate_limit_options;
namespace event = sigfire::event;

struct limited {
    explicit limited(rate_limit_options o) : hook{std::move(o)} {}

    peer_handle open(std::uint32_t slot, std::string remote, event::rate_terms rate = {}) {
        sigfire::admission a;
        a.address = sigfire::address_block_of(remote);
        a.rate = rate;
        BOOST_TEST(hook.on_admit({}, a) == errc::ok);
        granted = a.rate;
        hook.on_open({slot, 1}, a);
        return {slot, 1};
    }

    // How many events of this type pass at once; `wait` is what the next one is told.
    template <class E = event::send>
    int passes(peer_handle from, std::string_view command = "x", int most = 10'000) {
        for (int n = 0; n < most; ++n) {
            sigfire::message_context context{from, "id", now};
            E e;
            e.command = command;
            const auto cause = hook.on_message(context, e);
            wait = context.wait();
            if (cause == errc::ok) continue;
            BOOST_TEST(cause == errc::rate);
            BOOST_TEST(wait.count() > 0);
            return n;
        }
        return most;
    }

    sigfire::rate_limit hook;
    sigfire::time_point now{1h};
    std::chrono::milliseconds wait{};
    event::rate_terms granted{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(rate_limit)

BOOST_AUTO_TEST_CASE(a_peer_has_a_rate) {
    limited l{{.per_second = 4, .burst = 10, .address_per_second = 0}};
    const auto a = l.open(0, "192.0.2.1"), b = l.open(1, "192.0.2.1");
    BOOST_TEST(l.granted.per_second == 4u);
    BOOST_TEST(l.granted.burst == 10u);
    BOOST_TEST(l.passes(a) == 10);
    BOOST_TEST((l.wait == 250ms));
    BOOST_TEST(l.passes(b) == 10);
    l.now += 750ms;
    BOOST_TEST(l.passes(a) == 3);
    l.now += 1h;
    BOOST_TEST(l.passes(a) == 10);
}

BOOST_AUTO_TEST_CASE(a_hook_in_front_may_grant_another) {
    limited l{{.per_second = 4, .burst = 10, .address_per_second = 0}};
    const auto a = l.open(0, "192.0.2.1", {50, 60});
    BOOST_TEST(l.granted.per_second == 50u);
    BOOST_TEST(l.passes(a) == 60);
    BOOST_TEST((l.wait == 20ms));
}

BOOST_AUTO_TEST_CASE(a_token_may_grant_another) {
    limited l{{.per_second = 4, .burst = 10}};
    const auto granted = [&](std::uint32_t rate, std::uint32_t burst) {
        sigfire::admission a;
        sigfire::grants g;
        g.message_rate = rate;
        g.message_burst = burst;
        a.attached.put(g);
        BOOST_TEST(l.hook.on_admit({}, a) == errc::ok);
        return std::pair{a.rate.per_second, a.rate.burst};
    };
    BOOST_TEST((granted(7, 70) == std::pair{7u, 70u}));
    BOOST_TEST((granted(7, 0) == std::pair{7u, 7u}));
    BOOST_TEST((granted(0, 70) == std::pair{4u, 10u}));
}

BOOST_AUTO_TEST_CASE(an_address_has_one_for_all_its_peers) {
    limited l{{.per_second = 0, .address_per_second = 2, .address_burst = 5}};
    const auto a = l.open(0, "2001:db8::1"), b = l.open(1, "2001:db8::2"), c = l.open(2, "2001:db8:1::1");
    const auto local = l.open(3, "");
    BOOST_TEST(l.passes(a, "x", 3) == 3);
    BOOST_TEST(l.passes(b) == 2);
    BOOST_TEST((l.wait == 500ms));
    BOOST_TEST(l.passes(a) == 0);
    BOOST_TEST(l.passes(c) == 5);
    BOOST_TEST(l.passes(local) == 10'000, "without an address there is none");
}

BOOST_AUTO_TEST_CASE(a_new_connection_does_not_fill_the_bucket_of_its_address) {
    limited l{{.per_second = 100, .burst = 3, .address_per_second = 1, .address_burst = 5}};
    const auto a = l.open(0, "192.0.2.1");
    BOOST_TEST(l.passes(a) == 3);
    l.hook.on_close(a, errc::closed);
    const auto again = l.open(0, "192.0.2.1");
    BOOST_TEST(l.passes(again) == 2);
    BOOST_TEST((l.wait == 1s));
}

BOOST_AUTO_TEST_CASE(a_refused_message_costs_nothing) {
    limited l{{.per_second = 1, .burst = 10, .address_per_second = 1, .address_burst = 100}};
    const auto a = l.open(0, "192.0.2.1"), b = l.open(1, "192.0.2.1");
    BOOST_TEST(l.passes(a) == 10);
    for (int i = 0; i < 1000; ++i) BOOST_TEST(l.passes(a) == 0);
    BOOST_TEST((l.wait == 1s));
    BOOST_TEST(l.hook.refused() == 1001u);
    BOOST_TEST(l.passes(b) == 10);
    sigfire::prometheus_text out;
    l.hook.report(out);
    BOOST_TEST(out.text().ends_with("\nsigfire_rate_limited_total 1002\n"), out.text());
}

BOOST_AUTO_TEST_CASE(what_costs_the_server_more_costs_more) {
    const auto in_all = [](auto e) {
        limited l{{.per_second = 1, .burst = 100, .address_per_second = 0}};
        return l.passes<decltype(e)>(l.open(0, "192.0.2.1"));
    };
    BOOST_TEST(in_all(event::send{}) == 100);
    BOOST_TEST(in_all(event::request{}) == 100);
    BOOST_TEST(in_all(event::custom{}) == 100);
    BOOST_TEST(in_all(event::info{}) == 50);
    BOOST_TEST(in_all(event::exists{}) == 50);
    BOOST_TEST(in_all(event::join{}) == 20);
    BOOST_TEST(in_all(event::publish{}) == 20);
    BOOST_TEST(in_all(event::update{}) == 20);
    BOOST_TEST(in_all(event::lookup{}) == 10);
    BOOST_TEST(in_all(event::watch{}) == 10);
    BOOST_TEST(in_all(event::authenticate{}) == 10);
    BOOST_TEST(in_all(event::create{}) == 20);
}

BOOST_AUTO_TEST_CASE(commands_have_rates_too) {
    limited l{
        {.per_second = 1000, .burst = 1000, .commands = {{"offer", 2, 3}, {"ring", 1, 1}, {"free", 0, 1}}}};
    const auto a = l.open(0, "192.0.2.1"), b = l.open(1, "192.0.2.1");
    BOOST_TEST(l.passes(a, "offer") == 3);
    BOOST_TEST((l.wait == 500ms));
    BOOST_TEST(l.passes(a, "ring") == 1);
    BOOST_TEST(l.passes(a, "free", 20) == 20);
    BOOST_TEST(l.passes(a, "other", 20) == 20);
    BOOST_TEST(l.passes(b, "offer") == 3);
    l.now += 500ms;
    BOOST_TEST(l.passes(a, "offer") == 1);
}

BOOST_AUTO_TEST_CASE(addresses_are_forgotten) {
    limited l{{.per_second = 0, .address_per_second = 10, .address_burst = 10}};
    const auto lasting = l.open(1, "198.51.100.1");
    for (int i = 0; i < 20'000; ++i) {
        const auto p = l.open(0, "10.0." + std::to_string(i >> 8) + '.' + std::to_string(i & 255));
        BOOST_TEST(l.passes(p, "x", 5) == 5);
        l.hook.on_close(p, errc::closed);
        if (i % 100 == 0) l.now += 1s;
    }
    BOOST_TEST(l.hook.addresses() < 2500u);
    BOOST_TEST(l.passes(lasting) == 10);
    l.hook.on_close({77, 1}, errc::closed); // was never opened
    BOOST_TEST(l.passes({78, 1}) == 10'000);
}

BOOST_AUTO_TEST_SUITE_END()
