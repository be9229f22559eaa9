// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/asio/address_block_of.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>

BOOST_AUTO_TEST_SUITE(address_block_of)

BOOST_AUTO_TEST_CASE(one_block_is_one_client) {
    const auto same = [](std::string_view a, std::string_view b) {
        return sigfire::address_block_of(a) == sigfire::address_block_of(b);
    };
    BOOST_TEST(same("192.0.2.1", "192.0.2.1"));
    BOOST_TEST(same("192.0.2.1", "::ffff:192.0.2.1"));
    BOOST_TEST(!same("192.0.2.1", "192.0.2.2"));
    BOOST_TEST(same("2001:db8::1", "2001:db8::ffff:1"));
    BOOST_TEST(!same("2001:db8::1", "2001:db8:0:1::1"));
    BOOST_TEST(!same("::1", "::2"), "special addresses are no networks");
    BOOST_TEST(static_cast<bool>(sigfire::address_block_of("::1")));
    BOOST_TEST(static_cast<bool>(sigfire::address_block_of("2001:db8::")));
}

BOOST_AUTO_TEST_CASE(what_is_no_address_has_no_block) {
    using namespace std::literals;
    for (const auto text :
         {""sv, "host"sv, "192.0.2"sv, "192.0.2.256"sv, "1::2::3"sv, "192.0.2.1\0x"sv, "::"sv})
        BOOST_TEST(!sigfire::address_block_of(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
