// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/peerjs.hpp>

#include "support/peerjs_world.hpp"
#include "support/recording.hpp"
#include "support/wire_bench.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

#include <cctype>
#include <deque>
#include <set>
#include <type_traits>

namespace {

using namespace peerjs_world;
using transcripts::from_base64, transcripts::transcript;
namespace js = boost::json;

const std::string opened = R"({"type":"OPEN"})";
const std::string taken = R"({"type":"ID-TAKEN","payload":{"msg":"ID is taken"}})";

std::string error_message(std::string_view text) {
    return R"({"type":"ERROR","payload":{"msg":")" + std::string{text} + R"("}})";
}

std::string expired(std::string_view absent, std::string_view sender) {
    return R"({"type":"EXPIRE","src":")" + std::string{absent} + R"(","dst":")" + std::string{sender} +
           R"("})";
}

std::string field(const response& r, std::string_view name) {
    std::string all;
    for (const auto& [n, value] : r.headers)
        if (detail::equal_ignoring_case(n, name)) all += (all.empty() ? "" : ",") + value;
    return all;
}

bool is_uuid_4(std::string_view s) {
    const std::string_view form = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    return std::equal(s.begin(), s.end(), form.begin(), form.end(), [](char c, char f) {
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        return f == 'x'   ? digit
               : f == 'y' ? std::string_view{"89ab"}.find(c) != std::string_view::npos
                          : c == f;
    });
}

// --- conversations recorded from the original ---

js::object line_of(std::string_view json) {
    return js::parse(json).as_object();
}

