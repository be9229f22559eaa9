// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/redact.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

BOOST_AUTO_TEST_SUITE(redact)

BOOST_AUTO_TEST_CASE(a_secret_name_contains_a_word_in_any_case) {
    for (const std::string_view name :
         {"token", "Token", "access_token", "X-Token", "AUTHORIZATION", "proxy-authorization", "password",
          "db_passwd", "client-secret", "secret", "credential", "credentials", "Set-Cookie", "api-key",
          "API_KEY", "apikey", "private-key", "to%6ben", "%54OKEN"})
        BOOST_TEST(is_secret_name(name), std::string{name});
    for (const std::string_view name : {"", "id", "remote", "target", "key", "tokn", "tls-key", "secret_file",
                                        "turn-secret-file", "token-path", "%", "%4", "to%6Zken"})
        BOOST_TEST(!is_secret_name(name), std::string{name});
}

BOOST_AUTO_TEST_CASE(a_secret_field_keeps_nothing) {
    BOOST_TEST(redacted("token", "abc") == "***");
    BOOST_TEST(redacted("token", "") == "");
    BOOST_TEST(redacted("id", "abc") == "abc");
    BOOST_TEST(redacted("target", "/x?token=abc") == "/x?token=***");
}

void becomes(std::string_view text, std::string_view expected) {
    BOOST_TEST(redacted(text) == expected);
}

BOOST_AUTO_TEST_CASE(a_query_loses_the_values_of_secret_parameters) {
    becomes("/peerjs?key=peerjs&id=a&token=s3cret&version=1", "/peerjs?key=peerjs&id=a&token=***&version=1");
    becomes("/?access_token=a.b-c~d%20e", "/?access_token=***");
    becomes("/?a=1&%74oken=abc#frag", "/?a=1&%74oken=***#frag");
    becomes("/?token=", "/?token=");
    becomes("/?token=&id=b", "/?token=&id=b");
    becomes("/?token=a&token=b", "/?token=***&token=***");
    becomes("wss://h/?Password=p;x=1", "wss://h/?Password=***;x=1");
}

BOOST_AUTO_TEST_CASE(a_header_loses_its_value_up_to_the_end_of_the_line) {
    becomes("Authorization: Bearer abc.def", "Authorization: ***");
    becomes("GET / HTTP/1.1\r\nAuthorization: Basic dTpw\r\nHost: x\r\n",
            "GET / HTTP/1.1\r\nAuthorization: ***\r\nHost: x\r\n");
    becomes("Cookie: a=1; b=2\nHost: x", "Cookie: ***\nHost: x");
    becomes("bearer abc, and more", "bearer ***, and more");
    becomes("Authorization=Bearer abc def", "Authorization=*** def");
    becomes("the bearer", "the bearer");
    becomes("the bearer ", "the bearer ");
}

BOOST_AUTO_TEST_CASE(a_json_member_loses_its_value_of_any_type) {
    becomes(R"({"id":"a","token":"s\"x","n":1})", R"({"id":"a","token":"***","n":1})");
    becomes(R"({"credential" : "abc", "urls": ["turn:x"]})", R"({"credential" : "***", "urls": ["turn:x"]})");
    becomes(R"({"secrets":["a",{"b":"]"}],"c":1})", R"({"secrets":***,"c":1})");
    becomes(R"({"secret":{"a":{"b":1}},"c":1})", R"({"secret":***,"c":1})");
    becomes(R"({"password":"cut off)", R"({"password":"***")");
    becomes(R"({"password":["cut off)", R"({"password":***)");
    becomes(R"({\"token\":\"abc\"})", R"({\"token\":***)"); // within another text
}

BOOST_AUTO_TEST_CASE(a_web_token_is_a_secret_anywhere) {
    becomes("refused eyJhbGciOiJIUzI1NiJ9.e30.c2ln today", "refused *** today");
    becomes("eyJ.short", "eyJ.short");
}

BOOST_AUTO_TEST_CASE(a_url_loses_its_password) {
    becomes("redis://me:pass@host:1/2", "redis://me:***@host:1/2");
    becomes("http://me@host/a:b@c", "http://me@host/a:b@c");
    becomes("http://a:p@q@host", "http://a:***@host");
    becomes("ws://[::1]:3003", "ws://[::1]:3003");
}

BOOST_AUTO_TEST_CASE(other_text_stays_as_it_is) {
    for (const std::string_view text :
         {"", "peer_opened", "::ffff:192.0.2.1", "token", "no token here", "a=b&c=d", "Zoë € \xff\xfe",
          "token ", "token:", "secret =", "://", "certificate expired: 3 days"})
        becomes(text, text);
}

BOOST_AUTO_TEST_CASE(no_cut_of_a_text_shows_a_secret) {
    const std::string whole =
        "GET wss://u:hidden@h/?id=a&token=hidden HTTP/1.1\r\nAuthorization: Bearer hidden\r\n\r\n"
        R"({"password":"hid\"den","credential":["hidden"],"x":"y"} secret=hidden)";
    for (std::size_t n = 0; n <= whole.size(); ++n) {
        const auto shown = redacted(std::string_view{whole}.substr(0, n));
        // A URL that is cut within its password has no sign of one yet.
        const auto behind = shown.find("h/?") == shown.npos ? std::string{} : shown;
        BOOST_TEST(behind.find("hid") == behind.npos, "first " << n << " bytes give " << shown);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
