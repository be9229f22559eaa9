// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/socket_signal.hpp>

#include "support/transcript.hpp"
#include "support/wire_bench.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace js = boost::json;
using namespace wire_bench;
using detail::nano_packet;
using dialect::socket_signal;
using texts = std::vector<std::string>;

void same(const texts& got, const texts& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

std::string packed(const nano_packet& p) {
    std::string room(detail::nano_overhead + p.name.size() + p.json.size(), '#');
    room.resize(
        detail::write_packet(room.data(), p, [&](char* at) { return p.json.copy(at, p.json.size()); }));
    return room;
}

// `? 1 offer {...}`, `! signal {...}` (an event; its id is the server's choice), `= 1 {...}`, `x 1 {...}`.
std::string shown(std::string_view bytes) {
    const auto p = detail::read_packet(bytes);
    if (!p) return "no packet";
    const std::string id = std::to_string(p->id), json{p->json};
    if (p->response) return (p->error ? "x " : "= ") + id + " " + json;
    return (p->event ? "! " : "? " + id + " ") + std::string{p->name} + " " + json;
}

std::uint64_t noon() noexcept {
    return 1700000000000;
}

using parts = features<topics, requests, identity>;

template <class H = no_hooks>
struct world {
    using hub_type = hub_of<parts, H>;
    hub_type h;
    port<hub_type, socket_signal> s{h, socket_signal{{.clock = noon}}};
    port<hub_type, codec::json> j{h};
    time_point now{1h};

    explicit world(identity_options i = {}, H chain = {}, requests_options r = {})
        : h{{}, {}, {}, {}, std::move(chain), parts{topics{}, requests{r}, identity{i}}} {
        h.tick(now);
    }
    void open(const std::string& names) {
        for (const char c : names) {
            s.open({c});
            BOOST_TEST(s.messages({c}).empty()); // no greeting
        }
    }
    void say(const std::string& from, const nano_packet& p) {
        s.say(from, packed(p), message_type::binary);
        s.settle();
    }
    // Says a request, and returns what the peer is sent then.
    texts ask(const std::string& from, std::uint32_t id, std::string_view name, std::string_view json,
              bool event = false) {
        say(from, {.id = id, .event = event, .name = name, .json = json});
        return heard(from);
    }
    void answer(const std::string& from, std::uint32_t id, std::string_view json, bool error = false) {
        say(from, {.id = id, .response = true, .error = error, .json = json});
    }
    void join(const std::string& who, std::string_view topic = "t") {
        const auto json = R"({"data":{"topic":")" + std::string{topic} + R"(","id":")" + who + R"("}})";
        BOOST_TEST(ask(who, 1, "join", json).at(0).starts_with("= 1 {\"data\":["));
    }
    texts heard(const std::string& name) {
        texts all;
        for (const auto& m : s.heard(name)) {
            if (m.what != said::text && m.what != said::binary) continue;
            BOOST_TEST((m.what == said::binary));
            all.push_back(shown(m.bytes));
        }
        return all;
    }
    void advance(clock::duration d) {
        now += d;
        h.tick(now);
        s.settle();
    }
    std::size_t topics_there() { return h.template get<topics>().table().size(); }
};

const std::string to_b = R"({"data":{"remoteId":"B","topic":"t","id":"A","data":[]}})";

// --- recordings ---

using transcripts::field;
using transcripts::transcript;

js::object line(const char* dir, const std::string& conn, const nano_packet& p) {
    return {{"dir", dir}, {"conn", conn}, {"kind", "binary"}, {"data", transcripts::to_base64(packed(p))}};
}

// What sigfire does differently, on purpose.
void amend(const std::string& system, transcript& t) {
    const auto& names = t.meta.at("placeholders");
    const auto id = [&](const char* who) {
        return std::string{names.at("{{id" + std::string{who} + "}}").as_string()};
    };
    const auto ids = [&](std::initializer_list<const char*> who) {
        std::string json = R"({"data":[)";
        for (const auto* w : who) json += (json.back() == '[' ? "\"" : ",\"") + id(w) + '"';
        return json + "]}";
    };
    // The answer to the request `n` of a connection.
    const auto answer = [&](const std::string& conn, std::uint32_t n, const std::string& json) {
        for (auto& l : t.lines) {
            if (field(l, "dir") != "s2c" || field(l, "conn") != conn || field(l, "kind") != "binary")
                continue;
            const auto bytes = transcripts::bytes_of(l);
            const auto p = detail::read_packet(bytes);
            if (p && p->response && p->id == n)
                l["data"] = transcripts::to_base64(packed({.id = n, .response = true, .json = json}));
        }
    };
    const auto insert_behind = [&](std::size_t i, js::object l) {
        l["t"] = t.lines[i].at("t");
        t.lines.insert(t.lines.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(l));
    };
    // Ids from 2^30 on cannot be answered so that everybody understands.
    if (t.name == "big-ids")
        std::erase_if(t.lines, [](const js::object& l) {
            const auto p = detail::read_packet(transcripts::bytes_of(l));
            return field(l, "dir") == "s2c" && field(l, "kind") == "binary" && (!p || p->id == 5);
        });
    // An id is its owner's: a peer that gave it up has no part in it, and one connection has one.
    if (t.name == "id-takeover") answer("A", 2, ids({"B"}));
    if (t.name == "two-ids-one-socket") {
        answer("A", 2, ids({"C"}));
        answer("B", 1, R"({"data":[]})");
    }
    // A leave without topic is one of all topics in either version.
    if (t.name == "leave-without-topic" && system.ends_with("v10")) {
        answer("A", 3, "{}");
        answer("A", 4, R"({"data":[]})");
    }
    // Both versions are understood at once.
    if (t.name == "v10-names-on-v9") {
        answer("A", 1, ids({"A"}));
        const auto json = R"({"data":{"remoteId":")" + id("A") + R"(","topic":")" +
                          std::string{names.at("{{topic1}}").as_string()} + R"("}})";
        insert_behind(t.lines.size() - 1,
                      line("s2c", "A", {.id = 1, .event = true, .name = "signal", .json = json}));
    }
    // A forwarded message is not changed.
    if (t.name == "base64-prefix-string")
        for (auto& l : t.lines) {
            auto bytes = transcripts::bytes_of(l);
            const auto p = detail::read_packet(bytes);
            if (field(l, "dir") != "s2c" || !p || p->name != "offer") continue;
            std::string json{p->json};
            json.replace(json.find("notreall\""), 9, "not really!!\"");
            l["data"] = transcripts::to_base64(packed({.id = 1, .name = "offer", .json = json}));
        }
    for (std::size_t i = 0; i < t.lines.size(); ++i) {
        const auto conn = field(t.lines[i], "conn");
        // The proxy in between lost this one.
        if (t.name == "client-real-heartbeat-timeout" && conn == "A" && field(t.lines[i], "dir") == "c2s" &&
            shown(transcripts::bytes_of(t.lines[i])).starts_with("? 1 __ping__"))
            insert_behind(i++,
                          line("s2c", "A", {.id = 1, .response = true, .json = R"({"data":{"time":0}})"}));
        if (t.name == "client-real-heartbeat-timeout" && conn == "A" && field(t.lines[i], "kind") == "close")
            insert_behind(i++, {{"dir", "s2c"}, {"conn", "A"}, {"kind", "close"}});
        // How the first connection ended is not in the recording.
        if (t.name == "client-real-reconnect" && conn == "A2" && field(t.lines[i], "kind") == "open" &&
            field(t.lines[i], "dir") == "c2s") {
            insert_behind(i - 1, {{"dir", "c2s"}, {"conn", "A"}, {"kind", "reset"}});
            ++i;
        }
    }
}

