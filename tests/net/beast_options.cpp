// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/beast_options.hpp>

#include <sigfire/net/stream_limits.hpp>

#include <boost/test/unit_test.hpp>

namespace {

BOOST_AUTO_TEST_SUITE(beast_options_)

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_sigfires_own_transports) {
    const sigfire::beast_options by_beast;
    const sigfire::stream_limits own;
    BOOST_TEST(by_beast.message == own.message);
    BOOST_TEST(by_beast.outbox == own.outbox);
    BOOST_TEST((by_beast.silence_timeout == own.silence_timeout));
    BOOST_TEST((by_beast.close_timeout == own.close_timeout));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
