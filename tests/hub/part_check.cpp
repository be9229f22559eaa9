// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/part_check.hpp>

#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/hub_options.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace sigfire;

struct some_hub {};

BOOST_AUTO_TEST_SUITE(part_check_)

// The sentences themselves are in tests/compile_fail; here is what must not be taken for a fault.
BOOST_AUTO_TEST_CASE(telltales) {
    const auto by_request = [](const request&) { return std::string{}; };
    const auto with_hub = [](const request&, response&, some_hub&) {};
    const auto with_other_hub = [](const request&, response&, std::string&) {};
    const auto of_strings = [](log_level, std::string, std::string) {};
    BOOST_TEST((detail::looks_like_a_handler<decltype(by_request), some_hub>));
    BOOST_TEST((detail::answers_with_void<decltype(with_hub), some_hub>));
    BOOST_TEST(!(detail::looks_like_a_handler<decltype(with_other_hub), some_hub>));
    BOOST_TEST(!(detail::looks_like_a_handler<decltype(of_strings), some_hub>));
    BOOST_TEST(detail::looks_like_a_log<decltype(of_strings)>);
    BOOST_TEST(!detail::looks_like_a_log<decltype(with_hub)>);
    BOOST_TEST(detail::is_named_options<topics_options>());
    BOOST_TEST(detail::is_named_options<hub_options>());
    BOOST_TEST(!detail::is_named_options<topics>());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