// Responses are compared byte for byte, but for the time, texts of JavaScript errors, and ids that the server
// chose.
struct comparison {
    std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> ids; // recorded to ours
    std::map<std::uint32_t, std::uint32_t> any;                         // the same, of all connections

    bool operator()(const std::string& name, const std::string& expected, const std::string& got) {
        const auto e = detail::read_packet(expected), g = detail::read_packet(got);
        BOOST_TEST_REQUIRE(e.has_value());
        BOOST_TEST_REQUIRE(g.has_value());
        if (e->response != g->response || e->error != g->error || e->event != g->event || e->name != g->name)
            return false;
        if (!e->response) {
            ids[{name, e->id}] = any[e->id] = g->id;
            return e->json == g->json;
        }
        if (e->id != g->id) return false;
        if (e->json == g->json) return true;
        const auto want = js::parse(e->json).at("data"), have = js::parse(g->json).at("data");
        if (!e->error) return want.at("time").is_int64() && have.at("time").is_int64();
        BOOST_TEST(!have.as_object().contains("stack"));
        const auto& args = want.at("args").as_array();
        BOOST_TEST(have.at("code") == want.at("code"));
        BOOST_TEST(have.at("unformatMessage") == want.at("unformatMessage"));
        BOOST_TEST_REQUIRE(have.at("args").as_array().size() == args.size());
        if (want.at("code") == "NRPC_ERR_RESPONSE_ERROR") return have.at("args").at(0).is_string();
        if (want.at("code") == "NMSG_ERR_TIMEOUT")
            return have.at("args").at(0).to_number<std::uint32_t>() ==
                   any.at(args.at(0).to_number<std::uint32_t>());
        return have.at("args") == want.at("args");
    }

    std::string rewrite(const std::string& name, std::string bytes) {
        const auto p = detail::read_packet(bytes);
        if (!p || !p->response) return bytes;
        const auto at = ids.find({name, p->id});
        if (at == ids.end()) return bytes;
        auto ours = *p;
        ours.id = at->second;
        return packed(ours);
    }
};

void replay(const std::string& system, const std::string& name) {
    auto t = transcripts::load(system, name);
    amend(system, t);
    const auto* const options = t.meta.if_contains("serverOptions");
    const auto* const timeout = options ? options->as_object().if_contains("requestTimeout") : nullptr;
    world<> w{{}, {}, {.timeout = timeout ? std::chrono::milliseconds{timeout->as_int64()} : 10s}};
    comparison same_packet;
    transcripts::player<decltype(w.s)> p{w.s};
    p.same = [&](const std::string& c, const std::string& e, const std::string& g) {
        return same_packet(c, e, g);
    };
    p.rewrite = [&](const std::string& c, std::string b) { return same_packet.rewrite(c, std::move(b)); };
    p.wait = [&](std::int64_t ms) { w.h.tick(w.now + std::chrono::milliseconds{ms}); };
    p.play(t);
}

BOOST_AUTO_TEST_SUITE(socket_signal_dialect)

BOOST_AUTO_TEST_CASE(laws_of_a_codec) {
    test::codec_laws(socket_signal{}, [](bool kept, const char* law) { BOOST_TEST(kept, law); });
}

BOOST_DATA_TEST_CASE(recordings_v9, boost::unit_test::data::make(transcripts::names("socket-signal-v9")),
                     name) {
    replay("socket-signal-v9", name);
}
BOOST_DATA_TEST_CASE(recordings_v10, boost::unit_test::data::make(transcripts::names("socket-signal-v10")),
                     name) {
    replay("socket-signal-v10", name);
}
BOOST_DATA_TEST_CASE(recordings_mixed,
                     boost::unit_test::data::make(transcripts::names("socket-signal-mixed")), name) {
    replay("socket-signal-mixed", name);
}