// What sigfire does differently, on purpose: the peer that takes over is sent OPEN, and the old connection is
// closed.
void amend(transcript& t) {
    const bool takeover = t.name == "same-token-takeover";
    if (!takeover && t.name != "concurrent-limit") return;
    const std::string newer = takeover ? "B" : "C";
    std::vector<js::object> lines;
    for (auto& line : t.lines) {
        const auto conn = transcripts::field(line, "conn"), kind = transcripts::field(line, "kind"),
                   dir = transcripts::field(line, "dir");
        // what the old connection still said, and how it was closed
        if (takeover && transcripts::field(line, "data").find("old socket") != std::string::npos &&
            dir == "s2c")
            continue;
        if (takeover && conn == "A" && kind == "close" && dir == "s2c") continue;
        const auto time = line.at("t").as_int64();
        lines.push_back(std::move(line));
        if (conn != newer || kind != "open" || dir != "s2c") continue;
        auto& open =
            lines.emplace_back(line_of(R"({"dir":"s2c","kind":"text","data":"{\"type\":\"OPEN\"}"})"));
        open["conn"] = newer, open["t"] = time;
        auto& close = lines.emplace_back(line_of(R"({"dir":"s2c","conn":"A","kind":"close","code":1005})"));
        close["t"] = time;
    }
    t.lines = std::move(lines);
}

transcript load(const std::string& name) {
    auto t = transcripts::load("peerjs", name);
    std::erase_if(t.lines, [](const auto& line) { return transcripts::field(line, "kind") == "fin"; });
    amend(t);
    return t;
}

peerjs_options options_of(const transcript& t) {
    peerjs_options o;
    for (const auto& [name, value] : t.meta.at("serverOptions").as_object()) {
        const auto time = [&v = value] { return std::chrono::milliseconds{v.as_int64()}; };
        if (name == "expire_timeout")
            o.expire_timeout = time();
        else if (name == "cleanup_out_msgs")
            o.cleanup_out_msgs = time();
        else if (name == "alive_timeout")
            o.alive_timeout = time();
        else if (name == "concurrent_limit")
            o.concurrent_limit = static_cast<std::size_t>(value.as_int64());
        else if (name == "allow_discovery")
            o.allow_discovery = value.as_bool();
        else if (name == "path")
            o.path = value.as_string();
        else
            BOOST_FAIL("unknown option " << name);
    }
    return o;
}

// Plays the clients of a transcript, and compares what the server does. Acts of the server by the clock may
// come as much earlier or later as the original's checks are apart.
class player {
public:
    explicit player(const transcript& t) : t_(t), w_(options_of(t)), begin_(w_.now) {}

    void play() {
        for (const auto& line : t_.lines)
            if (transcripts::field(line, "dir") == "c2s")
                do_as_client(line);
            else
                expect(line);
        for (auto& [name, c] : w_.connections)
            for (const auto& said : c.heard) BOOST_ERROR(name << " heard what nobody expected: " << said);
    }

private:
    void do_as_client(const js::object& line) {
        wait_until(line);
        const auto name = transcripts::field(line, "conn"), kind = transcripts::field(line, "kind");
        if (kind == "open" || kind == "http") {
            const auto& http = line.at("http").as_object();
            std::deque<std::string> texts;
            const auto fields = transcripts::fields_of(line.at("http"), texts);
            const auto target = fill(transcripts::field(http, "target"));
            if (kind == "open")
                w_.open(name, target, fields);
            else
                answers_[name] = {w_.http(transcripts::field(http, "method"), target, fields), target};
        } else if (kind == "text") {
            w_.say(name, fill(transcripts::field(line, "data")));
        } else if (kind == "binary") {
            w_.say(name, from_base64(transcripts::field(line, "data")), message_type::binary);
        } else if (kind == "close") {
            w_.close(name, static_cast<int>(line.at("code").as_int64()));
        } else {
            BOOST_FAIL("unknown line " << js::serialize(line));
        }
    }

    void expect(const js::object& line) {
        const auto name = transcripts::field(line, "conn"), kind = transcripts::field(line, "kind");
        if (kind == "http") return expect_answer(name, line.at("http").as_object());
        auto& heard = w_.connections[name].heard;
        const auto limit = begin_ + std::chrono::milliseconds{line.at("t").as_int64() + 1100};
        while (heard.empty() && w_.now < limit) w_.advance(1ms);
        BOOST_TEST_REQUIRE(!heard.empty(), name << " heard nothing, expected " << js::serialize(line));
        const auto got = heard.front();
        heard.erase(heard.begin());
        if (kind == "open") {
            const auto& http = line.at("http").as_object();
            const auto chosen = http.at("headers").as_object().if_contains("sec-websocket-protocol");
            BOOST_TEST(got == "open " + std::to_string(http.at("status").as_int64()) + " " +
                                  (chosen != nullptr ? std::string{chosen->as_string()}
                                                     : transcripts::field(http, "body")));
        } else if (kind == "close") {
            BOOST_TEST(got == "close " + std::to_string(line.at("code").as_int64()) + " " +
                                  transcripts::field(line, "reason"));
        } else {
            BOOST_TEST(got == fill(transcripts::field(line, "data")));
        }
    }

    void expect_answer(const std::string& name, const js::object& http) {
        const auto& [got, target] = answers_[name];
        const auto status = http.at("status").as_int64();
        BOOST_TEST_REQUIRE(got.has_value());
        BOOST_TEST(got->status == status);
        for (const auto& [field_name, value] : http.at("headers").as_object()) {
            const std::string expected{value.as_string()};
            if (field_name == "content-type") BOOST_TEST(got->content_type == expected);
            if (field_name == "vary" || field_name.starts_with("access-control"))
                BOOST_TEST(field(*got, field_name) == expected);
        }
        BOOST_TEST(field(*got, "access-control-allow-origin").empty() !=
                   http.at("headers").as_object().contains("access-control-allow-origin"));
        if (status == 404) return; // a page for people
        const auto body = transcripts::field(http, "body");
        if (body.starts_with("{{")) bound_.emplace(body, got->body);
        const bool is_id = target.find("/id") != std::string::npos;
        BOOST_TEST((is_id ? is_uuid_4(got->body) : got->body == fill(body)), got->body);
        if (is_id) BOOST_TEST(ids_.insert(got->body).second);
    }

    void wait_until(const js::object& line) {
        const auto at = begin_ + std::chrono::milliseconds{line.at("t").as_int64()};
        if (at > w_.now) w_.advance(std::chrono::duration_cast<std::chrono::milliseconds>(at - w_.now));
    }

    // Placeholders are what the server said, or what the client chose.
    std::string fill(std::string text) {
        for (const auto& p : t_.meta.at("placeholders").as_object()) {
            const std::string placeholder{p.key()};
            const auto known = bound_.find(placeholder);
            const std::string value{known != bound_.end() ? std::string_view{known->second}
                                                          : p.value().as_string()};
            for (auto i = text.find(placeholder); i != text.npos;
                 i = text.find(placeholder, i + value.size()))
                text.replace(i, placeholder.size(), value);
        }
        return text;
    }

    const transcript& t_;
    world w_;
    time_point begin_;
    std::map<std::string, std::string> bound_;
    std::map<std::string, std::pair<std::optional<response>, std::string>> answers_;
    std::set<std::string> ids_;
};

BOOST_AUTO_TEST_SUITE(dialect_peerjs)

BOOST_AUTO_TEST_CASE(recordings_are_all_here) {
    BOOST_TEST(transcripts::names("peerjs").size() == 28u);
}

BOOST_DATA_TEST_CASE(recordings, boost::unit_test::data::make(transcripts::names("peerjs")), name) {
    const auto t = load(name);
    player{t}.play();
}

// --- better than the original ---

BOOST_AUTO_TEST_CASE(fixed_text_that_is_no_message_harms_nobody) {
    const std::string deep =
        R"({"type":"OFFER","dst":"b","payload":)" + std::string(600, '[') + std::string(600, ']') + "}";
    const std::string rows[] = {"",
                                "nope",
                                "null",
                                "5",
                                "\"x\"",
                                "true",
                                "[]",
                                "[{\"type\":\"OFFER\",\"dst\":\"b\"}]",
                                "{",
                                "{}",
                                "{}{}",
                                R"({"type":"OFFER","dst":"b")",
                                R"({"type":"OFFER","dst":"b"}x)",
                                R"({"type":"OFFER","dst":"b",})",
                                R"({"type":"OFFER",'dst':"b"})",
                                R"({"type":"OFFER","dst":"b","payload":01})",
                                R"({"type":["OFFER"],"dst":"b"})",
                                R"({"type":null,"dst":"b"})",
                                R"({"type":7,"dst":"b"})",
                                R"({"type":"OFFER ","dst":"b"})",
                                R"({"type":"offer","dst":"b"})",
                                R"({"type":"__proto__","dst":"b"})",
                                R"({"type":"OFFER"})",
                                R"({"type":"OFFER","dst":""})",
                                R"({"type":"OFFER","dst":null})",
                                R"({"type":"OFFER","dst":true})",
                                R"({"type":"OFFER","dst":["b"]})",
                                R"({"type":"OFFER","dst":{"b":1}})",
                                R"({"type":"OFFER","dst":0})",
                                R"({"type":"OFFER","dst":"\ud800"})",
                                R"({"type":"OFFER","dst":"b","dst":""})",
                                R"({"type":"OFFER","type":"x","dst":"b"})",
                                deep};
    world w{{.alive_timeout = 0ms}};
    w.connect("a");
    w.connect("b");
    w.forget_all();
    for (const auto type : {message_type::text, message_type::binary})
        for (const auto& row : rows) {
            BOOST_TEST_REQUIRE(w.say("a", row, type), "closed by a row before " << row);
            w.advance(7s);
            BOOST_TEST(w.heard("a").empty(), row);
            BOOST_TEST(w.heard("b").empty(), row);
        }
    // binary messages may hold anything
    BOOST_TEST(w.say("a", "\xff{}", message_type::binary));
    BOOST_TEST(w.connections["a"].usable());
    w.say("a", R"({"type":"OFFER","dst":"b","payload":1})");
    same(w.heard("b"), {R"({"type":"OFFER","src":"a","dst":"b","payload":1})"});
    // text that is none breaks the rules of WebSocket
    w.say("a", "\xff");
    same(w.heard("a"), {"close 1007 Invalid UTF-8"});
}

BOOST_AUTO_TEST_CASE(fixed_the_queue_is_bounded) {
    mailbox_limits limits;
    limits.messages_per_id = 3;
    basic_world<> w{{}, {}, {}, limits};
    w.connect("a");
    for (int i = 0; i < 1000; ++i)
        w.say("a", R"({"type":"OFFER","dst":"absent","payload":)" + std::to_string(i) + "}");
    BOOST_TEST(w.h.get<mailbox<>>().size() == 3u);
    w.connect("absent");
    same(w.heard("absent"), {"open 101 ", opened, R"({"type":"OFFER","src":"a","dst":"absent","payload":0})",
                             R"({"type":"OFFER","src":"a","dst":"absent","payload":1})",
                             R"({"type":"OFFER","src":"a","dst":"absent","payload":2})"});
}

BOOST_AUTO_TEST_CASE(fixed_a_key_can_be_asked_for_over_http) {
    world lax, strict{{.strict_key = true, .allow_discovery = true}};
    BOOST_TEST(lax.http("GET", "/otherkey/id")->status == 200u);
    BOOST_TEST(strict.http("GET", "/otherkey/id")->status == 404u);
    BOOST_TEST(strict.http("GET", "/otherkey/peers")->status == 404u);
    BOOST_TEST(strict.http("GET", "/peerjs/id")->status == 200u);
    BOOST_TEST(strict.http("GET", "/peerjs/peers")->status == 200u);
}

BOOST_AUTO_TEST_CASE(fixed_a_number_names_the_peer_of_that_id) {
    world w;
    w.connect("a");
    w.connect("5");
    w.forget_all();
    w.say("a", R"({"type":"OFFER","dst":5,"payload":1})");
    same(w.heard("5"), {R"({"type":"OFFER","src":"a","dst":"5","payload":1})"});
    w.say("a", R"({"type":"OFFER","dst":-6.5e1,"payload":1})");
    w.advance(6s);
    same(w.heard("a"), {expired("-6.5e1", "a")});
}

BOOST_AUTO_TEST_CASE(fixed_a_peer_that_takes_over_hears_so) {
    world w;
    w.connect("a");
    w.connect("old", "x", "secret");
    w.forget_all();
    w.connect("new", "x", "secret");
    same(w.heard("old"), {"close 1005 "});
    same(w.heard("new"), {"open 101 ", opened});
    w.say("a", R"({"type":"OFFER","dst":"x","payload":1})");
    same(w.heard("new"), {R"({"type":"OFFER","src":"a","dst":"x","payload":1})"});
    BOOST_TEST(!w.say("old", R"({"type":"OFFER","dst":"a"})"));
    w.close("old");
    BOOST_TEST(static_cast<bool>(w.h.find("x")));
    w.close("new");
    BOOST_TEST(!w.h.find("x"));
    BOOST_TEST(w.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(fixed_an_id_that_was_left_belongs_to_its_next_taker) {
    const auto full = error_message("Server has reached its concurrent user limit");
    for (const auto leave : {R"({"type":"LEAVE"})", R"({"type":"LEAVE","dst":"","payload":1})"}) {
        world w{{.concurrent_limit = 2, .allow_discovery = true}};
        w.connect("b");
        w.connect("old", "x", "t1");
        w.forget_all();
        w.say("old", leave);
        BOOST_TEST(!w.h.find("x"));
        BOOST_TEST(w.http("GET", "/peerjs/peers")->body == R"(["b"])");
        w.connect("late");
        same(w.heard("late"), {"open 101 ", full, "close 1005 "}); // it is here, and counts
        w.close("b");
        w.connect("new", "x", "t2");
        same(w.heard("new"), {"open 101 ", opened});
        BOOST_TEST(w.http("GET", "/peerjs/peers")->body == R"(["x"])");
        // the old one may go on talking, as somebody else, and leave once more
        w.say("old", leave);
        w.say("old", R"({"type":"OFFER","dst":"x"})");
        const auto heard = w.heard("new");
        BOOST_TEST_REQUIRE(heard.size() == 1u);
        BOOST_TEST(heard[0].size() ==
                   std::string_view{R"({"type":"OFFER","src":"123456789012345678901","dst":"x"})"}.size());
        BOOST_TEST(w.heard("old").empty());
        w.close("old");
        w.connect("b2", "b", "t3");
        w.say("b2", R"({"type":"OFFER","dst":"x","payload":2})");
        same(w.heard("new"), {R"({"type":"OFFER","src":"b","dst":"x","payload":2})"});
        BOOST_TEST(w.h.size() == 2u);
        w.connect("c");
        same(w.heard("c"), {"open 101 ", full, "close 1005 "});
    }
}

BOOST_AUTO_TEST_CASE(a_peer_that_left_speaks_under_its_id_until_another_has_it) {
    world w{{.concurrent_limit = 2, .allow_discovery = true}};
    w.connect("b");
    w.connect("x");
    w.forget_all();
    for (int i = 0; i < 2; ++i) {
        w.say("x", R"({"type":"LEAVE"})");
        w.say("x", R"({"type":"OFFER","dst":"b","payload":1})");
        same(w.heard("b"), {R"({"type":"OFFER","src":"x","dst":"b","payload":1})"});
    }
    // nobody is found by it: messages to it wait and expire
    w.say("b", R"({"type":"ANSWER","dst":"x"})");
    w.advance(7s);
    same(w.heard("b"), {expired("x", "b")});
    BOOST_TEST(w.heard("x").empty());
    // its connection is still looked after, and ends by itself
    w.say("b", R"({"type":"HEARTBEAT"})");
    w.advance(84s);
    same(w.heard("x"), {"close 1005 "});
    BOOST_TEST(w.connections["b"].usable());
    BOOST_TEST(w.http("GET", "/peerjs/peers")->body == R"(["b"])");
    w.connect("c");
    BOOST_TEST(w.connections["c"].usable());
}

BOOST_AUTO_TEST_CASE(fixed_a_peer_that_left_takes_no_id_along_when_it_goes) {
    world w;
    w.connect("old", "x", "t1");
    w.say("old", R"({"type":"LEAVE"})");
    w.close("old"); // by its end it takes no id along that is another's
    w.connect("new", "x", "t2");
    w.say("new", R"({"type":"LEAVE"})");
    w.connect("newer", "x", "t2"); // it proves nothing: nobody has the id
    BOOST_TEST((w.connections["new"].usable() && w.connections["newer"].usable()));
    w.forget_all();
    w.close("new");
    w.connect("a");
    w.say("a", R"({"type":"OFFER","dst":"x"})");
    same(w.heard("newer"), {R"({"type":"OFFER","src":"a","dst":"x"})"});
}

BOOST_AUTO_TEST_CASE(a_stranger_gets_the_id_when_its_holder_leaves) {
    world w;
    w.connect("old", "x", "t1");
    w.connect("new", "x", "t2");
    same(w.heard("new"), {"open 101 ", taken, "close 1005 "});
    w.forget_all();
    w.say("old", R"({"type":"LEAVE"})");
    w.connect("newer", "x", "t2");
    same(w.heard("newer"), {"open 101 ", opened});
    BOOST_TEST(w.heard("old").empty());
    w.advance(5s);
    BOOST_TEST(w.connections["old"].usable());
}

// --- admission ---

BOOST_AUTO_TEST_CASE(checks_come_in_the_order_of_the_original) {
    const auto none = error_message("No id, token, or key supplied to websocket server");
    const auto key = error_message("Invalid key provided");
    const auto limit = error_message("Server has reached its concurrent user limit");
    const auto invalid = error_message("Invalid id provided");
    const std::pair<std::string, std::string> rows[] = {
        {"/peerjs", none},
        {"/peerjs?", none},
        {"/peerjs?key=peerjs&id=b", none},
        {"/peerjs?key=peerjs&token=t", none},
        {"/peerjs?id=b&token=t", none},
        {"/peerjs?key=&id=b&token=t", none},
        {"/peerjs?key=peerjs&id=b&token=t&id=", none}, // the last one counts
        {"/peerjs?key=wrong&id=b", none},
        {"/peerjs?key=peerjs&id=b&token=" + std::string(257, 't'), none},
        {"/peerjs?key=wrong&id=a&token=t", key},
        {"/peerjs?key=PEERJS&id=b&token=t", key},
        {"/peerjs?key=peerjs&id=a&token=other", taken},
        {"/peerjs?key=peerjs&id=b&token=t", limit},
        {"/peerjs?key=peerjs&id=%ff&token=t", invalid},
        {"/peerjs?key=peerjs&id=" + std::string(257, 'b') + "&token=t", invalid},
    };
    world w{{.concurrent_limit = 1}};
    w.connect("a");
    w.forget_all();
    for (const auto& [target, expected] : rows) {
        w.open("late", target);
        BOOST_TEST_CONTEXT(target) {
            same(w.heard("late"), {"open 101 ", expected, "close 1005 "});
        }
        w.connections.erase("late");
        BOOST_TEST(w.h.size() == 1u);
    }
    BOOST_TEST(w.heard("a").empty());
    // none of them was let in for a moment
    w.close("a");
    w.open("b", "/peerjs?key=peerjs&id=b&token=" + std::string(256, 't'));
    same(w.heard("b"), {"open 101 ", opened});
}

BOOST_AUTO_TEST_CASE(only_its_own_path_is_a_websocket) {
    for (const auto target :
         {"/", "/peerjs/", "/PeerJS", "/peerjs/id", "/x/peerjs", "/peerjsx", "//peerjs", ""}) {
        world w;
        w.open("a", std::string{target} + "?key=peerjs&id=a&token=t");
        BOOST_TEST_CONTEXT(target) {
            same(w.heard("a"), {"open 400 Bad Request"});
        }
    }
    BOOST_TEST(peerjs{}.end(errc::bad_handshake, {}).content_type == "text/html");
    for (const auto path : {"/my/app", "/my/app/", "my/app"}) {
        world w{{.path = path}};
        w.open("a", "/my/app/peerjs?key=peerjs&id=a&token=t");
        same(w.heard("a"), {"open 101 ", opened});
        w.open("b", "/peerjs?key=peerjs&id=b&token=t");
        same(w.heard("b"), {"open 400 Bad Request"});
    }
}

BOOST_AUTO_TEST_CASE(the_first_subprotocol_is_echoed) {
    world w;
    const header fields[] = {{"Sec-WebSocket-Protocol", "one, two"}};
    w.open("a", "/peerjs?key=peerjs&id=a&token=t", fields);
    same(w.heard("a"), {"open 101 one", opened});
}

// A page on a phone may be silent for some seconds.
BOOST_AUTO_TEST_CASE(a_silent_client_keeps_its_id_until_its_heartbeats_are_missed) {
    world w;
    w.connect("old", "x", "t1");
    w.connections["old"].answers_pings = false;
    w.connect("new", "x", "t2");
    same(w.heard("new"), {"open 101 ", taken, "close 1005 "});
    w.advance(80s);
    BOOST_TEST(w.connections["old"].usable());
    w.connect("newer", "x", "t2");
    same(w.heard("newer"), {"open 101 ", taken, "close 1005 "});
    w.connect("owner", "x", "t1");
    same(w.heard("owner"), {"open 101 ", opened});
    w.connections["owner"].answers_pings = false;
    w.advance(91s);
    w.connect("newest", "x", "t2");
    same(w.heard("newest"), {"open 101 ", opened});
}

BOOST_AUTO_TEST_CASE(limit_counts_only_clients_of_its_own) {
    world w{{.concurrent_limit = 2}};
    w.connect("a");
    w.connect("b");
    w.close("a");
    w.connect("c");
    w.connect("d");
    same(w.heard("c"), {"open 101 ", opened});
    same(w.heard("d"),
         {"open 101 ", error_message("Server has reached its concurrent user limit"), "close 1005 "});
    world any{{.concurrent_limit = 0}};
    for (int i = 0; i < 50; ++i) any.connect("p" + std::to_string(i));
    BOOST_TEST(any.h.size() == 50u);
}

BOOST_AUTO_TEST_CASE(each_server_counts_for_itself) {
    const auto counted = [](const peerjs& p) {
        peerjs::state st;
        admission ad;
        BOOST_TEST((p.open({"GET", "/peerjs?key=peerjs&id=a&token=t", {}, {}}, st, ad) == errc::ok));
        return ad.counted_with;
    };
    const peerjs one{{.concurrent_limit = 7}}, other{{.concurrent_limit = 0}}, copy = one;
    BOOST_TEST(counted(one).number != 0u);
    BOOST_TEST(counted(one).number == counted(copy).number);
    BOOST_TEST(counted(one).number != counted(other).number);
    BOOST_TEST(counted(copy).limit == 7u);
    BOOST_TEST(counted(other).limit == 0u);
}

struct doorman {
    errc on_admit(const request& r, admission& a) {
        if (r["Origin"] == "https://teapot.example") a.refused_as = refusal{418, 1000, "Teapot"};
        return r["Origin"].empty() ? errc::ok : errc::denied;
    }
};

BOOST_AUTO_TEST_CASE(hooks_refuse_in_words_that_clients_show) {
    basic_world<all_features, hooks<doorman>> w{{}, hooks{doorman{}}};
    const header no[] = {{"Origin", "https://no.example"}}, teapot[] = {{"Origin", "https://teapot.example"}};
    w.open("a", "/peerjs?key=peerjs&id=a&token=t", no);
    same(w.heard("a"), {"open 101 ", error_message("Denied"), "close 1005 "});
    w.open("b", "/peerjs?key=peerjs&id=a&token=t", teapot);
    same(w.heard("b"), {"open 418 Teapot"});
    w.connect("c");
    same(w.heard("c"), {"open 101 ", opened});
}

// --- messages ---

BOOST_AUTO_TEST_CASE(messages_are_written_anew) {
    world w;
    w.connect("a");
    w.connect("q", "q%22%0a", "t"); // q"\n
    w.forget_all();
    const std::pair<std::string, std::string> rows[] = {
        {R"({"type":"OFFER","payload":{"a" : [1, "\ud800"]},"dst":"q\"\n","src":"z","x":1})",
         R"("OFFER","src":"a","dst":"q\"\u000a","payload":{"a" : [1, "\ud800"]})"},
        {R"( {"dst":"q\u0022\u000a","type":"\u0041NSWER"} )", R"("ANSWER","src":"a","dst":"q\"\u000a")"},
        {R"({"type":"CANDIDATE","dst":"q\"\n","payload":null})",
         R"("CANDIDATE","src":"a","dst":"q\"\u000a","payload":null)"},
        {R"({"type":"LEAVE","dst":"q\"\n","payload":"bye"})",
         R"("LEAVE","src":"a","dst":"q\"\u000a","payload":"bye")"},
        {R"({"type":"EXPIRE","dst":"q\"\n"})", R"("EXPIRE","src":"a","dst":"q\"\u000a")"},
        {R"({"type":"OFFER","dst":"x","dst":"q\"\n","payload":1,"payload":2})",
         R"("OFFER","src":"a","dst":"q\"\u000a","payload":2)"},
    };
    for (const auto& [said, expected] : rows) {
        w.say("a", said);
        same(w.heard("q"), {R"({"type":)" + expected + "}"});
    }
    w.say("q", R"({"type":"OFFER","dst":"a"})");
    same(w.heard("a"), {R"({"type":"OFFER","src":"q\"\u000a","dst":"a"})"});
}

