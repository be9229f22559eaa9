// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/http_url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace sigfire;
using detail::parse_http_url;

BOOST_AUTO_TEST_SUITE(http_url_)

BOOST_AUTO_TEST_CASE(the_parts_of_a_url) {
    const struct {
        std::string text, origin, authority, target;
    } rows[] = {
        {"http://example.org", "http://example.org:80", "example.org", "/"},
        {"HTTPS://Example.ORG/A?b=C", "https://example.org:443", "example.org", "/A?b=C"},
        {"http://example.org:443/", "http://example.org:443", "example.org:443", "/"},
        {"https://example.org:443/", "https://example.org:443", "example.org", "/"},
        {"https://example.org:80?q", "https://example.org:80", "example.org:80", "/?q"},
        {"http://[::1]:8080/x", "http://[::1]:8080", "[::1]:8080", "/x"},
        {"https://[2001:DB8::1]", "https://[2001:db8::1]:443", "[2001:db8::1]", "/"},
        {"http://10.0.0.1:65535/", "http://10.0.0.1:65535", "10.0.0.1:65535", "/"},
    };
    for (const auto& row : rows) {
        const auto url = parse_http_url(row.text);
        BOOST_TEST_REQUIRE(url.has_value(), row.text);
        BOOST_TEST(url->origin() == row.origin);
        BOOST_TEST(url->authority() == row.authority);
        BOOST_TEST(url->target == row.target);
    }
    BOOST_TEST(parse_http_url("https://[::1]/")->host == "::1");
}

BOOST_AUTO_TEST_CASE(other_texts_are_bad_urls) {
    for (const std::string text : {"",
                                   "http",
                                   "http:/x",
                                   "ws://x",
                                   "httpx://x",
                                   "http://",
                                   "http:///x",
                                   "http://:80",
                                   "http://x:",
                                   "http://x:0",
                                   "http://x:65536",
                                   "http://x:8a",
                                   "http://x:-1",
                                   "http://x:+80",
                                   "http://user@x/",
                                   "http://u:p@x/",
                                   "http://x/#f",
                                   "http://x/ y",
                                   "http://x/\r\nHost: y",
                                   "http://x/\xc3\xa9",
                                   "http://[::1",
                                   "http://[]/",
                                   "http://[::1]x",
                                   "http://[::1]80",
                                   "http://a]b",
                                   "http://a%00b/",
                                   "http://a\\b/",
                                   " http://x"})
        BOOST_TEST((parse_http_url(text).error() == errc::bad_url), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