BOOST_AUTO_TEST_CASE(recordings_are_all_here) {
    BOOST_TEST(transcripts::names("socket-signal-v9").size() == 32u);
    BOOST_TEST(transcripts::names("socket-signal-v10").size() == 27u);
    BOOST_TEST(transcripts::names("socket-signal-mixed").size() == 3u);
}

BOOST_AUTO_TEST_CASE(plain_http) {
    response r;
    BOOST_TEST(socket_signal{}.http({"GET", "/x", {}, {}}, r, 0));
    BOOST_TEST(r.status == 200u);
    BOOST_TEST(r.content_type == "text/plain");
    BOOST_TEST(r.body == "Signal running OK\n");
}

BOOST_AUTO_TEST_CASE(an_answer_in_another_format_is_no_value) {
    const socket_signal codec;
    event::reply e;
    e.token = {"o\x07", wire_id::socket_signal};
    for (const auto cause : {errc::ok, errc::denied}) {
        e.cause = cause;
        e.data = {};
        const auto without = encoded(codec, e);
        BOOST_TEST(shown(without).starts_with(cause == errc::ok ? "= 7 {}" : "x 7 {"));
        e.data = {"\x81\xa1x\xc0", wire_id::msgpack};
        BOOST_TEST(encoded(codec, e) == without);
        e.data = {R"({"message":"no"})", wire_id::peerjs}; // JSON, too
        BOOST_TEST(encoded(codec, e) != without);
    }
}

BOOST_AUTO_TEST_CASE(tokens_are_this_wires_own) {
    const socket_signal codec;
    socket_signal::state st;
    const auto token_of = [&](std::uint32_t id, std::string_view name, const std::string& data) {
        const auto json = R"({"data":)" + data + "}";
        auto bytes = packed({.id = id, .name = name, .json = json});
        std::string token;
        codec.decode({bytes, message_type::binary}, st, [&](auto& e) {
            token = e.token.bytes;
            BOOST_TEST((e.token.wire == wire_id::socket_signal));
        });
        return token;
    };
    const auto failed = [&](const std::string& token, errc cause) {
        event::reply r;
        r.token = {token, wire_id::socket_signal}, r.cause = cause;
        return shown(encoded(codec, r));
    };
    const auto not_found = [](const std::string& id) {
        return R"( {"data":{"code":"ERR_PEER_NOT_FOUND","unformatMessage":"peer not found: %s","args":[")" +
               id + R"("]}})";
    };
    const auto offer_to = [](const std::string& id) { return R"({"topic":"t","remoteId":")" + id + R"("})"; };
    // all of it is at most 256 bytes long for any subject
    for (const std::uint32_t id : {1u, 127u, 128u, 1u << 14, 1u << 21, 1u << 28, detail::nano_ids - 1}) {
        const auto header = 1 + detail::varint_size(id);
        for (const std::size_t n : {1u, 200u, 249u, 250u, 251u, 254u, 255u, 256u}) {
            const auto token = token_of(id, "offer", offer_to(std::string(n, 'b')));
            BOOST_TEST(token.size() == std::min<std::size_t>(header + n, longest_token));
            BOOST_TEST(failed(token, errc::unknown) ==
                       "x " + std::to_string(id) + not_found(std::string(token.size() - header, 'b')));
        }
    }
    // characters are not cut in half
    const auto token = token_of(1, "offer", offer_to(std::string(253, 'b') + "é"));
    BOOST_TEST(token.size() == 255u);
    BOOST_TEST(failed(token, errc::unknown) == "x 1" + not_found(std::string(253, 'b')));
    // no reply is wanted, or the token is another wire's
    BOOST_TEST(token_of(0, "offer", offer_to("b")).empty());
    for (const std::string other : {"", "o", "o\x80", "o\xff\xff\xff\xff\xff"}) {
        event::reply r;
        r.token = {other, wire_id::socket_signal};
        BOOST_TEST(encoded(codec, r).empty());
        event::member_list l;
        l.token = r.token;
        BOOST_TEST(encoded(codec, l).empty());
        event::joined j;
        j.token = r.token;
        BOOST_TEST(encoded(codec, j).empty());
    }
    event::reply r;
    r.token = {"o\x07", wire_id::json};
    BOOST_TEST(encoded(codec, r).empty());
}

BOOST_AUTO_TEST_CASE(lists_are_written_from_their_members) {
    const socket_signal codec;
    for (const std::string kind : {"j", "l"}) {
        const auto token = kind + "\x05";
        event::member_list l;
        l.token = {token, wire_id::socket_signal};
        BOOST_TEST(shown(encoded(codec, l)) == R"(= 5 {"data":[]})");
        event::member members[3];
        members[0].id = "A", members[1].id = "base64:AP8=", members[2].id = "\"\n";
        members[0].metadata.bytes = "{}", members[0].away = true;
        l.count = 7, l.members = members;
        BOOST_TEST(shown(encoded(codec, l)) == R"(= 5 {"data":["A","base64:AP8=","\"\u000a"]})");
        event::joined j;
        j.token = l.token, j.topic = "t", j.members = 3;
        BOOST_TEST(shown(encoded(codec, j)) == R"(= 5 {"data":[]})");
    }
    static_assert(!detail::has_word<socket_signal, event::publish> &&
                  !detail::has_word<socket_signal, event::session_ended> &&
                  !detail::has_word<socket_signal, event::presence> &&
                  !detail::has_word<socket_signal, event::expired>);
    BOOST_TEST(encoded(codec, event::welcome{}).empty());
    // the request says how many it wants
    socket_signal few{{.listed_ids = 2}};
    socket_signal::state st;
    const std::string json = R"({"data":{"topic":"t","id":"A","metadata":{"x":1},"limit":1,"match":2}})";
    auto join = packed({.id = 1, .name = "join", .json = json}),
         lookup = packed({.name = "lookup", .json = json});
    few.decode({join, message_type::binary}, st, only<event::join>([&](auto& e) {
                   BOOST_TEST((e.list == 2u && !e.limit && !e.match && !e.open));
                   BOOST_TEST((e.as == "A" && e.topic == "t" && e.metadata.empty()));
                   BOOST_TEST((e.metadata.wire == wire_id::socket_signal));
                   BOOST_TEST(e.whole.view() == join);
               }));
    few.decode({lookup, message_type::binary}, st, only<event::lookup>([&](auto& e) {
                   BOOST_TEST((e.limit == 2u && e.topic == "t" && e.token.empty()));
                   BOOST_TEST(e.whole.view() == lookup);
               }));
}

