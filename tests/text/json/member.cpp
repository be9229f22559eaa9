// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/json/member.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

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

BOOST_AUTO_TEST_CASE(several_members) {
    std::string_view a = "?", b = "?";
    const auto find = [&](std::string_view text, bool trusted = false) {
        a = b = "?";
        return json_members(text, {{"a", &a}, {"b", &b}}, trusted);
    };
    BOOST_TEST(find(R"({"b":[1],"c":2,"\u0061":3})"));
    BOOST_TEST(a == "3");
    BOOST_TEST(b == "[1]");
    BOOST_TEST(find("")); // an object without members
    BOOST_TEST(a == "?"); // stays as it is
    BOOST_TEST(find("{}"));
    for (const auto none : {"[]", "7", "{", R"({"a":1)", R"({"a":1}x)", R"({"a":01})", R"({"a":[1,]})", " "})
        BOOST_TEST(!find(none), none);
    BOOST_TEST(find(R"({"a":[01],"b":2})", true)); // not looked into
    BOOST_TEST(a == "[01]");
}

BOOST_AUTO_TEST_CASE(names) {
    char room[json_name_room];
    BOOST_TEST(json_name(R"("a")", room) == "a");
    BOOST_TEST(json_name(R"("\u0061\"")", room) == "a\"");
    const std::string x(252, 'x');
    const auto joined = [](std::initializer_list<std::string_view> parts) {
        std::string all;
        for (const auto part : parts) all += part; // by + g++ 12 warns of copies that cannot be
        return all;
    };
    BOOST_TEST(json_name(joined({"\"", x, R"(\u0061")"}), room) == joined({x, "a"}));
    BOOST_TEST(json_name(joined({"\"", x, "xxxxxxxx", R"(\u0061")"}), room) == ""); // no room for that
    for (const auto none : {"", "\"\"", "7", "{}", R"("\ud800")"})
        BOOST_TEST(json_name(none, room) == "", none);
}

BOOST_AUTO_TEST_CASE(elements) {
    const auto all = [](std::string_view array) {
        std::string out;
        json_elements(array, [&](std::string_view e) { (out += e) += ';'; });
        return out;
    };
    BOOST_TEST(all(R"([1, [2,3] ,{"a":[]},"x,]"])") == R"(1;[2,3];{"a":[]};"x,]";)");
    for (const auto none : {"", "[]", "[ ]", "{}", "7"}) BOOST_TEST(all(none) == "", none);
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
