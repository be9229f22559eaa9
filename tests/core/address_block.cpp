// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/address_block.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_set>

BOOST_AUTO_TEST_SUITE(address_blocks)

BOOST_AUTO_TEST_CASE(only_zero_is_none) {
    BOOST_TEST(!sigfire::address_block{});
    BOOST_TEST(static_cast<bool>(sigfire::address_block{0, 1}));
    BOOST_TEST(static_cast<bool>(sigfire::address_block{1, 0}));
    BOOST_TEST((sigfire::address_block{1, 2} == sigfire::address_block{1, 2}));
    BOOST_TEST((sigfire::address_block{1, 2} != sigfire::address_block{1, 3}));
}

BOOST_AUTO_TEST_CASE(blocks_spread_in_a_table) {
    std::unordered_set<std::size_t> seen;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        seen.insert(std::hash<sigfire::address_block>{}({0, 0xffff00000000 + i}) % 4096);
        seen.insert(std::hash<sigfire::address_block>{}({0x20010db800000000 + i, 0}) % 4096);
    }
    BOOST_TEST(seen.size() > 1200u);
}

BOOST_AUTO_TEST_SUITE_END()
