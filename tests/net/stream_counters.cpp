// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/stream_counters.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(stream_counters_)

BOOST_AUTO_TEST_CASE(there_is_a_counter_for_each_cause) {
    stream_counters n;
    for (const auto e : {errc::ok, errc::rate, errc::tls_failed, errc::ended}) {
        BOOST_TEST(n.refused(e) == 0u);
        ++n.refused_by[static_cast<std::size_t>(e)];
        BOOST_TEST(n.refused(e) == 1u);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