// --- topics ---

BOOST_AUTO_TEST_CASE(topics_in_both_versions) {
    for (const std::string prefix : {"", "socket-signal-"}) {
        world<> w;
        w.open("AB");
        const auto ask = [&](const std::string& who, const std::string& name, const std::string& data) {
            return w.ask(who, 7, prefix + name, R"({"data":)" + data + "}");
        };
        same(ask("A", "join", R"({"topic":"t","id":"A","metadata":{"x":1},"limit":0,"match":"?"})"),
             {R"(= 7 {"data":["A"]})"});
        same(ask("B", "join", R"({"topic":"t","id":"B"})"), {R"(= 7 {"data":["A","B"]})"});
        same(ask("A", "join", R"({"topic":"t","id":"A"})"), {R"(= 7 {"data":["A","B"]})"});
        same(ask("A", "lookup", R"({"topic":"t","id":"A"})"), {R"(= 7 {"data":["A","B"]})"});
        same(ask("A", "lookup", R"({"topic":"u"})"), {R"(= 7 {"data":[]})"});
        same(ask("A", "leave", R"({"topic":"u","id":"A"})"), {"= 7 {}"});
        same(ask("A", "join", R"({"topic":"u","id":"A"})"), {R"(= 7 {"data":["A"]})"});
        same(ask("A", "leave", R"({"topic":"t","id":"A"})"), {"= 7 {}"});
        same(ask("B", "lookup", R"({"topic":"t"})"), {R"(= 7 {"data":["B"]})"});
        same(ask("A", "leave", R"({"id":"A","topic":null})"), {"= 7 {}"});
        same(ask("B", "leave", R"({"id":"B"})"), {"= 7 {}"});
        BOOST_TEST(w.topics_there() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(ids_and_topics_are_compared_as_bytes) {
    world<> w;
    w.open("ABC");
    const auto ask = [&](const std::string& who, const std::string& name, const std::string& data) {
        return w.ask(who, 1, name, R"({"data":{)" + data + "}}");
    };
    same(ask("A", "join", R"("topic":"base64:dA==","id":"base64:aQ==")"),
         {R"(= 1 {"data":["base64:aQ=="]})"});
    same(ask("B", "join", R"("topic":"base64:dA","id":"i")"), {R"(= 1 {"data":["base64:aQ==","i"]})"});
    same(ask("C", "join", R"("topic":"base64:\u0064A==","id":"\"\u00e9\\")"),
         {R"(= 1 {"data":["base64:aQ==","i","\"é\\"]})"});
    same(ask("C", "lookup", R"("topic":"t")"), {R"(= 1 {"data":[]})"}); // text is no bytes
    w.say("C",
          {.id = 2, .name = "offer", .json = R"({"data":{"remoteId":"base64:aR==","topic":"base64:dB"}})"});
    same(w.heard("A"), {R"(? 1 offer {"data":{"remoteId":"base64:aR==","topic":"base64:dB"}})"});
    const auto longest = "base64:" + std::string(248, 'A');
    same(ask("A", "join", R"("topic":"u","id":")" + longest + "\""),
         {R"(= 1 {"data":[")" + longest + "\"]}"});
    for (const auto& bad :
         {"base64:" + std::string(252, 'A'), std::string(257, 'x'), std::string{}, std::string{R"(\ud800)"}})
        BOOST_TEST(ask("A", "join", R"("topic":"u","id":")" + bad + "\"").at(0).starts_with("x 1 "));
    same(ask("A", "lookup", R"("topic":"u")"), {R"(= 1 {"data":[")" + longest + "\"]}"});
}

// --- offers ---

BOOST_AUTO_TEST_CASE(an_offer_is_held_open_until_it_is_answered) {
    world<> w;
    w.open("AB");
    w.join("B");
    same(w.ask("A", 5, "offer", to_b), {});
    same(w.heard("B"), {"? 1 offer " + to_b});
    same(w.ask("A", 6, "__ping__", R"({"data":{}})"), {R"(= 6 {"data":{"time":1700000000000}})"});
    same(w.ask("A", 7, "socket-signal-offer", to_b), {});
    same(w.heard("B"), {"? 2 offer " + to_b});
    w.answer("B", 2, R"({"data":{"data":[{"type":"answer"}],"x":"base64:??"}})");
    same(w.heard("A"), {R"(= 7 {"data":{"data":[{"type":"answer"}],"x":"base64:??"}})"});
    w.answer("B", 2, "{}"); // only the first counts
    w.answer("A", 1, "{}"); // only of the peer that was asked
    w.answer("B", 99, "{}");
    w.answer("B", 0, "{}");
    same(w.heard("A"), {});
    w.answer("B", 1, "{}");
    same(w.heard("A"), {"= 5 {}"});
    BOOST_TEST(w.h.get<requests>().size() == 0u);
}

