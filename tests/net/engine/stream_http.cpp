// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/stream_http.hpp>

#include "support/engine_world.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using world = memory::world<memory::websocket>;
using peer = memory::basic_peer<framing::websocket<framing::role::client>>;
using strings = std::vector<std::string>;

std::string get(std::string_view fields = {}, std::string_view target = "/") {
    return "GET " + std::string{target} + " HTTP/1.1\r\nHost: x\r\n" + std::string{fields} + "\r\n";
}

std::string post(std::string_view body, std::string_view fields = {}) {
    return "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string{fields} + "\r\n" + std::string{body};
}

constexpr std::string_view alive = "Connection: keep-alive\r\n";

// Answers with what it was asked.
bool echo(const request& r, response& out) {
    out.body = std::string{r.method} + ' ' + std::string{r.target} + ' ' + std::string{r.body};
    return true;
}

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t n = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
    return n;
}

BOOST_AUTO_TEST_SUITE(stream_http)

BOOST_AUTO_TEST_CASE(handlers_get_the_body) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{50}})
        for (const auto& bytes :
             {post("hello"), std::string{"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"}}) {
            world w;
            w.on_http = echo;
            peer p{w.io};
            p.at->piece = piece;
            p.write(bytes);
            w.run();
            const auto answer = p.read();
            BOOST_TEST(answer.starts_with("HTTP/1.1 200 OK\r\n"));
            BOOST_TEST(answer.ends_with("\r\n\r\nPOST /p hello"));
            BOOST_TEST(p.at->server_shut);
            BOOST_TEST(w.engine.counters().incomplete == 0u);
        }
}

BOOST_AUTO_TEST_CASE(bodies_have_a_limit_and_a_deadline) {
    world w;
    int asked = 0;
    w.on_http = [&](const request& r, response& out) { return ++asked, echo(r, out); };
    peer largest{w.io}, larger{w.io}, chunks{w.io}, late{w.io};
    largest.write(post(std::string(64 << 10, 'x')));
    larger.write(post(std::string((64 << 10) + 1, 'x')));
    chunks.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 50'000; ++i) chunks.write("1\r\nx\r\n");
    late.write(post("hello").substr(0, post("hello").size() - 1));
    w.run();
    BOOST_TEST(largest.read().starts_with("HTTP/1.1 200 "));
    BOOST_TEST(larger.read().starts_with("HTTP/1.1 413 "));
    BOOST_TEST(chunks.read().starts_with("HTTP/1.1 413 "));
    BOOST_TEST(late.read() == "");
    w.advance(7s);
    BOOST_TEST(late.read().starts_with("HTTP/1.1 408 "));
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(a_client_that_waits_for_100_is_told_to_go_on) {
    world w;
    w.on_http = echo;
    peer p{w.io};
    const auto all = post("hello", "Expect: 100-continue\r\n");
    p.write(all.substr(0, all.size() - 5));
    w.run();
    BOOST_TEST(p.read() == "HTTP/1.1 100 Continue\r\n\r\n");
    p.write("hel");
    w.run();
    p.write("lo");
    w.run();
    BOOST_TEST(p.read().ends_with("\r\n\r\nPOST /p hello"));
}

BOOST_AUTO_TEST_CASE(a_connection_is_kept_if_the_client_asks_for_it) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}}) {
        world w;
        w.on_http = echo;
        peer p{w.io};
        p.at->piece = piece;
        p.write(get(alive, "/1") + post("two", alive));
        w.run();
        const auto both = p.read();
        BOOST_TEST(count(both, "Connection: keep-alive\r\n") == 2u);
        BOOST_TEST(both.find("GET /1 ") != both.npos);
        BOOST_TEST(both.ends_with("POST /p two"));
        BOOST_TEST(!p.at->server_shut);
        w.advance(4s);
        p.write(get({}, "/3"));
        w.run();
        const auto last = p.read();
        BOOST_TEST(count(last, "Connection: close\r\n") == 1u);
        BOOST_TEST(p.at->server_shut);
    }
}

