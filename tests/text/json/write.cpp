// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/json/write.hpp>

#include <sigfire/text/json/object.hpp>
#include <sigfire/text/json/scan.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire::detail;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(json_write)

BOOST_AUTO_TEST_CASE(pieces) {
    const auto write = [](auto& out) {
        out.literal("[");
        out.raw("1");
        out.literal(",");
        out.string("a\"\n\xc3\xa9");
        out.literal(",\"");
        out.text("\\");
        out.literal("\",");
        out.number(-7);
        out.literal(",");
        out.number(~std::uint64_t{0});
        out.literal(",");
        out.number(INT64_MIN);
        out.literal(",");
        out.boolean(true);
        out.literal(",");
        out.boolean(false);
        out.literal("]");
    };
    const auto expected =
        "[1,\"a\\\"\\u000a\xc3\xa9\",\"\\\\\",-7,18446744073709551615,-9223372036854775808,true,false]"s;
    json_writer counted{count_sink{}};
    write(counted);
    BOOST_TEST(counted.size() == expected.size());
    std::vector<char> room(expected.size());
    json_writer out{room.data()};
    write(out);
    BOOST_TEST(out.size() == expected.size());
    BOOST_TEST(std::string(room.data(), room.size()) == expected);
    std::string text;
    json_writer appended{string_sink{text}};
    write(appended);
    BOOST_TEST(text == expected);
}

// Strings of every length with any byte at any place, there and back.
BOOST_AUTO_TEST_CASE(strings) {
    for (std::size_t n = 1; n < 70; ++n)
        for (std::size_t at = 0; at < n; ++at)
            for (const char odd : {'"', '\\', '\0', '\n', '\x1f', '\x7f', 'x', '/'}) {
                std::string name(n, 'a');
                name[at] = odd;
                std::string text;
                json_writer{string_sink{text}}.string(name);
                BOOST_TEST(text.size() <= json_text_bound(name) + 2);
                json_scanner scan{text};
                BOOST_TEST((scan.value() == text && scan.finished()), text);
                std::vector<char> room(n + 4);
                BOOST_TEST(json_unescape(json_contents(text), room.data(), room.size()) == name);
                BOOST_TEST(json_plain(name) == (text == '"' + name + '"'), text);
            }
    BOOST_TEST(json_plain(""));
    BOOST_TEST(!json_plain("\xc3\xa9")); // costs only time
}

BOOST_AUTO_TEST_CASE(objects) {
    BOOST_TEST(json_object{}.take() == "");
    BOOST_TEST(json_object{}.text("a", "\"").number("b", 7).json("c", "[1, 2]").json("d", "").take() ==
               R"({"a":"\"","b":7,"c":[1, 2]})");
    for (const auto bad : {"{", "[1,]", "1 2", "\x01", "x"})
        BOOST_TEST(json_object{}.number("a", 1).json("b", bad).take() == "{", bad);
}

BOOST_AUTO_TEST_SUITE_END()