BOOST_AUTO_TEST_CASE(remote_connect_and_answers_without_value) {
    world<> w;
    w.open("AB");
    w.join("B");
    same(w.ask("A", 1, "socket-signal-remote-connect", to_b), {});
    same(w.heard("B"), {"? 1 remoteConnect " + to_b});
    for (const std::string json : {"{}", R"({"data":null})", R"({"data":[1]})"}) {
        w.answer("B", w.h.get<requests>().size() == 0 ? 0 : 1, json);
        if (json == "{}") same(w.heard("A"), {"= 1 {}"});
    }
    std::uint32_t n = 1;
    for (const std::string json : {R"({"data":null})", R"({"data":[1]})", R"({"x":1,"data":false})"}) {
        w.ask("A", 2, "offer", to_b);
        w.answer("B", ++n, json);
        same(w.heard("A"), {json[2] == 'x' ? R"(= 2 {"data":false})" : "= 2 " + json});
    }
}

BOOST_AUTO_TEST_CASE(offers_that_fail) {
    world<> w;
    w.open("ABC");
    w.join("B");
    w.join("C", "u");
    const auto not_found = [](const std::string& id) {
        return R"(x 1 {"data":{"code":"ERR_PEER_NOT_FOUND","unformatMessage":"peer not found: %s","args":[")" +
               id + R"("]}})";
    };
    const auto offer = [&](const std::string& to, const std::string& topic) {
        return w.ask("A", 1, "offer", R"({"data":{"remoteId":")" + to + R"(","topic":")" + topic + R"("}})");
    };
    same(offer("nobody", "t"), {not_found("nobody")});
    same(offer("C", "t"), {not_found("C")}); // in another topic
    same(offer("base64:AP8=", "t"), {not_found("00ff")});
    same(offer("a\\\"b", "t"), {not_found("a\\\"b")});

    same(offer("B", "t"), {}); // nobody answers
    w.advance(9999ms);
    same(w.heard("A"), {});
    w.advance(1ms);
    same(
        w.heard("A"),
        {R"(x 1 {"data":{"code":"NMSG_ERR_TIMEOUT","unformatMessage":"timeout on request: %s","args":[1]}})"});
    w.answer("B", 1, "{}");
    same(w.heard("A"), {});

    same(offer("B", "t"), {}); // goes meanwhile
    w.s.close("B");
    same(w.heard("A"),
         {R"(x 1 {"data":{"code":"NMSG_ERR_CLOSE","unformatMessage":"nanomessage was closed","args":[]}})"});
    same(offer("B", "t"), {not_found("B")});
}

BOOST_AUTO_TEST_CASE(errors_of_the_other_side_pass_if_they_can_be_read) {
    world<> w;
    w.open("AB");
    w.join("B");
    std::uint32_t n = 0;
    const auto failed = [&](const std::string& error) {
        w.ask("A", 1, "offer", to_b);
        w.heard("B");
        w.answer("B", ++n, error, true);
        return w.heard("A").at(0);
    };
    const std::string whole = R"({"data":{"code":"E","unformatMessage":"%s","args":["x",1],"more":true}})";
    BOOST_TEST(failed(whole) == "x 1 " + whole);
    const auto wrapped = [](const std::string& text) {
        return R"(x 1 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":[")" + text +
               R"("]}})";
    };
    // without arguments a client would fail to fail
    BOOST_TEST(failed(R"({"data":{"code":"E","unformatMessage":"b\"oom"}})") == wrapped("b\\\"oom"));
    BOOST_TEST(failed(R"({"data":{"code":"E","unformatMessage":"boom","args":5}})") == wrapped("boom"));
    BOOST_TEST(failed(R"({"data":{"message":"no"}})") == wrapped("no"));
    BOOST_TEST(failed(R"({"data":7})") == wrapped("Denied"));
    BOOST_TEST(failed("{}") == wrapped("Denied"));
}

BOOST_AUTO_TEST_CASE(too_many_offers_are_refused) {
    world<> w{{}, {}, {.per_peer = 3}};
    w.open("AB");
    w.join("B");
    for (std::uint32_t i = 1; i <= 3; ++i) same(w.ask("A", i, "offer", to_b), {});
    same(
        w.ask("A", 4, "offer", to_b),
        {R"(x 4 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":["Peer Cannot Take More"]}})"});
}

// --- events ---

BOOST_AUTO_TEST_CASE(signals_are_delivered_and_always_acknowledged) {
    world<> w;
    w.open("AB");
    const std::string ack = R"(= 3 {"data":null})";
    same(w.ask("A", 3, "signal", to_b, true), {ack});
    w.join("B");
    for (const std::string name : {"signal", "socket-signal-onsignal"}) {
        same(w.ask("A", 3, name, to_b, true), {ack});
        same(w.heard("B"), {"! signal " + to_b});
        same(w.ask("A", 0, name, to_b, true), {}); // true ephemeral
        same(w.heard("B"), {"! signal " + to_b});
    }
    for (const std::string json : {R"({})", R"({"data":null})", R"({"data":{"remoteId":"B"}})",
                                   R"({"data":{"topic":"t"}})", R"({"data":{"remoteId":"B","topic":"u"}})"})
        same(w.ask("A", 3, "signal", json, true), {ack});
    same(w.ask("A", 3, "whatever", R"({"data":{"x":1}})", true), {ack});
    same(w.ask("A", 3, "offer", to_b, true), {ack}); // no event of that name
    same(w.heard("B"), {});
    same(
        w.ask("A", 3, "signal", to_b),
        {R"(x 3 {"data":{"code":"NRPC_ERR_NAME_MISSING","unformatMessage":"missing action handler for: %s","args":["signal"]}})"});
}

