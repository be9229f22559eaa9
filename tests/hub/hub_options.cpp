// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/hub_options.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(hub_options_)

// They are promised to users; the tests of hub, deferral and resume show the effect of each.
BOOST_AUTO_TEST_CASE(defaults) {
    const sigfire::hub_options o;
    BOOST_TEST((o.claim_timeout == 2s));
    BOOST_TEST((o.deferral_timeout == 5s));
    BOOST_TEST(o.deferred_messages == 64u);
    BOOST_TEST(o.deferred_bytes == 1u << 20);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