BOOST_AUTO_TEST_CASE(signals_are_known) {
    const struct {
        const char *text, *signal, *call;
        signal_kind kind;
        bool ephemeral;
    } rows[] = {
        {R"({"type":"OFFER","dst":"b","payload":{"sdp":{"type":"offer"},"candidate":1}})",
         R"({"type":"offer"})", "", signal_kind::offer, false},
        {R"({"type":"ANSWER","dst":"b","payload":{"type":"data","sdp":{"sdp":"v=0"},"connectionId":"dc_1"}})",
         R"({"sdp":"v=0"})", "dc_1", signal_kind::answer, false},
        {R"({"type":"CANDIDATE","dst":"b","payload":{"candidate":{"candidate":"c"},"sdp":1}})",
         R"({"candidate":"c"})", "", signal_kind::candidate, false},
        {R"({"payload":{"sdp":1,"connectionId":"x"},"type":"OFFER","dst":"b","payload":{}})", "", "",
         signal_kind::offer, false},
        {R"({"payload":{"sdp":1,"connectionId":"x"},"type":"OFFER","dst":"b","payload":7})", "", "",
         signal_kind::offer, false},
        {R"({"type":"OFFER","dst":"b","payload":{"connection\u0049d":"mc_\u0031"}})", "", "mc_1",
         signal_kind::offer, false},
        {R"({"type":"OFFER","dst":"b","payload":{"connectionId":5}})", "", "", signal_kind::offer, false},
        {R"({"type":"OFFER","dst":"b","payload":{"connectionId":"\ud800"}})", "", "", signal_kind::offer,
         false},
        {R"({"type":"OFFER","dst":"b","payload":"sdp"})", "", "", signal_kind::offer, false},
        {R"({"type":"OFFER","dst":"b"})", "", "", signal_kind::offer, false},
        {R"({"type":"LEAVE","dst":"b","payload":{"sdp":1}})", "", "", signal_kind::bye, true},
        {R"({"type":"EXPIRE","dst":"b","payload":{"sdp":1}})", "", "", signal_kind::none, true},
    };
    const peerjs codec;
    peerjs::state st;
    for (const auto& row : rows) {
        std::string text = row.text;
        int n = 0;
        BOOST_TEST((codec.decode({text, message_type::text}, st, wire_bench::only<event::send>([&](auto& e) {
                                     ++n;
                                     BOOST_TEST((e.fault == errc::ok));
                                     BOOST_TEST(e.to == "b");
                                     BOOST_TEST(e.echo);
                                     BOOST_TEST((e.token.empty() && e.token.wire == wire_id::peerjs));
                                     BOOST_TEST((e.data.wire == wire_id::peerjs && peerjs::says(e)));
                                     BOOST_TEST(e.signal.body == row.signal, text);
                                     BOOST_TEST(e.signal.call == row.call, text);
                                     BOOST_TEST((e.signal.kind == row.kind), text);
                                     BOOST_TEST(e.ephemeral == row.ephemeral, text);
                                     BOOST_TEST(e.whole.view() == text);
                                 })) == errc::ok));
        BOOST_TEST(n == 1, text);
    }
    // an id too long for a name is none
    std::string text =
        R"({"type":"OFFER","dst":"b","payload":{"connectionId":")" + std::string(257, 'x') + R"("}})";
    codec.decode({text, message_type::text}, st,
                 wire_bench::only<event::send>([](auto& e) { BOOST_TEST(e.signal.call.empty()); }));
}

