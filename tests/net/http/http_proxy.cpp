// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/http_proxy.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using sigfire::errc, sigfire::detail::parse_http_proxy;

BOOST_AUTO_TEST_SUITE(http_proxy_)

BOOST_AUTO_TEST_CASE(the_parts_of_a_proxy) {
    const auto p = parse_http_proxy("http://us%65r:p%3Aw@Proxy.example:3128/");
    BOOST_TEST_REQUIRE(p.has_value());
    BOOST_TEST((p->host == "proxy.example" && p->port == 3128));
    BOOST_TEST(p->credentials == "Basic dXNlcjpwOnc=");
    BOOST_TEST(parse_http_proxy("proxy.example")->port == 80);
    BOOST_TEST(parse_http_proxy("[::1]:8080")->host == "::1");
    BOOST_TEST(parse_http_proxy("user@proxy.example")->credentials == "Basic dXNlcjo=");
    for (const std::string text : {"https://x", "socks5://x:1080", "http://", "http://x/path", "http://x:0",
                                   "a%3Ab@x", "x y", "http://x?q", "x\r\ny"})
        BOOST_TEST((parse_http_proxy(text).error() == errc::bad_url), text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
