// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/connect_plan.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace std::literals;
using sigfire::time_point;
using plan = sigfire::detail::connect_plan;

time_point at(std::chrono::milliseconds t) {
    return time_point{1h + t};
}

std::string begun(plan& p, time_point now) {
    std::string out;
    while (const auto i = p.next(now)) out += std::to_string(*i);
    return out;
}

std::string expired(plan& p, time_point now) {
    std::string out;
    p.expire(now, [&](std::size_t i) { out += std::to_string(i); });
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(connect_plan)

BOOST_AUTO_TEST_CASE(families_take_turns) {
    const auto order = [](std::string addresses) {
        const auto turns = sigfire::detail::by_turns(std::vector<char>(addresses.begin(), addresses.end()),
                                                     [](char c) { return c >= 'a'; });
        return std::string(turns.begin(), turns.end());
    };
    BOOST_TEST(order("") == "");
    BOOST_TEST(order("a") == "a");
    BOOST_TEST(order("abcABC") == "aAbBcC");
    BOOST_TEST(order("ABCa") == "AaBC");
    BOOST_TEST(order("aABC") == "aABC");
    BOOST_TEST(order("abc") == "abc");
}

BOOST_AUTO_TEST_CASE(the_next_begins_after_a_delay) {
    plan p{3, 5s};
    BOOST_TEST(begun(p, at(0ms)) == "0");
    BOOST_TEST((p.deadline() == at(250ms)));
    BOOST_TEST(begun(p, at(249ms)) == "");
    BOOST_TEST(begun(p, at(250ms)) == "1");
    BOOST_TEST(begun(p, at(600ms)) == "2");
    BOOST_TEST((p.deadline() == at(5s)));
    BOOST_TEST(begun(p, at(2s)) == "");
    BOOST_TEST(!p.over());
}

BOOST_AUTO_TEST_CASE(a_failure_hurries_the_next) {
    plan p{3, 5s};
    BOOST_TEST(begun(p, at(0ms)) == "0");
    p.failed(0);
    BOOST_TEST(begun(p, at(10ms)) == "1");
    BOOST_TEST((p.deadline() == at(260ms)));
    p.failed(1);
    BOOST_TEST(begun(p, at(20ms)) == "2");
    BOOST_TEST(!p.over());
    p.failed(2);
    BOOST_TEST(p.over());
    BOOST_TEST((p.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(each_has_its_own_limit) {
    plan p{2, 1s};
    BOOST_TEST(begun(p, at(0ms)) == "0");
    BOOST_TEST(begun(p, at(250ms)) == "1");
    BOOST_TEST(expired(p, at(999ms)) == "");
    BOOST_TEST(expired(p, at(1s)) == "0");
    BOOST_TEST(!p.over());
    BOOST_TEST((p.deadline() == at(1250ms)));
    BOOST_TEST(expired(p, at(1250ms)) == "1");
    BOOST_TEST(p.over());
    plan slow{2, 100ms}; // shorter than the delay: the next begins when the time is up
    begun(slow, at(0ms));
    BOOST_TEST((slow.deadline() == at(100ms)));
    BOOST_TEST(expired(slow, at(100ms)) == "0");
    BOOST_TEST(begun(slow, at(100ms)) == "1");
}

BOOST_AUTO_TEST_CASE(nothing_to_try) {
    plan p{0, 1s};
    BOOST_TEST(begun(p, at(0ms)) == "");
    BOOST_TEST(p.over());
}

BOOST_AUTO_TEST_SUITE_END()