BOOST_AUTO_TEST_CASE(messages_for_the_hub_are_known_by_type) {
    const peerjs codec;
    peerjs::state st;
    int n = 0;
    const auto check = [&n](auto& e) {
        ++n;
        BOOST_TEST((e.token.empty() && e.token.wire == wire_id::peerjs && e.fault == errc::ok));
        BOOST_TEST(e.command == (std::is_same_v<decltype(e), event::heartbeat&> ? "HEARTBEAT" : "LEAVE"));
    };
    std::string beat = R"({"type":"HEARTBEAT","dst":"b"})", leave = R"({"type":"LEAVE","dst":0})";
    codec.decode({beat, message_type::text}, st, wire_bench::only<event::heartbeat>(check));
    codec.decode({leave, message_type::text}, st, wire_bench::only<event::release_id>(check));
    BOOST_TEST(n == 2);
}

template <class... Es>
constexpr int words(event_list<Es...>) {
    return (0 + ... + detail::has_word<peerjs, Es>);
}

BOOST_AUTO_TEST_CASE(events_that_clients_cannot_read_are_not_sent) {
    static_assert(words(outgoing_events{}) == 4); // welcome, say, expired; and reply, of which none is sent
    static_assert(detail::has_word<peerjs, event::expired>);
    const peerjs codec;
    const peerjs::state st;
    char none[1];
    for (const auto wire : {wire_id::json, wire_id::msgpack, wire_id::signal_fire_2016,
                            wire_id::socket_signal, wire_id::y_webrtc})
        for (const auto command : {"offer", "OFFER", "presence", ""}) {
            event::send e;
            e.command = command, e.from = "a", e.to = "b", e.id = "1", e.topic = "t";
            e.data = {"{}", wire}, e.signal = {signal_kind::offer, e.data.bytes};
            BOOST_TEST(codec.bound(e, st) == 0u);
            BOOST_TEST(codec.encode(e, st, none) == 0u);
        }
    for (const auto& row : detail::errc_table) {
        event::reply e;
        e.token = {"1", wire_id::peerjs}, e.cause = row.code;
        BOOST_TEST(codec.bound(e, st) == 0u);
        BOOST_TEST(codec.encode(e, st, none) == 0u);
    }
    event::welcome w;
    BOOST_TEST(wire_bench::encoded(codec, w) == opened);
    event::expired x;
    x.from = "absent", x.to = "a\"";
    BOOST_TEST(wire_bench::encoded(codec, x) == R"({"type":"EXPIRE","src":"absent","dst":"a\""})");
    BOOST_TEST(codec.share_key(st) == -1);
    // what the host program says, too
    world world_of_one;
    world_of_one.connect("a");
    world_of_one.forget_all();
    world_of_one.h.send("a", "OFFER", "{}");
    BOOST_TEST(world_of_one.heard("a").empty());
}

