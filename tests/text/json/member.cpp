// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/json/member.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(json_member_)

BOOST_AUTO_TEST_CASE(members) {
    const std::string object = R"( {"a" : 1, "b":{"a":[2]}, "\u0063":"x", "a":{"d":null} })";
    BOOST_TEST(json_member(object, "a") == R"({"d":null})"); // the last counts
    BOOST_TEST(json_member(object, "b") == R"({"a":[2]})");
    BOOST_TEST(json_member(object, "c") == R"("x")");
    BOOST_TEST(json_member(object, "d") == "");
    BOOST_TEST(json_member(json_member(object, "b"), "a") == "[2]");
    for (const auto none : {"", "{}", "[]", "7", "null", "\"a\"", "[{\"a\":1}]"})
        BOOST_TEST(json_member(none, "a") == "", none);
}

BOOST_AUTO_TEST_CASE(strings) {
    BOOST_TEST(json_string(R"("a\"\u00e9")") == "a\"\xc3\xa9");
    BOOST_TEST(json_string("\"" + std::string(5000, 'x') + "\"").size() == 5000u);
    for (const auto none : {"", "\"\"", "7", "{}", R"("\ud800")"}) BOOST_TEST(json_string(none) == "", none);
}

BOOST_AUTO_TEST_CASE(unsigned_numbers) {
    BOOST_TEST((json_unsigned("0") == std::uint64_t{0}));
    BOOST_TEST((json_unsigned("18446744073709551615") == ~std::uint64_t{0}));
    for (const auto none : {"", "-1", "1.0", "1e2", "\"1\"", "null", "18446744073709551616"})
        BOOST_TEST(!json_unsigned(none), none);
}

BOOST_AUTO_TEST_SUITE_END()
