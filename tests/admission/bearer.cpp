// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/bearer.hpp>

#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(auth)

constexpr auto knows = [](std::string_view token) { return token == "a secret"; };
static_assert(Hook<bearer<decltype(knows)>>);

BOOST_AUTO_TEST_CASE(a_token_stands_in_the_header_or_in_the_query) {
    const struct {
        std::vector<header> headers;
        std::string_view target;
        bool in;
    } rows[] = {
        {{{"Authorization", "Bearer a secret"}}, "/", true},
        {{{"authorization", "bEARER   a secret"}}, "/", true},
        {{}, "/?token=a+secret", true},
        {{}, "/x?y=1&token=a%20secret", true},
        {{{"Authorization", "Basic YTpi"}}, "/?token=a+secret", true},
        {{{"Authorization", "Bearer wrong"}}, "/?token=a+secret", false},
        {{{"Authorization", "Bearer a secret"}}, "/?token=wrong", true},
        {{{"Authorization", "Bearer "}}, "/", false},
        {{{"Authorization", "Bearera secret"}}, "/", false},
        {{{"Authorization", "a secret"}}, "/", false},
        {{{"Authorization", "Bearer a secretly"}}, "/", false},
        {{}, "/?token=wrong", false},
        {{}, "/?token=", false},
        {{}, "/?tokens=a+secret", false},
        {{}, "/", false},
        {{}, "", false},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT((row.headers.empty() ? "" : row.headers[0].value) << " " << row.target) {
            bearer hook{knows};
            admission a;
            BOOST_TEST((hook.on_admit({"GET", row.target, row.headers, {}}, a) == errc::ok) == row.in);
            BOOST_TEST(a.refused_as.has_value() != row.in);
        }
}

BOOST_AUTO_TEST_CASE(no_token_is_not_even_checked) {
    bearer hook{[](std::string_view) { return true; }};
    admission a;
    BOOST_TEST((hook.on_admit({}, a) == errc::denied));
    BOOST_TEST_REQUIRE(a.refused_as.has_value());
    BOOST_TEST((a.refused_as->http_status == 401 && a.refused_as->close_code == 4401));
}

BOOST_AUTO_TEST_CASE(a_refusal_asks_for_a_token) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}, hooks{bearer{knows}}};
    memory::basic_peer<framing::websocket<framing::role::client>> p{io};
    p.write(memory::upgrade_request());
    memory::run(io);
    const auto answer = p.read();
    BOOST_TEST(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), answer);
    BOOST_TEST(answer.find("\r\nContent-Type: text/plain") != answer.npos);
    BOOST_TEST(answer.find("\r\nWWW-Authenticate: Bearer\r\n") != answer.npos);
    BOOST_TEST(answer.ends_with("\r\n\r\nMissing or invalid token"));
}

BOOST_AUTO_TEST_CASE(the_token_may_give_the_peer_its_id) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}, hooks{bearer{[](std::string_view token, admission& a) {
                            a.id = token.substr(0, token.find(':'));
                            return token.ends_with(":pass");
                        }}}};
    memory::basic_peer<framing::websocket<framing::role::client>> p{io}, q{io};
    p.write(memory::upgrade_request("Authorization: Bearer ann:pass\r\n"));
    q.write(memory::upgrade_request({}, "/?token=ann:word"));
    memory::run(io);
    p.read_header();
    BOOST_TEST(p.events().at(0).ends_with(R"("data":{"id":"ann"}})"));
    BOOST_TEST(q.read().starts_with("HTTP/1.1 401 "));
}

BOOST_AUTO_TEST_CASE(ids_come_from_the_request_or_a_generator) {
    const auto admit = [](auto hook, std::string_view target, std::string id = {}) {
        static_assert(sigfire::Hook<decltype(hook)>);
        sigfire::admission a;
        a.id = std::move(id);
        BOOST_TEST((hook.on_admit({"GET", target, {}, {}}, a) == sigfire::errc::ok));
        return a;
    };
    using sigfire::requested_id;
    BOOST_TEST(admit(requested_id{}, "/?id=al%20ice").id == "al ice");
    BOOST_TEST(admit(requested_id{}, "/").id == "");
    BOOST_TEST(admit(requested_id{}, "/?id=eve", "alice").id == "alice");
    BOOST_TEST(admit(requested_id{"name"}, "/?id=eve&name=bob").id == "bob");
    BOOST_TEST(!admit(requested_id{}, "/?id=alice").permanent);
    BOOST_TEST(admit(requested_id{"id", true}, "/?id=alice").permanent);
    BOOST_TEST(!admit(requested_id{"id", true}, "/").permanent);

    const auto next = sigfire::generated_id{[n = 0]() mutable { return "robot-" + std::to_string(++n); }};
    BOOST_TEST(admit(next, "/").id == "robot-1");
    BOOST_TEST(admit(next, "/").id_generated); // no wish of the peer
    BOOST_TEST(admit(next, "/", "alice").id == "alice");
    BOOST_TEST(!admit(next, "/", "alice").id_generated);
    BOOST_TEST(!admit(requested_id{}, "/?id=alice").id_generated);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