BOOST_AUTO_TEST_CASE(a_peer_without_room_is_let_go) {
    world w;
    w.connect("a");
    w.connect("b");
    w.forget_all();
    w.connections["b"].full = true;
    w.say("a", R"({"type":"OFFER","dst":"b"})");
    BOOST_TEST(!w.connections["b"].usable());
    BOOST_TEST(!w.h.find("b"));
    BOOST_TEST(w.heard("a").empty());
}

// --- absence ---

BOOST_AUTO_TEST_CASE(a_line_is_as_old_as_its_first_message) {
    world w;
    w.connect("a");
    w.connect("c");
    w.forget_all();
    w.advance(300ms); // checks are at full seconds
    w.say("a", R"({"type":"OFFER","dst":"x"})");
    w.advance(4900ms); // at 5.2 s
    w.say("a", R"({"type":"CANDIDATE","dst":"x"})");
    w.say("c", R"({"type":"OFFER","dst":"x"})");
    w.say("c", R"({"type":"OFFER","dst":"y"})");
    w.say("a", R"({"type":"LEAVE","dst":"z"})");
    w.say("a", R"({"type":"EXPIRE","dst":"z"})");
    w.advance(799ms);
    BOOST_TEST(w.heard("a").empty());
    w.advance(1ms); // at 6 s
    same(w.heard("a"), {expired("x", "a")});
    same(w.heard("c"), {expired("x", "c")});
    w.say("a", R"({"type":"OFFER","dst":"x"})"); // a new line
    w.advance(4999ms);
    same(w.heard("c"), {});
    w.advance(1ms); // at 11 s: the checks of both lines
    same(w.heard("a"), {expired("x", "a")});
    same(w.heard("c"), {expired("y", "c")});
    w.advance(20s);
    BOOST_TEST(w.heard("a").empty());
    BOOST_TEST(w.h.get<mailbox<>>().size() == 0u);
}

