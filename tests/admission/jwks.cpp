// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/jwks.hpp>

#include "support/print_errc.hpp"
#include "support/web_server.hpp"

#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/hub/hooks.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace sigfire;
using namespace std::chrono_literals;
using web_world::web;

static_assert(KeySource<jwks>);
static_assert(Hook<jwt<jwt_verifier, jwks>>);

// Ed25519 keys of RFC 8037, appendix A.2, under other names.
std::string set_of(std::initializer_list<std::string> names) {
    std::string out = R"({"keys":[)";
    for (const auto& n : names)
        out += (out.ends_with('[') ? "" : ",") + (R"({"kty":"OKP","crv":"Ed25519","kid":")" + n) +
               R"(","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    return out + "]}";
}

struct fixture {
    asio::io_context io;
    web service{io};
    key_set keys;
    std::vector<std::string> failures;

    jwks_options options() {
        jwks_options o;
        o.url = service.url();
        o.pause = 1ms;
        o.on_failure = [this](std::string_view why, std::uint64_t) { failures.emplace_back(why); };
        return o;
    }
    jwks source(jwks_options o) {
        http_client_options c;
        c.proxies.emplace();
        return {std::make_shared<http_client>(io, std::move(c)), keys, std::move(o)};
    }
    void until(const std::function<bool()>& done) {
        for (io.restart(); !done();) BOOST_TEST_REQUIRE(io.run_one_for(10s) != 0u);
    }
    errc fetch(jwks& s, const std::string& kid) {
        std::optional<errc> out;
        asio::co_spawn(io, s.fetch(kid), [&](const std::exception_ptr& thrown, errc e) {
            BOOST_TEST(!thrown);
            out = e;
        });
        until([&] { return out.has_value(); });
        return *out;
    }
    void pass(std::chrono::milliseconds t) { // the pause between two requests
        asio::steady_timer wait{io, t};
        bool over = false;
        wait.async_wait([&](error_code) { over = true; });
        until([&] { return over; });
    }
};

BOOST_FIXTURE_TEST_SUITE(jwks_, fixture)

BOOST_AUTO_TEST_CASE(an_unknown_key_is_fetched_once) {
    service.script = {web::ok(set_of({"a", "b"})), web::ok(set_of({"a", "b", "c"}))};
    auto s = source(options());
    BOOST_TEST(fetch(s, "a") == errc::ok);
    BOOST_TEST((keys.contains("a") && keys.contains("b")));
    BOOST_TEST(fetch(s, "b") == errc::ok); // it came along
    BOOST_TEST(service.heard.size() == 1u);
    pass(2ms);
    BOOST_TEST(fetch(s, "c") == errc::ok);
    BOOST_TEST(service.heard.size() == 2u);
    pass(2ms);
    service.script.push_back(web::ok(set_of({"a"})));
    BOOST_TEST(fetch(s, "d") == errc::unknown);
    BOOST_TEST(!keys.contains("b")); // the server has removed it
    pass(2ms);
    BOOST_TEST(fetch(s, "d") == errc::unknown);
    BOOST_TEST(service.heard.size() == 3u);
    BOOST_TEST(failures.empty());
}

