// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/base64.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(base64_text)

BOOST_AUTO_TEST_CASE(as_rfc_4648_has_it) { // section 10
    constexpr std::string_view all = "foobar";
    constexpr std::string_view encoded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (std::size_t n = 0; n <= all.size(); ++n) BOOST_TEST(base64(all.substr(0, n)) == encoded[n]);
}

BOOST_AUTO_TEST_CASE(all_letters_and_all_bytes) {
    BOOST_TEST(base64("\xff\xef\xbe\xfb\xff\xbf") == "/++++/+/");
    BOOST_TEST(base64(std::string_view{"\0\x80\xff", 3}) == "AID/");
}

BOOST_AUTO_TEST_CASE(appending_keeps_what_is_there) {
    std::string out = "Basic ";
    append_base64(out, "a:b");
    BOOST_TEST(out == "Basic YTpi");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
