// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/hello_request.hpp>

#include "support/engine_world.hpp"

#include <sigfire/admission/bearer.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/server.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;
using peer = memory::basic_peer<framing::length>;

void same(const texts& got, const texts& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

const std::string hello = R"({"cmd":"hello"})";

/// An engine that asks for a hello.
struct world : memory::world<memory::lengths> {
    explicit world(memory::options o = {}) : memory::world<memory::lengths>{asking(std::move(o))} {
        on_opening = [this](connection& c, const request& r) {
            asked = std::string{r.target} + " " + std::string{r["Authorization"]} + " " +
                    std::string{r.hello.bytes};
            accept(c);
        };
    }
    static memory::options asking(memory::options o) {
        o.hello = true;
        return o;
    }

    std::string asked; // for, by the last that was let in
};

std::string read(std::string_view text) {
    detail::hello_request said;
    if (const errc wrong = said.read(text); wrong != errc::ok) return cause_name(wrong).data();
    const auto r = said.view();
    BOOST_TEST((r.method.empty() && r.headers.size() <= 1u));
    return std::string{r.target} + "|" + std::string{r["Authorization"]} + "|" + std::string{r.hello.bytes};
}

BOOST_AUTO_TEST_SUITE(hello_request)

BOOST_AUTO_TEST_CASE(it_stands_for_a_request) {
    const std::pair<std::string, std::string> rows[] = {
        {hello, "/||"},
        {R"( {"data":{},"cmd":"hel\u006co","id":0} )", "/||"},
        {R"({"cmd":"hello","id":7})", "/||7"},
        {R"({"cmd":"hello","id":"a"})", R"(/||"a")"},
        {R"({"cmd":"hello","id":")" + std::string(255, 'x') + "\"}",
         "/||"}, // a token that is too long is none
        {R"({"cmd":"hello","data":{"token":"a \u0022b"}})", R"(/|Bearer a "b|)"},
        {R"({"cmd":"hello","data":{"id":"a b&c=\u00e9"}})", "/?id=a%20b%26c%3D%C3%A9||"},
        {R"({"cmd":"hello","data":{"resume":""}})", "/?resume=||"},
        {R"({"cmd":"hello","data":{"id":"a","resume":"t","received":7,"more":[]}})",
         "/?id=a&resume=t&received=7||"},
        {R"({"cmd":"hello","data":{"id":"","token":"","received":-1}})", "/||"},
        {"\x82\xa3"
         "cmd\xa5hello\xa2id\x05",
         std::string{"/||"} + '\x05'},
        {"\x82\xa3"
         "cmd\xa5hello\xa4"
         "data\x83\xa5token\xa1t\xa2id\xa1i\xa8received\x09",
         "/?id=i&received=9|Bearer t|"},
        {"", "bad_handshake"},
        {"{}", "bad_handshake"},
        {R"({"cmd":7})", "bad_handshake"},
        {R"({"cmd":"join","id":1,"topic":"t"})", "bad_handshake"},
        {"\x81\xa3"
         "cmd\xa4join",
         "bad_handshake"},
        {"null", "malformed"},
        {R"([{"cmd":"hello"}])", "malformed"},
        {hello + "x", "malformed"},
        {R"({"cmd":"hello")", "malformed"},
        {R"({"cmd":"hello","data":"a"})", "malformed"},
        {R"({"cmd":"hello","data":{"token":7}})", "malformed"},
        {R"({"cmd":"hello","data":{"id":["a"]}})", "malformed"},
        {R"({"cmd":"hello","data":{"resume":true}})", "malformed"},
        {R"({"cmd":"hello","data":{"token":"\ud800"}})", "malformed"},
        {"{\"cmd\":\"hello\",\"data\":{\"token\":\"\xff\"}}", "malformed"},
        {"\x82\xa3"
         "cmd\xa5hello\xa4"
         "data\xa1x",
         "malformed"},
        {"\x82\xa3"
         "cmd\xa5hello\xa4"
         "data\x81\xa2id\xc3",
         "malformed"},
        {"\x82\xa3"
         "cmd\xa5hello",
         "malformed"},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(read(text) == expected, text);
}

// --- on the wire

BOOST_AUTO_TEST_CASE(nobody_is_let_in_before_its_hello) {
    world w;
    peer p{w.io};
    w.run();
    w.advance(4s);
    same(w.told(), {});
    const auto bytes = p.sealed(R"({"cmd":"hello","id":1,"data":{"token":"t","id":"a"}})") + p.sealed("and") +
                       p.sealed("more");
    for (const char c : bytes) {
        p.write({&c, 1});
        w.run();
    }
    same(w.told(), {"1 open", "1 text:and", "1 text:more"});
    BOOST_TEST(w.asked == "/?id=a Bearer t 1");
    BOOST_TEST(w.engine.counters().incomplete == 0u);
    peer q{w.io}; // all at once; another hello is a message
    q.write(q.sealed(hello) + q.sealed(hello));
    w.run();
    same(w.told(), {"2 open", "2 text:" + hello});
    w.advance(10s);
    same(w.told(), {});
}

BOOST_AUTO_TEST_CASE(a_peer_that_says_anything_else_or_nothing_is_refused) {
    memory::options o;
    o.limits.header = 100;
    world w{o};
    peer silent{w.io}, slow{w.io}, other{w.io}, garbage{w.io}, large{w.io}, gone{w.io}, close{w.io};
    slow.write(slow.sealed(hello).substr(0, 7));
    other.say(R"({"cmd":"join","id":1})");
    garbage.say("hello");
    large.write(large.sealed(std::string(101, ' ')).substr(0, 4)); // its length is enough
    gone.write(std::string(2, 0));
    gone.shut();
    close.shut();
    w.run();
    same(w.refusals,
         {"192.0.2.1 Bad WebSocket Handshake", "192.0.2.1 Bad Request", "192.0.2.1 Message Too Large"});
    w.refusals.clear();
    for (auto* p : {&other, &garbage, &large}) {
        BOOST_TEST(p->at->server_shut);
        BOOST_TEST(p->read() == "");
    }
    BOOST_TEST(w.engine.counters().opening == 2u);
    for (int i = 0; i < 5; ++i) {
        slow.write(slow.sealed(hello).substr(static_cast<std::size_t>(7 + i), 1)); // is alive, but late
        w.advance(1s);
    }
    w.advance(1s);
    same(w.refusals, {"192.0.2.1 Handshake Timeout", "192.0.2.1 Handshake Timeout"});
    BOOST_TEST((silent.at->server_shut && slow.at->server_shut));
    same(w.told(), {});
    BOOST_TEST(w.engine.counters().incomplete == 0u);
}

BOOST_AUTO_TEST_CASE(a_hello_that_has_begun_counts_as_incomplete) {
    memory::options o;
    o.limits.incomplete = 6000;
    world w{o};
    peer first{w.io}, second{w.io};
    const auto begun = [](peer& p) { p.write(p.sealed(std::string(8000, ' ')).substr(0, 5000)); };
    begun(first);
    w.run();
    BOOST_TEST(w.engine.counters().incomplete >= 4996u);
    w.advance(1s);
    begun(second);
    w.run();
    same(w.refusals, {"192.0.2.1 Try Again Later"});
    BOOST_TEST((first.at->server_shut && !second.at->server_shut));
}

BOOST_AUTO_TEST_CASE(the_gate_sees_it_as_it_sees_an_upgrade) {
    memory::options o;
    std::size_t asked = 0;
    o.gate.enter = [&](std::string_view) { return ++asked > 1 ? errc::overloaded : errc::ok; };
    world w{o};
    peer a{w.io}, b{w.io};
    a.say(hello);
    b.say(hello);
    w.run();
    same(w.told(), {"1 open"});
    BOOST_TEST(w.refusals.size() == 1u);
}

BOOST_AUTO_TEST_CASE(messages_behind_a_hello_wait_for_the_decision) {
    world w;
    w.on_opening = [&](auto& c, const request&) { w.wait(c); };
    peer a{w.io}, b{w.io};
    for (auto* p : {&a, &b}) p->write(p->sealed(hello) + p->sealed("x"));
    w.run();
    w.advance(20s);
    a.say("y");
    w.run();
    same(w.told(), {"1 waits", "2 waits"});
    w.late_accept(w[1]);
    w.late_refuse(w[2], {});
    w.run();
    same(w.told(), {"1 text:x", "1 text:y"});
    BOOST_TEST(b.at->server_shut);
}

BOOST_AUTO_TEST_CASE(a_server_that_stops_does_not_wait_for_it) {
    world w;
    peer p{w.io};
    w.run();
    w.engine.stop(5s, {});
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(w.engine.connections() == 0u);
}

// --- the parts that let in

constexpr auto knows = [](std::string_view token) { return token == "a secret"; };

template <class Server>
texts say(boost::asio::io_context& io, Server&, peer& p, std::string_view text) {
    p.say(text);
    memory::run(io);
    return p.events();
}

BOOST_AUTO_TEST_CASE(hooks_read_it_like_the_request_of_a_websocket) {
    boost::asio::io_context io;
    sigfire::server srv{memory::lengths{io, {.hello = true}}, hooks{bearer{knows}, requested_id{}}};
    const std::pair<std::string, std::string> refused[] = {
        {R"({"cmd":"hello","id":1,"data":{"token":"wrong"}})",
         R"(text:{"id":1,"ok":false,"data":{"message":"Missing or invalid token","cause":"denied"}})"},
        {R"({"cmd":"hello","id":"x","data":{"id":"ann"}})",
         R"(text:{"id":"x","ok":false,"data":{"message":"Missing or invalid token","cause":"denied"}})"},
        {R"({"cmd":"hello","data":{"token":"wrong"}})", ""}, // wants no reply
    };
    for (const auto& [text, reply] : refused) {
        peer p{io};
        same(say(io, srv, p, text), reply.empty() ? texts{} : texts{reply});
        BOOST_TEST(p.at->server_shut);
    }
    peer ann{io}, other{io};
    const std::string good = R"({"cmd":"hello","id":1,"data":{"token":"a secret","id":"ann"}})";
    const auto welcome = say(io, srv, ann, good);
    BOOST_TEST_REQUIRE(welcome.size() == 1u);
    BOOST_TEST(welcome[0].ends_with(R"("cmd":"welcome","data":{"id":"ann"}})"), welcome[0]);
    same(say(io, srv, ann, R"({"cmd":"hello","id":2})"),
         {R"(text:{"id":2,"ok":false,"data":{"message":"Unknown Command","cause":"unknown_command"}})"});
    // the hub's objection is told too
    same(say(io, srv, other, good),
         {R"(text:{"id":1,"ok":false,"data":{"message":"ID In Use","cause":"id_in_use"}})"});
    BOOST_TEST((other.at->server_shut && !ann.at->server_shut));
}

BOOST_AUTO_TEST_CASE(a_peer_resumes_by_it) {
    boost::asio::io_context io;
    sigfire::server srv{memory::lengths{io, {.hello = true}}, hooks{requested_id{}}, resume{}};
    peer a{io}, b{io};
    const auto first = say(io, srv, a, R"({"cmd":"hello","data":{"id":"ann","resume":""}})");
    BOOST_TEST_REQUIRE(first.size() == 1u);
    const std::string_view mark = R"("resume":{"token":")";
    const auto at = first[0].find(mark);
    BOOST_TEST_REQUIRE(at != std::string::npos, first[0]);
    const auto token = first[0].substr(at + mark.size(), 21);
    a.reset();
    memory::run(io);
    const auto again =
        say(io, srv, b, R"({"cmd":"hello","data":{"resume":")" + token + R"(","received":0}})");
    BOOST_TEST_REQUIRE(!again.empty());
    BOOST_TEST(again[0].find(R"("data":{"id":"ann")") != std::string::npos, again[0]);
    BOOST_TEST(again[0].find(R"("recovered":true)") != std::string::npos, again[0]);
}