BOOST_AUTO_TEST_CASE(a_kept_connection_has_a_deadline_and_may_be_upgraded) {
    world w;
    w.on_http = echo;
    peer idle{w.io}, upgraded{w.io}, stalls{w.io};
    for (auto* p : {&idle, &upgraded, &stalls}) p->write(get(alive));
    w.run();
    upgraded.read();
    upgraded.write(memory::upgrade_request());
    stalls.read();
    stalls.write("GET /");
    w.advance(7s);
    BOOST_TEST(idle.read().starts_with("HTTP/1.1 200 "));
    BOOST_TEST(idle.at->server_shut);
    BOOST_TEST(upgraded.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(stalls.read().starts_with("HTTP/1.1 408 "));
    BOOST_TEST(w.told() == strings{"1 open"});
}

BOOST_AUTO_TEST_CASE(many_requests_in_one_write_are_answered_in_order) {
    world w;
    w.on_http = echo;
    peer p{w.io};
    std::string all;
    for (int i = 0; i < 1000; ++i) all += get(alive, "/" + std::to_string(i));
    p.write(all);
    w.run();
    const auto answers = p.read();
    std::size_t at = 0;
    for (int i = 0; i < 1000; ++i) {
        at = answers.find("GET /" + std::to_string(i) + ' ', at);
        BOOST_TEST_REQUIRE(at != answers.npos);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_later) {
    for (const bool kept : {false, true}) {
        world w;
        later_answer answer;
        w.on_http = [&](const request& r, response& out) {
            if (r.target == "/next") return echo(r, out);
            answer = r.answer_later();
            BOOST_TEST(static_cast<bool>(answer));
            return true;
        };
        peer p{w.io};
        p.write(get(kept ? alive : "", "/later") + get({}, "/next"));
        w.run();
        BOOST_TEST(p.read() == "");
        BOOST_TEST(static_cast<bool>(answer));
        answer.send(response{200, "text/plain", "here", {}});
        BOOST_TEST(!answer);
        answer.send(response{200, "text/plain", "twice", {}});
        w.io.poll();
        w.run();
        const auto r = p.read();
        BOOST_TEST(count(r, "here") == 1u);
        BOOST_TEST(count(r, "twice") == 0u);
        BOOST_TEST(count(r, "GET /next") == (kept ? 1u : 0u));
        BOOST_TEST(p.at->server_shut);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_that_does_not_come_is_503) {
    world w{memory::options{.limits = {.answers = 2}}};
    std::vector<later_answer> answers;
    w.on_http = [&](const request& r, response& out) {
        answers.push_back(r.answer_later());
        if (answers.back()) return true;
        out.status = 503;
        out.body = "busy";
        return true;
    };
    peer dropped{w.io}, late{w.io}, one_too_many{w.io};
    for (auto* p : {&dropped, &late, &one_too_many}) p->write(get());
    w.run();
    BOOST_TEST(one_too_many.read().ends_with("busy"));
    answers.erase(answers.begin());
    w.run();
    BOOST_TEST(dropped.read().starts_with("HTTP/1.1 503 "));
    w.advance(9s);
    BOOST_TEST(late.read() == "");
    w.advance(3s);
    BOOST_TEST(late.read().starts_with("HTTP/1.1 503 "));
    BOOST_TEST(!answers[0]);
    answers[0].send({});
    w.run();
    BOOST_TEST(late.read() == "");
}

BOOST_AUTO_TEST_CASE(a_client_may_go_before_its_answer_and_an_answer_may_outlive_the_server) {
    later_answer answer, outlives;
    {
        world w;
        w.on_http = [&](const request& r, response&) {
            (r.target == "/1" ? answer : outlives) = r.answer_later();
            return true;
        };
        peer p{w.io}, q{w.io};
        p.write(get({}, "/1"));
        q.write(get({}, "/2"));
        w.run();
        p.reset();
        w.run();
        BOOST_TEST(!answer);
        answer.send({});
        BOOST_TEST(static_cast<bool>(outlives));
    }
    BOOST_TEST(!outlives);
    outlives.send({});
}

BOOST_AUTO_TEST_CASE(an_answer_put_off_and_then_not_wanted_is_none) {
    for (const bool throws : {false, true}) {
        world w;
        later_answer answer;
        w.on_http = [&](const request& r, response&) -> bool {
            answer = r.answer_later();
            if (throws) throw std::runtime_error{"broken handler"};
            return false;
        };
        peer p{w.io};
        p.write(get());
        w.run();
        BOOST_TEST(p.read().starts_with(throws ? "HTTP/1.1 500 " : "HTTP/1.1 426 "));
        answer.send({});
        w.run();
        BOOST_TEST(p.read() == "");
    }
}

BOOST_AUTO_TEST_CASE(an_upgrade_to_something_else_is_ignored) {
    world w;
    w.on_http = echo;
    peer p{w.io};
    p.write(get(
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
        "/page"));
    w.run();
    BOOST_TEST(p.read().starts_with("HTTP/1.1 200 OK\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
