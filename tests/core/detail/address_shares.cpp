// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/address_shares.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(address_shares)

BOOST_AUTO_TEST_CASE(an_address_gets_a_quarter) {
    sigfire::detail::address_shares s{100};
    const sigfire::address_block a{1, 0}, b{0, 0xffff00000001}, nobody{};
    BOOST_TEST(s.take(a, 20));
    BOOST_TEST(!s.take(a, 6));
    BOOST_TEST(s.take(a, 5));
    BOOST_TEST(!s.take(a, 1));
    BOOST_TEST(s.take(a, 0));
    BOOST_TEST(!s.take(b, 26));
    BOOST_TEST(s.take(b, 25));
    BOOST_TEST(!s.take(nobody, 51));
    BOOST_TEST(s.take(nobody, 50), "without an address, only the whole counts");
    BOOST_TEST(s.used() == 100u);
    s.give(a, 5);
    BOOST_TEST(!s.take({2, 0}, 6));
    BOOST_TEST(s.take({2, 0}, 5));
    s.give(a, 20), s.give(b, 25), s.give({2, 0}, 5), s.give(nobody, 50);
    BOOST_TEST(s.used() == 0u);
    BOOST_TEST(s.take(a, 25));
    BOOST_TEST(!s.take(a, ~std::size_t{0}));
}

BOOST_AUTO_TEST_CASE(a_small_budget_is_of_use) {
    sigfire::detail::address_shares one{1}, none{0};
    BOOST_TEST(one.take({1, 0}, 1));
    BOOST_TEST(!one.take({2, 0}, 1));
    BOOST_TEST(!none.take({1, 0}, 1));
    BOOST_TEST(none.take({1, 0}, 0));
    none.give({1, 0}, 0);
}

BOOST_AUTO_TEST_SUITE_END()