BOOST_AUTO_TEST_CASE(waiting_messages_come_behind_open_and_do_not_expire) {
    world w;
    w.connect("a");
    w.forget_all();
    w.say("a", R"({"type":"OFFER","dst":"x","payload":{"n":1}})");
    w.say("a", R"({"type":"LEAVE","dst":"x"})");
    w.say("a", R"({"type":"CANDIDATE","dst":"x","payload":{"n":2}})");
    w.connect("x");
    same(w.heard("x"), {"open 101 ", opened, R"({"type":"OFFER","src":"a","dst":"x","payload":{"n":1}})",
                        R"({"type":"CANDIDATE","src":"a","dst":"x","payload":{"n":2}})"});
    w.close("x");
    w.advance(20s);
    BOOST_TEST(w.heard("a").empty());
}

BOOST_AUTO_TEST_CASE(a_sender_that_is_gone_hears_of_no_expiry) {
    world w;
    w.connect("a");
    w.connect("b");
    w.say("a", R"({"type":"OFFER","dst":"x"})");
    w.close("a");
    w.forget_all();
    w.advance(20s);
    BOOST_TEST(w.heard("a").empty());
    BOOST_TEST(w.heard("b").empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_took_over_hears_of_the_expiry) {
    world w;
    w.connect("old", "a", "t");
    w.say("old", R"({"type":"OFFER","dst":"x"})");
    w.connect("new", "a", "t");
    w.forget_all();
    w.advance(6s);
    same(w.heard("new"), {expired("x", "a")});
}

// --- liveness ---

BOOST_AUTO_TEST_CASE(only_heartbeats_keep_a_client_alive) {
    world w{{.alive_timeout = 700ms}};
    w.connect("a");
    w.connect("b");
    w.forget_all();
    for (int i = 0; i < 6; ++i) {
        w.advance(100ms);
        w.say("a", R"({"type":"HEARTBEAT"})");
        w.say("b", R"({"type":"CANDIDATE","dst":"b"})");
        BOOST_TEST(w.heard("a").empty()); // no reply
    }
    w.advance(99ms);
    BOOST_TEST(w.connections["b"].usable());
    w.heard("b");
    w.advance(1ms);
    same(w.heard("b"), {"close 1005 "});
    BOOST_TEST(w.connections["a"].usable());
    w.advance(599ms);
    BOOST_TEST(w.connections["a"].usable());
    w.advance(1ms);
    same(w.heard("a"), {"close 1005 "});
}

BOOST_AUTO_TEST_CASE(alive_timeout_can_be_switched_off) {
    world w{{.alive_timeout = 0ms}};
    w.connect("a");
    w.forget_all();
    w.advance(10min);
    BOOST_TEST(w.heard("a").empty());
}

BOOST_AUTO_TEST_CASE(ends_are_not_announced) {
    world w;
    for (const auto name : {"a", "b", "c"}) w.connect(name);
    w.say("a", R"({"type":"OFFER","dst":"b"})");
    w.forget_all();
    w.close("b");
    w.lose("c");
    BOOST_TEST(w.heard("a").empty());
    w.h.stop();
    same(w.heard("a"), {"close 1001 Server Stopping"});
}

// --- HTTP ---

BOOST_AUTO_TEST_CASE(routes) {
    world w{{.path = "/My/App", .allow_discovery = true}};
    const auto description =
        R"({"name":"PeerJS Server","description":"A server side element to broker connections between )"
        R"(PeerJS clients.","website":"https://peerjs.com/"})";
    const struct {
        const char *method, *target;
        unsigned status;
        const char* type;
        const char* body; // null = an id
    } rows[] = {
        {"GET", "/My/App/", 200, "application/json; charset=utf-8", description},
        {"GET", "/my/app?x=/id", 200, "application/json; charset=utf-8", description},
        {"HEAD", "/my/app/", 200, "application/json; charset=utf-8", description},
        {"GET", "/my/app/k/peers", 200, "application/json; charset=utf-8", "[]"},
        {"GET", "/MY/app/K/PeerS/?ts=1", 200, "application/json; charset=utf-8", "[]"},
        {"HEAD", "/my/app/k/ID/", 200, "text/html; charset=utf-8", nullptr},
        {"GET", "/my/app/k/id", 200, "text/html; charset=utf-8", nullptr},
    };
    for (const auto& row : rows) {
        const auto r = w.http(row.method, row.target);
        BOOST_TEST_REQUIRE(r.has_value(), row.target);
        BOOST_TEST(r->status == row.status, row.target);
        BOOST_TEST(r->content_type == row.type);
        if (row.body != nullptr)
            BOOST_TEST(r->body == row.body);
        else
            BOOST_TEST(is_uuid_4(r->body));
        BOOST_TEST(field(*r, "Vary") == "Origin");
        BOOST_TEST(field(*r, "Access-Control-Allow-Origin") == "");
    }
    for (const auto target : {"/", "/my", "/my/ap", "/my/apple", "/my/app/peerjs", "/my/app/k/id/x",
                              "/my/app//id", "/my/app/k/", "/my/app/k/id//", "/k/id", "", "*"}) {
        const auto r = w.http("GET", target);
        BOOST_TEST_REQUIRE(r.has_value(), target);
        BOOST_TEST(r->status == 404u, target);
        BOOST_TEST(r->content_type == "text/html; charset=utf-8");
    }
    for (const auto method : {"POST", "PUT", "DELETE", "TRACE", "get"})
        BOOST_TEST(w.http(method, "/my/app/k/id")->status == 404u);
}

