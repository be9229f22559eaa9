// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/token_source.hpp>

#include <sigfire/admission/bearer.hpp>
#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(token_source)

BOOST_AUTO_TEST_CASE(the_first_place_with_a_token_counts) {
    const struct {
        std::vector<header> headers;
        std::string_view target, token;
    } rows[] = {
        {{}, "/", ""},
        {{{"Authorization", "Bearer h"}}, "/?token=q", "h"},
        {{{"Authorization", "bEaReR \t h "}}, "/", "h"},
        {{{"Authorization", "Basic h"}}, "/?token=q", "q"},
        {{{"Authorization", "Bearer h"}, {"Sec-WebSocket-Protocol", "bearer.p"}}, "/?token=q", "h"},
        {{{"Authorization", "Bearer "}}, "/?token=q", ""},
        {{{"Sec-WebSocket-Protocol", "bearer.p"}}, "/?token=q", "q"},
        {{{"Sec-WebSocket-Protocol", "bearer.p"}}, "/?token=", "p"},
        {{{"Sec-WebSocket-Protocol", "sigfire.v1.json, bearer.a.b-c_d, bearer.other"}}, "/", "a.b-c_d"},
        {{{"Sec-WebSocket-Protocol", "x"}, {"sec-websocket-protocol", "bearer.p"}}, "/", "p"},
        {{{"Sec-WebSocket-Protocol", "bearer"}}, "/", ""},
        {{{"Sec-WebSocket-Protocol", "Bearer.p"}}, "/", ""},
        {{{"Sec-WebSocket-Protocol", "my-bearer.p"}}, "/", ""},
        {{{"Sec-WebSocket-Protocol", "bearer."}}, "/", ""},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.target << ' ' << (row.headers.empty() ? "" : row.headers.back().value))
    BOOST_TEST(token_of({"GET", row.target, row.headers, {}}) == row.token);
}

BOOST_AUTO_TEST_CASE(codecs_do_not_see_a_token_among_the_subprotocols) {
    const header offers[] = {{"Sec-WebSocket-Protocol", "bearer.p, a, bearer.q, b"}};
    const request r{"GET", "/", offers, {}};
    std::vector<std::string> seen;
    BOOST_TEST(!r.any_subprotocol([&](std::string_view s) {
        seen.emplace_back(s);
        return false;
    }));
    BOOST_TEST((seen == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(r.any_subprotocol([](std::string_view s) { return s == "b"; }));
    BOOST_TEST(!r.any_subprotocol([](std::string_view s) { return s == "bearer.q"; }));
}

BOOST_AUTO_TEST_CASE(the_server_never_answers_with_the_token) {
    const auto answer = [](std::string offers) {
        boost::asio::io_context io;
        server srv{memory::websocket{io},
                   hooks{bearer{[](std::string_view token) { return token == "secret"; }}}};
        memory::basic_peer<framing::websocket<framing::role::client>> p{io};
        p.write(memory::upgrade_request("Sec-WebSocket-Protocol: " + offers + "\r\n"));
        memory::run(io);
        return p.read_header();
    };
    const auto chosen = answer("bearer.secret, sigfire.v1.json");
    BOOST_TEST(chosen.starts_with("HTTP/1.1 101 "), chosen);
    BOOST_TEST(chosen.find("\r\nSec-WebSocket-Protocol: sigfire.v1.json\r\n") != chosen.npos, chosen);
    BOOST_TEST(chosen.find("secret") == chosen.npos);
    const auto unknown = answer("bearer.secret, mine");
    BOOST_TEST(unknown.find("\r\nSec-WebSocket-Protocol: mine\r\n") != unknown.npos, unknown);
    const auto alone = answer("bearer.secret");
    BOOST_TEST(alone.starts_with("HTTP/1.1 101 "), alone);
    BOOST_TEST(alone.find("Sec-WebSocket-Protocol") == alone.npos, alone);
    BOOST_TEST(answer("bearer.wrong").starts_with("HTTP/1.1 401 "));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