BOOST_AUTO_TEST_CASE(ids_of_events_differ_and_are_no_requests) {
    world<> w;
    w.open("AB");
    w.join("B");
    w.ask("A", 1, "offer", to_b);
    w.heard("B");
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < 1000; ++i) w.say("A", {.id = 0, .event = true, .name = "signal", .json = to_b});
    for (const auto& m : w.s.messages("B")) ids.push_back(detail::read_packet(m)->id);
    BOOST_TEST(ids.size() == 1000u);
    std::sort(ids.begin(), ids.end());
    BOOST_TEST((std::unique(ids.begin(), ids.end()) == ids.end()));
    BOOST_TEST(ids.front() >= detail::nano_ids / 2);
    BOOST_TEST(ids.back() < detail::nano_ids);
    for (const auto id : ids) w.answer("B", id, R"({"data":null})");
    BOOST_TEST(w.h.get<requests>().size() == 1u);
}

BOOST_AUTO_TEST_CASE(acknowledgements_of_events_are_no_answers) {
    const socket_signal codec;
    socket_signal::state st;
    int answers = 0;
    for (const auto id : {0u, 1u, detail::nano_ids / 2 - 1, detail::nano_ids / 2, detail::nano_ids - 1}) {
        auto bytes = packed({.id = id, .response = true, .json = R"({"data":null})"});
        codec.decode({bytes, message_type::binary}, st, only<event::respond>([&](auto& e) {
                         ++answers;
                         BOOST_TEST(e.number == id);
                         BOOST_TEST((e.outcome == errc::ok && e.token.empty()));
                         BOOST_TEST((e.data.bytes == "null" && e.data.wire == wire_id::socket_signal));
                     }));
    }
    BOOST_TEST(answers == 2);
}

// --- messages that are not understood ---

BOOST_AUTO_TEST_CASE(unknown_actions) {
    world<> w;
    w.open("A");
    const auto missing = [](const std::string& name) {
        return R"(x 1 {"data":{"code":"NRPC_ERR_NAME_MISSING","unformatMessage":"missing action handler for: %s","args":[")" +
               name + R"("]}})";
    };
    for (const std::string name :
         {"frobnicate", "socket-signal-", "Join", "remote-connect", "socket-signal-__ping__", "é"})
        same(w.ask("A", 1, name, R"({"data":{}})"), {missing(name)});
    same(w.ask("A", 1, "\"\n", R"({"data":{}})"), {missing("\\\"\\u000a")});
    same(w.ask("A", 1, std::string(255, 'x') + "é", "{}"),
         {missing(std::string(254, 'x'))}); // a token is short
    same(w.ask("A", 1, "ab\xff", "{}"), {missing("ab")});
    same(w.ask("A", 0, "frobnicate", "{}"), {});
}