BOOST_AUTO_TEST_CASE(peers_are_listed_in_the_order_in_which_they_came) {
    world w{{.allow_discovery = true}};
    const auto list = [&w] { return w.http("GET", "/peerjs/peers")->body; };
    for (const auto name : {"z", "a", "q", "b"}) w.connect(name);
    BOOST_TEST(list() == R"(["z","a","q","b"])");
    w.close("a");
    w.connect("a2");
    w.connect("new", "z", "token-of-z"); // a takeover is no arrival
    w.connect("odd", "%22%5c%01", "t");
    BOOST_TEST(list() == R"(["z","q","b","a2","\"\\\u0001"])");
    w.connect("a1", "a", "t");
    BOOST_TEST(list() == R"(["z","q","b","a2","\"\\\u0001","a"])");
}

BOOST_AUTO_TEST_CASE(cross_origin_requests) {
    const header from_app[] = {{"Origin", "https://app.example"}};
    const header asking[] = {{"Origin", "https://app.example"},
                             {"Access-Control-Request-Method", "GET"},
                             {"Access-Control-Request-Headers", "x-one,x-two"}};
    world w{{.path = "/app"}};
    const auto allowed = [](const std::optional<response>& r) {
        return field(*r, "Access-Control-Allow-Origin");
    };
    for (const auto target : {"/app", "/app/k/id", "/app/k/peers", "/app/nothing", "/app/peerjs"}) {
        const auto r = w.http("GET", target, from_app);
        BOOST_TEST(allowed(r) == "https://app.example");
        BOOST_TEST(field(*r, "Vary") == "Origin");
        const auto p = w.http("OPTIONS", target, asking);
        BOOST_TEST(p->status == 204u);
        BOOST_TEST(p->body.empty());
        BOOST_TEST(allowed(p) == "https://app.example");
        BOOST_TEST(field(*p, "Access-Control-Allow-Methods") == "GET,HEAD,PUT,PATCH,POST,DELETE");
        BOOST_TEST(field(*p, "Access-Control-Allow-Headers") == "x-one,x-two");
        BOOST_TEST(field(*p, "Vary") == "Origin,Access-Control-Request-Headers");
    }
    BOOST_TEST(w.http("GET", "/other", from_app)->headers.empty());
    BOOST_TEST(w.http("OPTIONS", "/other", asking)->status == 404u);
    world chosen{{.cors_origins = {"https://one.example", "https://app.example"}}};
    BOOST_TEST(allowed(chosen.http("GET", "/k/id", from_app)) == "https://app.example");
    const header stranger[] = {{"Origin", "https://app.example.evil"}};
    BOOST_TEST(allowed(chosen.http("GET", "/k/id", stranger)) == "");
    BOOST_TEST(field(*chosen.http("GET", "/k/id", stranger), "Vary") == "Origin");
}

