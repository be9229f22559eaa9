// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/log.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>

namespace {

static_assert(sigfire::Log<sigfire::no_log>);
static_assert(std::is_empty_v<sigfire::no_log>);

BOOST_AUTO_TEST_SUITE(logs)

BOOST_AUTO_TEST_CASE(no_log_takes_anything) {
    const sigfire::log_field fields[] = {{"id", "a"}};
    sigfire::no_log l;
    BOOST_CHECK_NO_THROW(l(sigfire::log_level::error, "peer_opened", fields));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