BOOST_AUTO_TEST_CASE(missing_members_are_told_of) {
    world<> w;
    w.open("A");
    const auto begin =
        R"(x 1 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":["topic, id)";
    for (const std::string name : {"join", "lookup", "leave", "offer", "socket-signal-remote-connect"})
        for (const std::string json :
             {"{}", R"({"data":null})", R"({"data":5})", R"({"data":"x"})", R"({"data":[]})",
              R"({"data":{}})", R"({"data":{"topic":5,"id":[],"remoteId":{}}})",
              R"({"data":{"topic":5,"id":"A","remoteId":"B"}})"}) {
            BOOST_TEST_CONTEXT(name << json) {
                const auto heard = w.ask("A", 1, name, json);
                BOOST_TEST_REQUIRE(heard.size() == 1u);
                BOOST_TEST(heard[0].starts_with(begin), heard[0]);
            }
        }
    // nobody has a name so long
    const auto heard =
        w.ask("A", 1, "offer", R"({"data":{"topic":"t","remoteId":")" + std::string(257, 'B') + R"("}})");
    BOOST_TEST_REQUIRE(heard.size() == 1u);
    BOOST_TEST(heard[0].starts_with(begin), heard[0]);
    BOOST_TEST(w.topics_there() == 0u);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_packet_are_ignored) {
    world<> w;
    w.open("A");
    for (const auto& bytes : {std::string{}, std::string{"\xff"}, std::string{"hello"},
                              std::string(100, '\x80'), packed({.id = 1, .name = "__ping__", .json = ""}),
                              packed({.id = 1, .name = "__ping__", .json = "{"}),
                              packed({.id = 1, .name = "__ping__", .json = "null"}),
                              packed({.id = 1, .name = "__ping__", .json = "[]"}),
                              packed({.id = 1, .name = "__ping__", .json = "{}{}"}),
                              packed({.id = 1, .name = "__ping__", .json = "{\"a\":\"\xff\"}"}),
                              packed({.id = 1, .name = "", .json = "{}"}),
                              packed({.id = detail::nano_ids, .name = "__ping__", .json = "{}"}),
                              packed({.id = 1, .response = true, .json = "x"})})
        for (const auto type : {message_type::binary, message_type::text}) {
            w.s.say("A", bytes, type);
            same(w.heard("A"), {});
        }
    const auto ping = packed({.id = 9, .name = "__ping__", .json = "{}"});
    for (std::size_t n = 0; n < ping.size(); ++n) w.s.say("A", ping.substr(0, n));
    same(w.heard("A"), {});
    w.s.say("A", ping + "trailing");
    same(w.heard("A"), {R"(= 9 {"data":{"time":1700000000000}})"});
}

// --- what the original does wrong ---

BOOST_AUTO_TEST_CASE(fix_one_connection_leaves_no_ghost) {
    world<> w;
    w.open("AB");
    w.ask("A", 1, "join", R"({"data":{"topic":"t","id":"x"}})");
    same(w.ask("A", 1, "join", R"({"data":{"topic":"t","id":"y"}})"), {R"(= 1 {"data":["y"]})"});
    w.s.close("A");
    same(w.ask("B", 1, "lookup", R"({"data":{"topic":"t"}})"), {R"(= 1 {"data":[]})"});
    BOOST_TEST(w.topics_there() == 0u); // nor is an empty topic kept
}

BOOST_AUTO_TEST_CASE(fix_only_the_owner_of_an_id_may_leave) {
    world<> w;
    w.open("ABC");
    w.join("A");
    same(w.ask("B", 1, "leave", R"({"data":{"topic":"t","id":"A"}})"), {"= 1 {}"});
    same(w.ask("B", 1, "leave", R"({"data":{"id":"A"}})"), {"= 1 {}"});
    same(w.ask("C", 1, "lookup", R"({"data":{"topic":"t"}})"), {R"(= 1 {"data":["A"]})"});
    // the newest connection takes over
    same(w.ask("B", 1, "join", R"({"data":{"topic":"t","id":"A"}})"), {R"(= 1 {"data":["A"]})"});
    same(w.ask("A", 1, "leave", R"({"data":{"topic":"t","id":"A"}})"), {"= 1 {}"});
    w.ask("C", 2, "offer", R"({"data":{"remoteId":"A","topic":"t"}})");
    BOOST_TEST(w.heard("B").size() == 1u);
    w.s.close("A");
    same(w.ask("C", 1, "lookup", R"({"data":{"topic":"t"}})"), {R"(= 1 {"data":["A"]})"});
    same(w.ask("B", 1, "leave", R"({"data":{"topic":"t","id":"A"}})"), {"= 1 {}"});
    BOOST_TEST(w.topics_there() == 0u);
}

BOOST_AUTO_TEST_CASE(fix_strict_ids_are_the_first_owners) {
    world<> w{{.unique_names = true}};
    w.open("AB");
    const auto join = [&](const std::string& who, const std::string& id) {
        return w.ask(who, 1, "join", R"({"data":{"topic":"t","id":")" + id + R"("}})");
    };
    const auto in_use = [](const std::string& id) {
        return texts{R"(x 1 {"data":{"code":"ERR_ID_IN_USE","unformatMessage":"id in use: %s","args":[")" +
                     id + R"("]}})"};
    };
    same(join("A", "base64:AP8="), {R"(= 1 {"data":["base64:AP8="]})"});
    same(join("B", "base64:AP8"), in_use("00ff"));
    same(join("A", "other"), in_use("other")); // one id a connection
    w.s.close("A");
    same(join("B", "base64:AP8="), {R"(= 1 {"data":["base64:AP8="]})"});
}

BOOST_AUTO_TEST_CASE(fix_errors_tell_no_stack_and_topics_are_limited) {
    world<> w;
    w.open("A");
    for (std::size_t i = 0; i < topic_limits{}.topics_per_peer; ++i) w.join("A", "t" + std::to_string(i));
    const auto heard = w.ask("A", 1, "join", R"({"data":{"topic":"more","id":"A"}})");
    same(
        heard,
        {R"(x 1 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":["Peer Cannot Take More"]}})"});
}

// --- hooks, other wires ---

// on_connect, on_disconnect, on_join, on_leave, on_lookup, on_offer and on_signal of the original.
struct watchman {
    texts* seen;