BOOST_AUTO_TEST_CASE(tokens_that_wait_at_once_share_one_request) {
    service.script = {web::ok(set_of({"a"}))};
    auto s = source(options());
    std::vector<std::string> ends;
    asio::cancellation_signal stop;
    const std::vector<std::string> kids{"x", "a", "a", "b"}; // a coroutine has but a reference
    for (const auto& kid : kids)
        asio::co_spawn(io, s.fetch(kid),
                       asio::bind_cancellation_slot(kid == "x" ? stop.slot() : asio::cancellation_slot{},
                                                    [&, kid](const std::exception_ptr&, errc e) {
                                                        ends.push_back(kid + ' ' +
                                                                       std::string{cause_name(e)});
                                                    }));
    until([&] { return service.heard.size() == 1; });
    stop.emit(asio::cancellation_type::terminal); // the request goes on for the others
    until([&] { return ends.size() == 4; });
    std::sort(ends.begin() + 1, ends.end());
    const std::vector<std::string> expected{"a ok", "a ok", "b unknown"};
    BOOST_CHECK_EQUAL_COLLECTIONS(ends.begin() + 1, ends.end(), expected.begin(), expected.end());
    BOOST_TEST(service.heard.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_set_is_fetched_again_only_if_it_changed) {
    service.script = {web::ok(set_of({"a"}), "ETag: \"v1\"\r\nCache-Control: public, max-age=0\r\n"),
                      "HTTP/1.1 304 Same\r\nCache-Control: no-cache\r\n\r\n",
                      web::ok(set_of({"b"}), "ETag: \"v2\"\r\nCache-Control: max-age=3600\r\n")};
    auto o = options();
    o.shortest_life = 5ms;
    auto s = source(o);
    BOOST_TEST(fetch(s, "a") == errc::ok);
    BOOST_TEST(service.heard[0].find("If-None-Match") == std::string::npos);
    until([&] { return service.heard.size() == 2; }); // by itself
    BOOST_TEST(service.heard[1].find("If-None-Match: \"v1\"\r\n") != std::string::npos);
    BOOST_TEST(keys.contains("a"));
    until([&] { return keys.contains("b"); });
    BOOST_TEST(!keys.contains("a"));
    BOOST_TEST(service.heard.size() == 3u);
    BOOST_TEST(failures.empty());
}

BOOST_AUTO_TEST_CASE(other_answers_are_failures_and_change_nothing) {
    keys.replace_by_jwks(set_of({"old"}));
    const std::vector<std::string> answers{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                                           "HTTP/1.1 302 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                                           "HTTP/1.1 304 Same\r\n\r\n", // nobody asked for a comparison
                                           web::ok("<html>"),
                                           web::ok(R"({"keys":{}})"),
                                           web::ok("{}"),
                                           "nonsense\r\n\r\n"};
    for (const auto& answer : answers) {
        service.script = {answer}, service.next = 0;
        failures.clear();
        auto s = source(options());
        BOOST_TEST(fetch(s, "a") == errc::overloaded, answer);
        BOOST_TEST(failures.size() == 1u, answer);
        BOOST_TEST(keys.contains("old"));
    }
}

BOOST_AUTO_TEST_CASE(a_pause_lies_between_two_requests) {
    service.script = {web::ok(set_of({"a"})), web::ok(set_of({"b"}))};
    auto o = options();
    o.pause = 1h;
    auto s = source(o);
    BOOST_TEST(fetch(s, "a") == errc::ok);
    BOOST_TEST(fetch(s, "b") == errc::overloaded);
    BOOST_TEST(service.heard.size() == 1u);
}

BOOST_AUTO_TEST_CASE(keys_that_nobody_confirms_end) {
    service.script = {web::ok(set_of({"a"}), "Cache-Control: max-age=0\r\n")};
    for (int i = 0; i < 100; ++i) service.script.push_back("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    auto o = options();
    o.shortest_life = o.stale = 20ms;
    auto s = source(o);
    BOOST_TEST(fetch(s, "a") == errc::ok);
    until([&] { return !keys.contains("a"); });
    BOOST_TEST(service.heard.size() > 1u);
    BOOST_TEST(failures.size() == 1u);
    s.stop();
}

BOOST_AUTO_TEST_CASE(after_the_stop_nothing_keeps_the_loop_busy) {
    asio::io_context other;
    http_client_options c;
    c.proxies.emplace();
    service.script = {web::ok(set_of({"a"}))};
    jwks s{std::make_shared<http_client>(other, std::move(c)), keys, options()};
    std::optional<errc> out;
    asio::co_spawn(other, s.fetch("a"), [&](const std::exception_ptr&, errc e) { out = e; });
    const auto poll = [&](const auto& done) {
        while (!done()) {
            io.restart();
            io.poll();
            other.restart();
            other.poll();
        }
    };
    poll([&] { return out.has_value(); });
    BOOST_TEST(!other.stopped());
    s.stop();
    poll([&] { return other.stopped(); });
    BOOST_TEST(keys.contains("a"));
}

BOOST_AUTO_TEST_CASE(the_life_that_a_header_says) {
    using detail::cache_life;
    BOOST_TEST((cache_life("max-age=60", "") == 60s));
    BOOST_TEST((cache_life("public, Max-Age = \"60\", must-revalidate", "20") == 40s));
    BOOST_TEST((cache_life("max-age=60", "70") == 0s));
    BOOST_TEST((cache_life("max-age=60", "x") == 60s));
    BOOST_TEST((cache_life("no-cache, max-age=60", "") == 0s));
    BOOST_TEST((cache_life("max-age=60, no-store", "") == 0s));
    BOOST_TEST(!cache_life("", "5"));
    BOOST_TEST(!cache_life("s-maxage=60", ""));
    BOOST_TEST(!cache_life("max-age=-1", ""));
    BOOST_TEST(!cache_life("max-age", ""));
}

BOOST_AUTO_TEST_CASE(wrong_options_are_refused) {
    const auto refused = [&](auto change) {
        auto o = options();
        change(o);
        BOOST_CHECK_THROW(source(o), std::invalid_argument);
    };
    refused([](auto& o) { o.url = "file:///x"; });
    refused([](auto& o) { o.life = 0ms; });
    refused([](auto& o) { o.shortest_life = 0ms; });
    refused([](auto& o) { o.longest_life = 1ms; });
    refused([](auto& o) { o.pause = 0ms; });
    refused([](auto& o) { o.stale = -1ms; });
    refused([](auto& o) { o.unknown = -1ms; });
    BOOST_CHECK_THROW((jwks{nullptr, keys, options()}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
