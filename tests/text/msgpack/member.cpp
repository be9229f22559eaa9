// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/msgpack/member.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>

using namespace sigfire::detail;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(msgpack_member)

BOOST_AUTO_TEST_CASE(several_members) {
    std::string_view a = "?", b = "?";
    const auto find = [&](std::string_view bytes) {
        a = b = "?";
        return msgpack_members(bytes, {{"a", &a}, {"b", &b}});
    };
    // the last of equal names; one that is bytes, and one that is a number
    BOOST_TEST(find("\x85\xa1"
                    "a\x01\xa1"
                    "b\x91\xc0\xd9\x01"
                    "a\xa1x\xc4\x01"
                    "b\x02\x07\x08"));
    BOOST_TEST((a == "\xa1x"));
    BOOST_TEST((b == "\x91\xc0"));
    BOOST_TEST(find("")); // a map without members
    BOOST_TEST(a == "?"); // stays as it is
    BOOST_TEST(find("\x80"));
    for (const auto none : {"\x90"sv, "\x07"sv, "\x81"sv, "\x81\xa1"sv, "\x80\x80"sv, "\x81\xa1\xff\x01"sv,
                            "\x81\x01\xc1"sv, "\xdf\xff\xff\xff\xff"sv})
        BOOST_TEST(!find(none));
}

BOOST_AUTO_TEST_SUITE_END()