BOOST_AUTO_TEST_CASE(a_page_of_the_internet_may_ask_a_server_of_its_local_network) {
    world w;
    constexpr auto allow = "Access-Control-Allow-Private-Network";
    const header plain[] = {{"Origin", "https://app.example"}, {"Access-Control-Request-Method", "GET"}};
    const header local[] = {plain[0], plain[1], {"Access-Control-Request-Private-Network", "true"}};
    BOOST_TEST(field(*w.http("OPTIONS", "/peerjs/id", local), allow) == "true");
    BOOST_TEST(field(*w.http("OPTIONS", "/peerjs/id", plain), allow) == "");
    BOOST_TEST(field(*w.http("GET", "/peerjs/id", local), allow) == "");
}

BOOST_AUTO_TEST_CASE(ids_that_are_taken_are_not_given_away) {
    int n = 0;
    world w{{.generate_id = [&n] { return "id-" + std::to_string(n++ / 2); }}};
    w.connect("id-0");
    BOOST_TEST(w.http("GET", "/peerjs/id")->body == "id-1");
    world stuck{{.generate_id = [] { return std::string{"same"}; }}};
    BOOST_TEST(stuck.http("GET", "/peerjs/id")->body == "same");
    stuck.connect("same");
    BOOST_TEST(stuck.http("GET", "/peerjs/id")->status == 503u);
}

struct own_page {
    bool operator()(const request& r, response& out) const {
        if (r.path() != "/about" && r.path() != "/peerjs/id") return false;
        out.body = "mine";
        return true;
    }
};

BOOST_AUTO_TEST_CASE(another_handler_may_answer_other_requests) {
    basic_world<all_features, no_hooks, own_page> w{{}, {}, own_page{}};
    const auto mine = w.http("GET", "/about");
    BOOST_TEST(mine->status == 200u);
    BOOST_TEST(mine->body == "mine");
    BOOST_TEST(mine->headers.empty());
    BOOST_TEST(is_uuid_4(w.http("GET", "/peerjs/id")->body));
    BOOST_TEST(w.http("GET", "/nothing")->status == 404u);
    BOOST_TEST(w.http("GET", "/healthz")->body == "ok\n");
}

// --- laws ---

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_original) {
    const peerjs_options o;
    BOOST_TEST(o.path == "/");
    BOOST_TEST(o.key == "peerjs");
    BOOST_TEST(o.expire_timeout.count() == 5000);
    BOOST_TEST(o.alive_timeout.count() == 90000);
    BOOST_TEST(o.cleanup_out_msgs.count() == 1000);
    BOOST_TEST(o.concurrent_limit == 5000u);
    BOOST_TEST(!o.allow_discovery);
    BOOST_TEST((o.cors_origins.empty() && !o.generate_id && !o.strict_key));
    BOOST_TEST(peerjs{{.path = "x"}}.options().path == "/x/");
}

BOOST_AUTO_TEST_CASE(endings_can_be_sent) {
    for (const auto& row : detail::errc_table) {
        const auto e = peerjs{}.end(row.code, {});
        BOOST_TEST((e.http_status == 0 || (e.http_status >= 400 && e.http_status < 600)));
        BOOST_TEST(e.text.size() <= 123);
        BOOST_TEST(
            (e.close_code == 0 || e.close_code == 1001 || e.close_code == 1005 || e.close_code == 1007));
        error_code ec;
        if (!e.last_message.empty()) js::parse(e.last_message, ec);
        BOOST_TEST(!ec);
    }
}

BOOST_AUTO_TEST_CASE(laws) {
    test::codec_laws(peerjs{}, [](bool holds, const char* law) { BOOST_TEST(holds, law); });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