BOOST_AUTO_TEST_CASE(the_reply_is_in_the_format_of_the_wire) {
    boost::asio::io_context io;
    sigfire::server srv{memory::lengths{io, {.hello = true}}, binary{}, hooks{bearer{knows}}};
    peer a{io}, b{io};
    a.say("\x82\xa3"
          "cmd\xa5hello\xa2id\x05");
    b.say(R"({"cmd":"hello","id":1})"); // in JSON, on a wire that speaks another format
    memory::run(io);
    const auto bytes = a.read(), other = b.read();
    BOOST_TEST(bytes.find("\xa2id\x05\xa2ok\xc2") != std::string::npos);
    BOOST_TEST(bytes.find("denied") != std::string::npos);
    BOOST_TEST(other.find("\xa2id\x01\xa2ok\xc2") != std::string::npos);
    BOOST_TEST((a.at->server_shut && b.at->server_shut));
}

BOOST_AUTO_TEST_CASE(servers_that_do_not_ask_greet_at_once) {
    boost::asio::io_context io;
    sigfire::server srv{memory::lengths{io}, hooks{requested_id{}}};
    peer p{io};
    memory::run(io);
    BOOST_TEST(p.events().size() == 1u);
    same(say(io, srv, p, R"({"cmd":"hello","id":1,"data":{"id":"ann"}})"),
         {R"(text:{"id":1,"ok":false,"data":{"message":"Unknown Command","cause":"unknown_command"}})"});
    BOOST_TEST(!p.at->server_shut);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
