// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/big_endian.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string_view>

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(detail_big_endian)

BOOST_AUTO_TEST_CASE(most_significant_byte_first) {
    const char bytes[] = "\x81\x02\xf3\x04\x05\x06\x07\x88";
    BOOST_TEST(load_big<std::uint16_t>(bytes) == 0x8102u);
    BOOST_TEST(load_big<std::uint32_t>(bytes) == 0x8102f304u);
    BOOST_TEST(load_big<std::uint64_t>(bytes) == 0x8102f30405060788u);
    char out[9] = "--------";
    store_big(out, std::uint64_t{0x8102f30405060788});
    BOOST_TEST(std::string_view(out) == std::string_view(bytes));
    store_big(out, std::uint16_t{0x4142});
    BOOST_TEST(std::string_view(out).substr(0, 3) == "AB\xf3");
}

BOOST_AUTO_TEST_SUITE_END()
