// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/stream_limits.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(stream_limits)

// They are promised to users; the tests of the engine show the effect of each.
BOOST_AUTO_TEST_CASE(defaults) {
    const sigfire::stream_limits l;
    BOOST_TEST(l.message == 1u << 20);
    BOOST_TEST(l.outbox == 4u << 20);
    BOOST_TEST(l.incomplete == std::size_t{256} << 20);
    BOOST_TEST(l.header == 8192u);
    BOOST_TEST(l.idle_frames == 1000u);
    BOOST_TEST((l.handshake_timeout == 5s));
    BOOST_TEST((l.ping_interval == 30s));
    BOOST_TEST((l.silence_timeout == 60s));
    BOOST_TEST((l.turn == 5ms));
    BOOST_TEST(l.unsent == std::size_t{1} << 30);
    BOOST_TEST((l.write_timeout == 10s));
    BOOST_TEST((l.message_timeout == 10s));
    BOOST_TEST((l.message_deadline == 60s));
    BOOST_TEST(l.body == 64u << 10);
    BOOST_TEST((l.close_timeout == 5s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
