// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/pending_calls.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace {

using sigfire::time_point;
using calls = sigfire::detail::pending_calls<int>;

time_point at(int n) {
    return time_point{std::chrono::milliseconds{n}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(pending_calls)

BOOST_AUTO_TEST_CASE(each_waiter_ends_once) {
    calls c;
    std::string ended;
    const auto note = [&](int w) { ended += std::to_string(w) + ' '; };
    BOOST_TEST((c.deadline() == time_point::max()));
    for (int i = 1; i < 5; ++i) c.wait(static_cast<std::uint64_t>(i), i, at(i));
    BOOST_TEST(c.size() == 4u);
    BOOST_TEST((c.deadline() == at(1)));
    c.forget(2, note);
    c.forget(2, note);
    BOOST_TEST(ended == "2 ");
    c.expire(at(0), note);
    BOOST_TEST(ended == "2 ");
    c.expire(at(3), note);
    BOOST_TEST(ended == "2 1 3 ");
    BOOST_TEST((c.deadline() == at(4)));
    c.expire(time_point::max(), note);
    BOOST_TEST(ended == "2 1 3 4 ");
    BOOST_TEST((c.deadline() == time_point::max()));
    BOOST_TEST(c.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_waiter_may_start_and_end_others) {
    calls c;
    std::string ended;
    for (int i = 1; i < 4; ++i) c.wait(static_cast<std::uint64_t>(i), i, at(i));
    c.expire(at(2), [&](int w) {
        ended += std::to_string(w) + ' ';
        if (w == 1) c.forget(2, [&](int other) { ended += '-' + std::to_string(other) + ' '; });
        if (w == 1) c.wait(9, 9, at(9));
    });
    BOOST_TEST(ended == "1 -2 ");
    BOOST_TEST((c.deadline() == at(3)));
}

BOOST_AUTO_TEST_CASE(some_end_together) {
    calls c;
    for (int i = 1; i < 6; ++i) c.wait(static_cast<std::uint64_t>(i), i, at(i));
    std::string ended;
    c.forget_if([](std::uint64_t n) { return n % 2 == 1; }, [&](int w) { ended += std::to_string(w) + ' '; });
    BOOST_TEST(ended == "1 3 5 ");
    BOOST_TEST(c.size() == 2u);
    BOOST_TEST((c.deadline() == at(2)));
}

BOOST_AUTO_TEST_CASE(waiters_only_move) {
    sigfire::detail::pending_calls<std::unique_ptr<int>> c;
    c.wait(1, std::make_unique<int>(7), at(1));
    int got = 0;
    c.forget(1, [&](std::unique_ptr<int> w) { got = *w; });
    BOOST_TEST(got == 7);
}

BOOST_AUTO_TEST_CASE(numbers) {
    BOOST_TEST(calls::number("1") == 1u);
    BOOST_TEST(calls::number("18446744073709551615") == ~std::uint64_t{0});
    for (const auto none : {"", "0", "-1", "+1", " 1", "1 ", "1x", "x", "0x1", "1.0", "18446744073709551616"})
        BOOST_TEST(calls::number(none) == 0u, none);
}

BOOST_AUTO_TEST_SUITE_END()
