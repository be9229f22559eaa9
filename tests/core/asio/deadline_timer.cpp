// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/asio/deadline_timer.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace {

using namespace std::literals;
using sigfire::clock, sigfire::time_point;

struct owner : std::enable_shared_from_this<owner> {
    explicit owner(boost::asio::io_context& io) : timer{io.get_executor()} {}

    void arm(time_point due) { timer.arm(due, weak_from_this()); }
    void tick(time_point now) { ticks.push_back(now); }

    sigfire::detail::deadline_timer timer;
    std::vector<time_point> ticks;
};

} // namespace

BOOST_AUTO_TEST_SUITE(deadline_timer)

BOOST_AUTO_TEST_CASE(goes_off_at_the_earliest_and_once) {
    boost::asio::io_context io;
    const auto o = std::make_shared<owner>(io);
    const auto first = clock::now() - 1s;
    o->arm(time_point::max());
    BOOST_TEST(io.run() == 0u); // nothing to wait for
    io.restart();
    o->arm(clock::now() + 1h);
    o->arm(first);
    o->arm(clock::now() + 2h);
    io.run();
    BOOST_TEST(o->ticks.size() == 1u);
    BOOST_TEST((o->ticks.at(0) >= first));
    io.restart();
    o->arm(first); // again, once it has gone off
    io.run();
    BOOST_TEST(o->ticks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(is_never_early) {
    boost::asio::io_context io;
    const auto o = std::make_shared<owner>(io);
    const auto due = clock::now() + 2ms;
    o->arm(due);
    io.run();
    BOOST_TEST_REQUIRE(o->ticks.size() == 1u);
    BOOST_TEST((o->ticks[0] >= due));
}

BOOST_AUTO_TEST_CASE(can_be_cancelled_and_outlived) {
    boost::asio::io_context io;
    auto o = std::make_shared<owner>(io);
    o->arm(clock::now() + 1h);
    o->timer.cancel();
    io.run();
    BOOST_TEST(o->ticks.empty());
    io.restart();
    o->arm(clock::now() - 1s);
    o.reset();
    io.run(); // and nobody to tell
}

BOOST_AUTO_TEST_SUITE_END()
