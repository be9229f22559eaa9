// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/token_bucket.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace {

using namespace std::literals;
using sigfire::token_bucket;
const sigfire::time_point start{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(token_bucket)

BOOST_AUTO_TEST_CASE(what_is_spent_grows_again) {
    sigfire::token_bucket b;
    BOOST_TEST((b.wait(10, start, 4, 10) == 0ms), "it begins full");
    for (int i = 0; i < 10; ++i) BOOST_TEST(b.take(1, start, 4, 10));
    BOOST_TEST(!b.take(1, start, 4, 10));
    BOOST_TEST((b.wait(1, start, 4, 10) == 250ms));
    BOOST_TEST((b.wait(5, start, 4, 10) == 1250ms));
    BOOST_TEST(!b.take(1, start + 249ms, 4, 10));
    BOOST_TEST(b.take(1, start + 250ms, 4, 10));
    BOOST_TEST((b.wait(1, start + 2h, 4, 10) == 0ms));
    BOOST_TEST(b.take(10, start + 2h, 4, 10), "full, and no more than that");
    BOOST_TEST(!b.take(1, start + 2h, 4, 10));
}

BOOST_AUTO_TEST_CASE(a_cost_beyond_its_size_takes_all) {
    sigfire::token_bucket b;
    BOOST_TEST(b.take(1, start, 1, 3));
    BOOST_TEST(!b.take(100, start, 1, 3));
    BOOST_TEST((b.wait(100, start, 1, 3) == 1s));
    BOOST_TEST(b.take(100, start + 1s, 1, 3));
    BOOST_TEST((b.wait(100, start + 1s, 1, 3) == 3s));
    BOOST_TEST((b.wait(1, start + 1s, 1, 3) == 1s));
}

BOOST_AUTO_TEST_CASE(without_a_rate_there_is_no_limit) {
    sigfire::token_bucket b;
    for (int i = 0; i < 1000; ++i) BOOST_TEST(b.take(1e9, start, 0, 1));
    BOOST_TEST((b.wait(1e9, start, 0, 1) == 0ms));
    BOOST_TEST(b.take(10, start, 1e-30, 10));
    BOOST_TEST((b.wait(1, start, 1e-30, 10) == 1'000'000'000'000ms), "it is never too long to be told");
}

BOOST_AUTO_TEST_CASE(time_that_goes_back_adds_nothing) {
    sigfire::token_bucket b;
    BOOST_TEST(b.take(1, start, 1, 1));
    BOOST_TEST(!b.take(1, start - 1h, 1, 1));
    BOOST_TEST(!b.take(1, start + 999ms, 1, 1));
    BOOST_TEST(b.take(1, start + 1s, 1, 1));
}

BOOST_AUTO_TEST_SUITE_END()