    void on_open(peer_handle, const admission&) { seen->push_back("connect"); }
    void on_close(peer_handle, errc) { seen->push_back("disconnect"); }
    template <class E>
    errc on_message(message_context& context, E& e) {
        std::string_view to, topic;
        if constexpr (requires { e.to; }) to = e.to;
        if constexpr (requires { e.as; }) to = e.as;
        if constexpr (requires { e.topic; }) topic = e.topic;
        const auto said = std::string{e.command} + " " + std::string{to} + " " + std::string{topic} + " ";
        seen->push_back(said + std::string{socket_signal::parameters(e)});
        if (e.command == "offer") return context.fail("not \"you\"");
        return e.command == "signal" ? errc::denied : errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(hooks_are_the_functions_of_the_original) {
    texts seen;
    world<hooks<watchman>> w{{}, hooks{watchman{&seen}}};
    w.open("A");
    const std::string data = R"({"topic":"t","id":"A","metadata":{"user":"ann"}})";
    w.ask("A", 1, "join", R"({"data":)" + data + "}");
    w.ask("A", 1, "socket-signal-lookup", R"({"data":{"topic":"t"}})");
    const auto refused = w.ask("A", 1, "offer", R"({"data":{"remoteId":"A","topic":"t"}})");
    same(
        refused,
        {R"(x 1 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":["not \"you\""]}})"});
    same(w.ask("A", 1, "signal", R"({"data":{"remoteId":"A","topic":"t"}})", true), {R"(= 1 {"data":null})"});
    w.ask("A", 1, "leave", R"({"data":{"id":"A"}})");
    w.s.close("A");
    same(seen, {"connect", "join A t " + data, R"(lookup  t {"topic":"t"})",
                R"(offer A t {"remoteId":"A","topic":"t"})", R"(signal A t {"remoteId":"A","topic":"t"})",
                R"(leave A  {"id":"A"})", "disconnect"});
}

BOOST_AUTO_TEST_CASE(parameters_of_other_wires_are_none) {
    std::string bytes = packed({.id = 1, .name = "join", .json = R"({"data":{"id":"A"}})"});
    event::join j;
    j.whole = {bytes, message_type::binary};
    BOOST_TEST(socket_signal::parameters(j).empty());
    j.token.wire = wire_id::socket_signal;
    BOOST_TEST(socket_signal::parameters(j) == R"({"id":"A"})");
    event::custom c;
    c.data.bytes = "{}";
    BOOST_TEST(socket_signal::parameters(c).empty());
    c.data.wire = wire_id::socket_signal;
    BOOST_TEST(socket_signal::parameters(c) == "{}");
    BOOST_TEST(socket_signal::parameters(event::ping{}).empty());
}

BOOST_AUTO_TEST_CASE(signals_are_known_by_kind) {
    socket_signal codec;
    socket_signal::state st;
    using seen = std::pair<signal_kind, std::string>;
    std::string call;
    const auto look = [&](std::string_view name, const std::string& signals, const std::string& session = "",
                          bool response = false) {
        const auto json = R"({"data":{"remoteId":"B","topic":"t")" + session + R"(,"data":)" + signals + "}}";
        auto bytes =
            packed({.id = 1, .response = response, .event = name == "signal", .name = name, .json = json});
        seen found;
        codec.decode({bytes, message_type::binary}, st, [&](auto& e) {
            if constexpr (requires { e.signal; }) {
                found = {e.signal.kind, std::string{e.signal.body}};
                call = e.signal.call;
                BOOST_TEST(e.data.bytes == json.substr(8, json.size() - 9));
                BOOST_TEST((e.data.wire == wire_id::socket_signal));
                BOOST_TEST((e.token.wire == wire_id::socket_signal));
            } else {
                BOOST_ERROR("this is no signal");
            }
        });
        return found;
    };
    const std::string offer = R"({"type":"offer","sdp":"v"})", answer = R"({"sdp":"v","type":"answer"})",
                      candidate = R"({"type":"candidate","candidate":{"candidate":"c"}})";
    BOOST_TEST((look("offer", "[" + offer + "," + candidate + "]") == seen{signal_kind::offer, offer}));
    BOOST_TEST((look("offer", "[ " + offer + " , 7 ]") == seen{signal_kind::offer, offer}));
    BOOST_TEST(
        (look("signal", "[" + candidate + "]") == seen{signal_kind::candidate, R"({"candidate":"c"})"}));
    BOOST_TEST((look("", "[" + answer + "]", "", true) == seen{signal_kind::answer, answer}));
    BOOST_TEST((look("signal", R"([{"type":"renegotiate"}])") ==
                seen{signal_kind::other, R"({"type":"renegotiate"})"}));
    BOOST_TEST(
        (look("signal", R"([{"type":"candidate"}])") == seen{signal_kind::other, R"({"type":"candidate"})"}));
    BOOST_TEST((look("signal", R"(["x",{"type":"offer"}])") == seen{signal_kind::other, R"("x")"}));
    for (const std::string none : {"[]", "[ ]", "5", "null", "{}"})
        BOOST_TEST((look("signal", none) == seen{signal_kind::none, ""}));
    BOOST_TEST(call.empty());
    // the id of the session, by which equal bytes are equal
    for (const bool response : {false, true}) {
        look("offer", "[]", R"(,"sessionId":"base64:\u0061R")", response);
        BOOST_TEST(call == "base64:aQ==");
        look("offer", "[]", R"(,"sessionId":"s","sessionId":"s2")", response);
        BOOST_TEST(call == "s2");
        for (const std::string& none :
             {std::string{"5"}, std::string{"null"}, "\"" + std::string(257, 's') + "\""}) {
            look("offer", "[]", R"(,"sessionId":)" + none, response);
            BOOST_TEST(call.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(other_codecs_share_topics_and_get_readable_messages_only) {
    world<> w;
    w.open("A");
    w.join("A");
    w.j.open("J", request{}); // with extras
    const auto welcome = w.j.messages("J").at(0);
    const auto j = welcome.substr(welcome.find(R"({"id":")", 2) + 7, 21);
    w.j.say("J", R"({"id":1,"cmd":"join","topic":"t"})");
    same(w.ask("A", 1, "lookup", R"({"data":{"topic":"t"}})"), {R"(= 1 {"data":["A",")" + j + R"("]})"});
    w.j.say("J", R"({"id":2,"cmd":"publish","topic":"t","data":1})");
    w.j.say("J", R"({"id":3,"cmd":"offer","target":"A","data":{"offer":1}})");
    w.j.say("J", R"({"id":4,"cmd":"request","target":"A"})");
    same(w.heard("A"), {});
    w.j.heard("J");
    // a peer with an id from the hub is not taken over
    const auto stolen = w.ask("A", 1, "join", R"({"data":{"topic":"t","id":")" + j + R"("}})");
    BOOST_TEST(stolen.at(0).starts_with(R"(x 1 {"data":{"code":"ERR_ID_IN_USE")"));
    // a function, or a peer of another wire, can answer an offer
    w.say("A", {.id = 8, .name = "offer", .json = R"({"data":{"remoteId":")" + j + R"(","topic":"t"}})"});
    const auto asked = w.j.messages("J").at(0);
    BOOST_TEST(asked.find(R"("cmd":"offer","origin":"A")") != std::string::npos);
    BOOST_TEST(asked.find(R"("request":2)") != std::string::npos);
    w.j.say("J", R"({"id":5,"cmd":"respond","request":2,"ok":false,"data":{"message":"busy"}})");
    same(w.heard("A"),
         {R"(x 8 {"data":{"code":"NRPC_ERR_RESPONSE_ERROR","unformatMessage":"%s","args":["busy"]}})"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
