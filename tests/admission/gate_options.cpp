// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/gate_options.hpp>

#include "support/print_errc.hpp"

#include <sigfire/admission/detail/gate_table.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(gate_options_)

// A class of pupils behind one address comes at once, and comes again after a restart of the server.
BOOST_AUTO_TEST_CASE(by_default_a_crowd_behind_one_address_comes_in) {
    using namespace std::literals;
    using sigfire::errc;
    const sigfire::gate_options options;
    const auto before = sigfire::clock::now();
    BOOST_TEST((options.now() >= before));
    sigfire::detail::gate_table t{options};
    const sigfire::address_block school{0, 0xffff01020304};
    sigfire::time_point now{1h};
    for (int i = 0; i < 500; ++i) BOOST_TEST(t.enter(school, now) == errc::ok);
    BOOST_TEST(t.enter(school, now) == errc::rate);
    for (int i = 0; i < 500; ++i) t.leave(school);
    now += 25s;
    for (int i = 0; i < 500; ++i) BOOST_TEST(t.enter(school, now) == errc::ok);
    now += 25s;
    for (int i = 0; i < 500; ++i) BOOST_TEST(t.enter(school, now) == errc::ok);
    now += 25s;
    BOOST_TEST(t.enter(school, now) == errc::rate, "1000 connections are enough");
    for (int i = 0; i < 49; ++i) t.failed(school, now);
    BOOST_TEST(!t.is_banned(school, now));
    t.failed(school, now);
    BOOST_TEST(t.is_banned(school, now + 599s));
    BOOST_TEST(!t.is_banned(school, now + 600s));
}

BOOST_AUTO_TEST_SUITE_END()
