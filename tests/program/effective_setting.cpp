// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/effective_setting.hpp"

#include <boost/test/unit_test.hpp>

#include <string_view>
#include <vector>

namespace {

BOOST_AUTO_TEST_SUITE(program_effective_setting)

using list = std::vector<effective_setting>;
constexpr std::string_view reloadable[] = {"level", "origins"};

BOOST_AUTO_TEST_CASE(a_reload_applies_some_changes_and_names_the_others) {
    const list before{
        {"level", "info", "default"}, {"topics", "1", "f:1"}, {"port", "2", "f:2"}, {"origins", "a", "f:3"}};
    const auto all = changes_of(before,
                                list{{"level", "debug", "f:9"},
                                     {"topics", "5", "f:1"},
                                     {"port", "3", "f:2"},
                                     {"origins", "b c", "f:3"}},
                                reloadable);
    BOOST_TEST(all.applied == "level origins");
    BOOST_TEST(all.needs_restart == "topics port");
}

BOOST_AUTO_TEST_CASE(another_place_of_the_same_value_is_no_change) {
    const auto none = changes_of(list{{"level", "info", "default", true}, {"topics", "1", "f:1"}},
                                 list{{"level", "info", "f:1", false}, {"topics", "1", "f:7"}}, reloadable);
    BOOST_TEST(none.applied == "");
    BOOST_TEST(none.needs_restart == "");
}

BOOST_AUTO_TEST_CASE(a_setting_that_was_not_there_has_changed) {
    const auto one = changes_of(list{}, list{{"origins", "a", "f:1"}}, reloadable);
    BOOST_TEST(one.applied == "origins");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
