// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Peers on JSON and peers on MessagePack on one hub: effects that only show where both meet. The page about
// the protocol is played across formats in protocol.cpp.
#include "support/hub_bench.hpp"
#include "support/two_formats.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace hub_world;

using parts = features<topics, requests, resume>;

struct world : hub_bench<parts, no_hooks, mailbox<>, two_formats> {
    world() : hub_bench{parts{}, no_hooks{}, mailbox{direct_router{}, 5s}, {}} {}

    void come(const std::string& name, bool packed, entrance how = {}) {
        codec.next_is_packed(packed);
        if (how.id.empty() && how.target.empty()) how.id = name;
        BOOST_TEST_REQUIRE(!connect(name, how).empty());
    }

    // Lets a peer be resumable; returns its token.
    std::string keep(const std::string& name) { return token_in(ask(name, R"({"cmd":"resume"})")); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(formats)

BOOST_AUTO_TEST_CASE(signals_are_known_on_the_other_side) {
    world w;
    w.come("page", false, {.id = "page", .extras = false}); // needs a copy of answers
    w.come("robot", true);
    BOOST_TEST(w.ask("robot",
                     R"({"cmd":"answer","target":"page","data":{"n":[1.5],"answer":{"sdp":"x"}}})") == "ok");
    same(
        w.heard("page"),
        {R"({"cmd":"answer","origin":"robot","data":{"n":[1.5],"answer":{"sdp":"x"},"offer":{"sdp":"x"}}})"});
    BOOST_TEST(w.ask("page", R"({"cmd":"offer","target":"robot","data":{"offer":"y"}})") == "ok");
    same(w.heard("robot"), {R"({"cmd":"offer","origin":"page","data":{"offer":"y"}})"});
}

BOOST_AUTO_TEST_CASE(publications_reach_both) {
    world w;
    for (const auto packed : {true, false})
        for (const auto n : {"1", "2"}) {
            const auto name = (packed ? "m" : "j") + std::string{n};
            w.come(name, packed);
            w.ask(name, R"({"cmd":"join","topic":"t"})");
        }
    for (const auto from : {"m1", "j1"}) {
        BOOST_TEST(w.ask(from, R"({"cmd":"publish","topic":"t","echo":true,"data":[{"a":0.5}]})") == "ok");
        for (const auto to : {"m1", "m2", "j1", "j2"})
            same(w.heard(to), {R"({"cmd":"publish","origin":")" + std::string{from} +
                               R"(","topic":"t","data":[{"a":0.5}]})"});
    }
}

BOOST_AUTO_TEST_CASE(a_peer_may_ask_in_one_format_and_hear_in_the_other) {
    for (const bool packed : {true, false}) {
        world w;
        w.come("A", packed);
        w.come("B", !packed);
        const auto token = w.keep("A");
        w.say("A", R"({"cmd":"request","id":["q",1],"target":"B","data":{"x":1}})");
        same(w.heard("B"), {R"({"cmd":"request","origin":"A","request":1,"data":{"x":1}})"});
        w.lose("A");
        w.say("B", R"({"cmd":"bye","id":1,"target":"A","data":[7]})");
        w.come("A2", !packed, {.target = "/?resume=" + token + "&received=0"});
        w.heard("A2");
        w.say("B", R"({"cmd":"respond","request":1,"data":{"y":2}})");
        same(w.heard("A2"), {R"({"id":["q",1],"ok":true,"data":{"y":2}})"});
        w.lose("A2");
    }
}

BOOST_AUTO_TEST_CASE(kept_messages_come_in_the_format_of_the_new_connection) {
    for (const bool packed : {true, false}) {
        world w;
        w.come("A", packed);
        w.come("B", packed);
        const auto token = w.keep("A");
        w.lose("A");
        BOOST_TEST(w.ask("B", R"({"cmd":"bye","target":"A","data":[0.5]})") == "ok");
        w.come("A2", !packed);
        w.say("A2", R"({"cmd":"resume","id":1,"token":")" + token + R"(","received":0})");
        const auto heard = w.heard("A2");
        BOOST_TEST_REQUIRE(heard.size() == 2u);
        BOOST_TEST(heard[0].find(R"("recovered":true)") != std::string::npos);
        BOOST_TEST(heard[1] == R"({"cmd":"bye","origin":"B","data":[0.5]})");
    }
}

BOOST_AUTO_TEST_CASE(mailboxes) {
    for (const bool packed : {true, false}) {
        world w;
        w.come("A", packed);
        w.say("A", R"({"cmd":"offer","id":{"k":[1]},"target":"B","data":{"offer":1.5}})");
        same(w.heard("A"), {R"({"id":{"k":[1]},"ok":true,"data":{"held":true}})"});
        w.come("B", !packed);
        same(w.heard("B"), {R"({"cmd":"offer","origin":"A","data":{"offer":1.5}})"});
        w.say("A", R"({"cmd":"offer","id":{"k":[1]},"target":"C","data":{"offer":1}})");
        w.heard("A");
        w.advance(5s);
        same(w.heard("A"), {R"({"cmd":"expired","origin":"C","data":{"request":{"k":[1]}}})"});
    }
}

// Metadata and state stay as their peers wrote them: each peer is told in its own format.
BOOST_AUTO_TEST_CASE(metadata_and_state_are_known_on_the_other_side) {
    using parts = features<topics, presence, records<>>;
    struct world : hub_bench<parts, no_hooks, direct_router, two_formats> {
        world()
            : hub_bench{parts{topics{}, presence{{.delay = 1ms}},
                              records<>{memory_records{}, {.peers_may_create = true}}},
                        no_hooks{},
                        direct_router{},
                        {}} {}
    } w;
    for (const auto packed : {true, false}) {
        const std::string name = packed ? "m" : "j";
        w.codec.next_is_packed(packed);
        BOOST_TEST_REQUIRE(!w.connect(name, {.id = name}).empty());
        BOOST_TEST(w.ask(name, R"({"cmd":"watch","topic":"t"})") == "ok");
    }
    w.advance(1ms);
    w.heard("m"), w.heard("j");
    for (const std::string name : {"m", "j"}) {
        const auto metadata = R"({"of":[")" + name + R"(",0.5]})";
        BOOST_TEST(w.ask(name, R"({"cmd":"join","topic":"t","data":{"metadata":)" + metadata + "}}")
                       .starts_with("ok"));
        BOOST_TEST(w.ask(name, R"({"cmd":"set","topic":"t","data":{"key":")" + name + R"(","value":)" +
                                   metadata + "}}") == "ok");
        BOOST_TEST(w.ask(name, R"({"cmd":"create","data":{"metadata":)" + metadata + "}}") == "ok");
    }
    w.advance(1ms);
    for (const std::string name : {"m", "j"}) {
        same(
            w.heard(name),
            {R"({"cmd":"presence","topic":"t","data":{"members":[{"id":"m","status":"joined","metadata":{"of":["m",0.5]}},{"id":"j","status":"joined","metadata":{"of":["j",0.5]}}],"state":[{"key":"j","value":{"of":["j",0.5]},"owner":"j"},{"key":"m","value":{"of":["m",0.5]},"owner":"m"}]}})"});
        BOOST_TEST(
            w.ask(name, R"({"cmd":"lookup","topic":"t"})") ==
            R"(ok {"count":2,"members":[{"id":"m","metadata":{"of":["m",0.5]}},{"id":"j","metadata":{"of":["j",0.5]}}]})");
        for (const std::string other : {"m", "j"})
            BOOST_TEST(w.ask(name, R"({"cmd":"info","target":")" + other + R"("})")
                           .ends_with(R"("metadata":{"of":[")" + other + R"(",0.5]}})"));
    }
}

BOOST_AUTO_TEST_CASE(a_message_that_grows_too_much_harms_nobody) {
    world w;
    w.come("A", true);
    w.come("B", false);
    w.come("C", true);
    // Control characters: a byte here, six in JSON.
    std::string much(400'000, 'x');
    for (auto i = much.find('x'); i != much.npos; i = much.find('x', i)) {
        much.replace(i, 1, "\\t");
        if ((i += 2) > 390'000) break;
    }
    much.resize(390'000);
    const auto bye = [&](const std::string& to) {
        return R"({"cmd":"bye","target":")" + to + R"(","data":")" + much + R"("})";
    };
    BOOST_TEST(w.ask("A", bye("C")) == "ok");
    BOOST_TEST(w.ask("A", bye("B")) == "too_large");
    same(w.heard("B"), {});
    BOOST_TEST(w.is_open("B"));
    // As the answer to a question it fails, too.
    w.say("B", R"({"cmd":"request","id":1,"target":"A"})");
    w.heard("A");
    w.say("A", R"({"cmd":"respond","request":1,"data":")" + much + R"("})");
    same(w.heard("B"), {R"({"id":1,"ok":false,"data":{"message":"Message Too Large","cause":"too_large"}})"});
}

BOOST_AUTO_TEST_CASE(functions_are_told_the_format) {
    world w;
    w.come("A", true);
    w.come("B", false);
    std::string data;
    wire_id wire{};
    w.h.attach("f", [&](call& c) {
        data = c.data.bytes, wire = c.data.wire;
        c.reply(R"({"n":1})");
    });
    BOOST_TEST(w.ask("A", R"({"cmd":"request","target":"f","data":[1]})") == R"(ok {"n":1})");
    BOOST_TEST((wire == wire_id::msgpack));
    BOOST_TEST(data == "\x91\x01");
    BOOST_TEST(w.ask("B", R"({"cmd":"request","target":"f","data":[1]})") == R"(ok {"n":1})");
    BOOST_TEST((wire == wire_id::json));
    BOOST_TEST(data == "[1]");
    BOOST_TEST((w.h.send("A", "news", "[0.5]") == errc::ok));
    same(w.heard("A"), {R"({"cmd":"news","data":[0.5]})"});
}

BOOST_AUTO_TEST_SUITE_END()
