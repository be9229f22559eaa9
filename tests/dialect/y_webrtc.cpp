// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/y_webrtc.hpp>

#include "support/transcript.hpp"
#include "support/wire_bench.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace wire_bench;
using dialect::y_webrtc;
using texts = std::vector<std::string>;

void same(const texts& got, const texts& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

struct world {
    hub_of<features<topics>> h{{}, {}, {}, {}, {}, features{topics{}}};
    port<decltype(h), y_webrtc> y{h};
    port<decltype(h), codec::json> j{h};

    world() {
        h.tick(time_point{1h});
        for (const auto* name : {"A", "B", "C"}) {
            y.open(name);
            same(y.messages(name), {});
        }
    }
    void say(const std::string& from, std::string_view text, message_type type = message_type::text) {
        y.say(from, text, type);
        y.settle();
    }
    void subscribe(const std::string& name, const std::string& topic) {
        say(name, R"({"type":"subscribe","topics":[")" + topic + R"("]})");
    }
    bool alive(const std::string& name) {
        y.heard(name);
        say(name, R"({"type":"ping"})");
        return y.messages(name) == texts{R"({"type":"pong"})"};
    }
};

BOOST_AUTO_TEST_SUITE(y_webrtc_dialect)

BOOST_AUTO_TEST_CASE(laws_of_a_codec) {
    test::codec_laws(y_webrtc{}, [](bool kept, const char* law) { BOOST_TEST(kept, law); });
}

BOOST_DATA_TEST_CASE(recordings, boost::unit_test::data::make(transcripts::names("y-webrtc")), name) {
    hub_of<features<topics>> h{{}, {}, {}, {}, {}, features{topics{}}};
    port<decltype(h), y_webrtc> y{h};
    transcripts::player<decltype(y)> p{y};
    p.http = [](const request& r, response& out) { return y_webrtc{}.http(r, out, 0); };
    p.play(transcripts::load("y-webrtc", name));
}

BOOST_AUTO_TEST_CASE(recordings_are_all_here) {
    BOOST_TEST(transcripts::names("y-webrtc").size() == 9u);
}

BOOST_AUTO_TEST_CASE(clients_is_put_in_where_it_stands_or_last) {
    world w;
    w.subscribe("A", "t");
    w.subscribe("B", "t");
    w.subscribe("B", "t"); // counts once
    const std::pair<std::string_view, std::string_view> cases[] = {
        {R"({"type":"publish","topic":"t"})", R"({"type":"publish","topic":"t","clients":2})"},
        {R"( {"topic":"t" , "type":"publish" } )", R"({"topic":"t" , "type":"publish" ,"clients":2})"},
        {R"({"clients":{"a":[1]},"type":"publish","topic":"t","x":"\u00e9é"})",
         R"({"clients":2,"type":"publish","topic":"t","x":"\u00e9é"})"},
        {R"({"type":"publish","topic":"t","cli\u0065nts":"many","y":null})",
         R"({"type":"publish","topic":"t","cli\u0065nts":2,"y":null})"},
        // of equal members the last counts
        {R"({"clients":1,"type":"publish","topic":"t","clients":1})",
         R"({"clients":1,"type":"publish","topic":"t","clients":2})"},
        {R"({"type":"publish","topic":"t","data":{"clients":7}})",
         R"({"type":"publish","topic":"t","data":{"clients":7},"clients":2})"},
        {R"({"type":"publish","topic":"\u0074","topic":"t"})",
         R"({"type":"publish","topic":"\u0074","topic":"t","clients":2})"},
    };
    for (const auto& [said, told] : cases)
        for (const auto type : {message_type::text, message_type::binary}) {
            w.y.say("A", said, type);
            for (const auto* name : {"A", "B"}) {
                const auto heard = w.y.heard(name);
                BOOST_TEST_REQUIRE(heard.size() == 1u);
                BOOST_TEST((heard[0].what == said::text));
                BOOST_TEST(heard[0].bytes == told);
            }
            same(w.y.messages("C"), {});
        }
}

BOOST_AUTO_TEST_CASE(messages_without_a_meaning_are_ignored) {
    world w;
    w.subscribe("A", "t");
    for (const std::string_view text :
         {"{}",
          "[]",
          "5",
          "null",
          "\"x\"",
          R"({"type":"nope"})",
          R"({"type":5})",
          R"({"type":["ping"]})",
          R"({"type":"publish"})",
          R"({"type":"publish","topic":""})",
          R"({"type":"publish","topic":1})",
          R"({"type":"publish","topic":["t"]})",
          R"({"type":"publish","topic":"nobody"})",
          R"({"type":"publish","topic":"\ud800"})",
          R"({"type":"pong"})",
          R"([{"type":"ping"}])",
          R"({"type":"subscribe"})",
          R"({"type":"subscribe","topics":[]})",
          R"({"type":"subscribe","topics":[1,null,{"a":1},[["t"]],true,"","\ud800",-1.5e3]})",
          R"({"type":"unsubscribe"})",
          R"({"type":"unsubscribe","topics":["zzz"]})"}) {
        BOOST_TEST_CONTEXT(text) {
            w.say("A", text);
            w.say("A", text, message_type::binary);
            same(w.y.messages("A"), {});
            BOOST_TEST(w.alive("A"));
        }
    }
    BOOST_TEST(w.h.get<topics>().table().size() == 1u);
}

BOOST_AUTO_TEST_CASE(each_truncation_is_ignored) {
    world w;
    w.subscribe("A", "t");
    for (const std::string whole : {R"({"type":"publish","topic":"t","data":{"a":"\u00e9é"},"clients":1})",
                                    R"({"type":"subscribe","topics":["t",1,"u"]})", R"({"type":"ping"})"})
        for (std::size_t n = 0; n < whole.size(); ++n) {
            w.say("A", whole.substr(0, n), message_type::binary);
            same(w.y.messages("A"), {});
        }
    BOOST_TEST(w.alive("A"));
}

BOOST_AUTO_TEST_CASE(several_topics_are_joined_and_left_at_once) {
    world w;
    w.say("A", R"({"topics":["a" , 1,"b\"\u00e9",["c"],"d"],"type":"subscribe"})");
    const auto& table = w.h.get<topics>().table();
    BOOST_TEST(table.size() == 3u);
    BOOST_TEST(table.contains("b\"é", w.y.peer("A")));
    w.say("A", R"({"type":"unsubscribe","topics":["a","b\"é","x"]})");
    BOOST_TEST(table.size() == 1u);
    same(w.y.messages("A"), {});
}

// --- what the original does wrong ---

BOOST_AUTO_TEST_CASE(fix_bad_json_does_no_harm) {
    world w;
    for (const std::string_view text : {"", "{", "not json", "{\"type\":", "{\"type\":\"ping\"}}", "\x01"}) {
        w.say("A", text);
        BOOST_TEST(w.alive("A"), text);
    }
    w.say("A", "\xff", message_type::binary);
    BOOST_TEST(w.alive("A"));
    w.y.say("A", "\xff");
    BOOST_TEST(w.y.heard("A").at(0).code == 1007);
    BOOST_TEST(w.alive("B"));
}

BOOST_AUTO_TEST_CASE(fix_topics_that_are_no_array_do_no_harm) {
    world w;
    for (const std::string topics : {"5", "\"t\"", "null", "true", R"({"0":"t"})"})
        for (const std::string type : {"subscribe", "unsubscribe"}) {
            w.say("A", R"({"type":")" + type + R"(","topics":)" + topics + "}");
            BOOST_TEST(w.alive("A"), topics);
        }
    BOOST_TEST(w.h.get<topics>().table().size() == 0u);
}

BOOST_AUTO_TEST_CASE(fix_empty_topics_are_freed) {
    world w;
    w.subscribe("A", "t");
    w.subscribe("B", "u");
    w.say("A", R"({"type":"unsubscribe","topics":["t"]})");
    BOOST_TEST(w.h.get<topics>().table().size() == 1u);
    w.y.close("B");
    BOOST_TEST(w.h.get<topics>().table().size() == 0u);
}

BOOST_AUTO_TEST_CASE(fix_topics_are_limited) {
    world w;
    for (int i = 0; i < 1100; ++i) w.subscribe("A", "t" + std::to_string(i));
    BOOST_TEST(w.h.get<topics>().table().size() == topic_limits{}.topics_per_peer);
    w.subscribe("B", std::string(257, 'x'));
    BOOST_TEST(w.h.get<topics>().table().joined(w.y.peer("B")) == 0u);
}

BOOST_AUTO_TEST_CASE(a_page_has_room_for_all_rooms_that_it_ever_opened) {
    world w;
    w.subscribe("B", "the last");
    for (int i = 0; i < 999; ++i) w.subscribe("A", "t" + std::to_string(i)); // none is ever left
    w.subscribe("A", "the last");
    BOOST_TEST(w.h.get<topics>().table().members("the last") == 2u);
}

struct refusals_in_log {
    texts* told;

    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        if (event != "request_refused") return;
        told->push_back(level == log_level::warn ? "warn" : level == log_level::debug ? "debug" : "?");
        for (const auto& f : fields.subspan(1)) told->back() += " " + std::string{f.value};
    }
};

BOOST_AUTO_TEST_CASE(refusals_that_no_client_hears_are_logged_once) {
    texts told;
    using watched_hub =
        hub<local_registry, direct_router, any_channel, refusals_in_log, no_hooks, features<topics>>;
    watched_hub h{{}, {}, {}, {&told}, {}, features{topics{{.limits = {.topics_per_peer = 3}}}}};
    port<watched_hub, y_webrtc> y{h};
    h.tick(time_point{1h});
    for (const auto* name : {"A", "B"}) y.open(name);
    y.say("A", R"({"type":"subscribe","topics":["a","b","c","d"]})");
    same(told, {"warn full"});
    y.say("A", R"({"type":"subscribe","topics":["e","f"]})");
    same(told, {"warn full"});
    y.say("A", R"({"type":"subscribe","topics":[")" + std::string(257, 'x') + R"("]})");
    y.say("B", R"({"type":"subscribe","topics":["1","2","3","4"]})");
    same(told, {"warn full", "warn malformed", "warn full"});
    y.say("B", R"({"type":"publish","topic":"nobody's"})");
    same(told, {"warn full", "warn malformed", "warn full", "debug unknown"});
    BOOST_TEST((y.connections.at("A").open && y.connections.at("B").open));
}

// Hears what the hub is asked for, and with which fault.
struct listener_in {
    texts* seen;

    template <class E>
    errc on_message(message_context&, E& e) {
        if constexpr (requires { e.topic; })
            seen->push_back(std::string{e.command} + " " + std::string{e.topic.substr(0, 5)} + " " +
                            std::string{cause_name(e.fault)});
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(the_hub_sees_refused_requests) {
    texts seen;
    hub_of<features<topics>, hooks<listener_in>> h{
        {}, {}, {}, {}, hooks{listener_in{&seen}}, features{topics{}}};
    port<decltype(h), y_webrtc> y{h};
    h.tick(time_point{1h});
    y.open("A");
    const std::string longest(256, 'x'), too_long(257, 'x'), escaped = R"(\u0079)" + too_long;
    for (const std::string type : {"subscribe", "unsubscribe"})
        y.say("A", R"({"type":")" + type + R"(","topics":["a",")" + longest + R"(",")" + too_long + R"(",")" +
                       escaped + R"(","\ud800","",7,"b"]})");
    same(seen,
         {"join a ok", "join xxxxx ok", "join xxxxx malformed", R"(join \u007 malformed)",
          R"(join \ud80 malformed)", "join b ok", "leave a ok", "leave xxxxx ok", "leave xxxxx malformed",
          R"(leave \u007 malformed)", R"(leave \ud80 malformed)", "leave b ok"});
    BOOST_TEST(h.get<topics>().table().size() == 0u);
    seen.clear();
    y.say("A", R"({"type":"publish","topic":")" + too_long + R"("})");
    same(seen, {"publish xxxxx malformed"});
    same(y.messages("A"), {});
    BOOST_TEST(y.connections.at("A").open);
}

BOOST_AUTO_TEST_CASE(fix_a_message_names_no_end_of_topics) {
    BOOST_TEST(y_webrtc::topics_per_message == 1000u);
    for (const std::string element : {R"("t")", "1", "[\"t\"]", "\"\""}) {
        const y_webrtc codec;
        y_webrtc::state st;
        for (const std::string type : {"subscribe", "unsubscribe"}) {
            std::string text = R"({"type":")" + type + R"(","topics":[)";
            for (int i = 0; i < 5000; ++i) text += (i == 0 ? "" : ",") + element;
            text += R"(],"x":1})";
            std::size_t good = 0, refused = 0;
            codec.decode({text, message_type::text}, st, [&](auto& e) {
                if constexpr (requires { e.topic; }) {
                    BOOST_TEST(!e.topic.empty()); // which would be all
                    BOOST_TEST((e.fault == errc::ok || e.fault == errc::too_large));
                    ++(e.fault == errc::ok ? good : refused);
                }
            });
            BOOST_TEST(good == (element == R"("t")" ? 1000u : 0u));
            BOOST_TEST(refused == 1u);
        }
    }
    // no more than that passes
    world w;
    std::string text = R"({"type":"subscribe","topics":["t")";
    for (int i = 1; i < 1000; ++i) text += ",\"t\"";
    w.say("A", text + "]}");
    BOOST_TEST(w.h.get<topics>().table().joined(w.y.peer("A")) == 1u);
}

// --- other wires ---

BOOST_AUTO_TEST_CASE(publications_cross_to_and_from_other_codecs) {
    world w;
    w.subscribe("A", "t");
    w.j.open("J", request{}); // with extras
    w.j.heard("J");
    w.j.say("J", R"({"id":1,"cmd":"join","topic":"t"})");
    same(w.j.messages("J"), {R"({"id":1,"ok":true,"data":{"topic":"t","members":2}})"});

    w.say("A", R"({"type":"publish","topic":"t","data":{"type":"announce"},"x":1})");
    same(w.y.messages("A"),
         {R"({"type":"publish","topic":"t","data":{"type":"announce"},"x":1,"clients":2})"});
    const auto told = w.j.messages("J");
    BOOST_TEST_REQUIRE(told.size() == 1u);
    BOOST_TEST(told[0].find(R"("cmd":"publish")") != std::string::npos);
    BOOST_TEST(told[0].ends_with(R"("topic":"t","data":{"type":"announce"}})"));

    w.j.say("J", R"({"id":2,"cmd":"publish","topic":"t","data":[1]})");
    w.j.say("J", R"({"id":3,"cmd":"publish","topic":"t"})");
    same(w.y.messages("A"), {R"({"type":"publish","topic":"t","data":[1],"clients":2})",
                             R"({"type":"publish","topic":"t","data":null,"clients":2})"});
    w.j.heard("J");
    // a message for one peer alone has no word here
    const std::string id{w.h.context().id(w.y.peer("A"))};
    w.j.say("J", R"({"id":4,"cmd":"offer","target":")" + id + R"(","data":{"offer":1}})");
    same(w.j.messages("J"),
         {R"({"id":4,"ok":false,"data":{"message":"Unknown Command","cause":"unknown_command"}})"});
    same(w.y.messages("A"), {});
    // the host program
    BOOST_TEST((w.h.get<topics>().publish(w.h.context(), "t", "7") == errc::ok));
    same(w.y.messages("A"), {R"({"type":"publish","topic":"t","data":7,"clients":2})"});
}

BOOST_AUTO_TEST_CASE(signals_are_known_by_kind) {
    const y_webrtc codec;
    y_webrtc::state st;
    using seen = std::pair<signal_kind, std::string>;
    const auto look = [&](const std::string& data) {
        auto text = R"( {"type":"publish","topic":"t","data":)" + data + "}\n";
        seen found;
        codec.decode({text, message_type::text}, st, only<event::publish>([&](auto& e) {
                         found = {e.signal.kind, std::string{e.signal.body}};
                         BOOST_TEST((e.token.empty() && e.token.wire == wire_id::y_webrtc));
                         BOOST_TEST((e.data.wire == wire_id::y_webrtc));
                         BOOST_TEST(e.data.bytes == data);
                         BOOST_TEST(e.signal.call.empty());
                         BOOST_TEST((e.open && e.echo));
                         BOOST_TEST(e.whole.view() == std::string_view{text}.substr(1, text.size() - 2));
                     }));
        return found;
    };
    const auto signal = [&](const std::string& s) {
        return look(R"({"to":"x","from":"y","type":"signal","token":1,"signal":)" + s + "}");
    };
    const std::string offer = R"({"type":"offer","sdp":"v"})", answer = R"({"sdp":"v","type":"answer"})";
    BOOST_TEST((signal(offer) == seen{signal_kind::offer, offer}));
    BOOST_TEST((signal(answer) == seen{signal_kind::answer, answer}));
    BOOST_TEST((signal(R"({"type":"candidate","candidate":{"candidate":"c"}})") ==
                seen{signal_kind::candidate, R"({"candidate":"c"})"}));
    BOOST_TEST((signal(R"({"renegotiate":true})") == seen{signal_kind::other, R"({"renegotiate":true})"}));
    BOOST_TEST((signal(R"({"t\u0079pe":"offer"})") == seen{signal_kind::offer, R"({"t\u0079pe":"offer"})"}));
    for (const std::string none : {"5", "null", "[]", "\"x\""})
        BOOST_TEST((signal(none) == seen{signal_kind::none, ""}));
    BOOST_TEST((look(R"({"type":"announce","from":"y"})") == seen{signal_kind::none, ""}));
    BOOST_TEST((look(R"("c2VjcmV0")") == seen{signal_kind::none, ""})); // of a room with a password
    // of equal members the last counts
    BOOST_TEST((look(R"({"signal":{"type":"offer"},"signal":{}})") == seen{signal_kind::other, "{}"}));
    auto text = std::string{R"({"data":{"signal":{"type":"offer"}},"type":"publish","topic":"t","data":{}})"};
    codec.decode({text, message_type::text}, st, only<event::publish>([](auto& e) {
                     BOOST_TEST((e.signal.kind == signal_kind::none && e.data.bytes == "{}"));
                 }));
}

BOOST_AUTO_TEST_CASE(only_publications_and_pongs_have_a_word) {
    const y_webrtc codec;
    event::reply r;
    r.token = {"ping", wire_id::y_webrtc};
    BOOST_TEST(encoded(codec, r) == R"({"type":"pong"})");
    r.cause = errc::denied;
    BOOST_TEST(encoded(codec, r).empty());
    r = {};
    r.token = {"1", wire_id::json}; // of another connection of that peer
    BOOST_TEST(encoded(codec, r).empty());
    event::publish e;
    e.topic = "t", e.data = {"\x01", wire_id::msgpack}, e.members = 2;
    BOOST_TEST(encoded(codec, e).empty());
    e.data = {"1", wire_id::peerjs};
    BOOST_TEST(encoded(codec, e) == R"({"type":"publish","topic":"t","data":1,"clients":2})");
    BOOST_TEST(encoded(codec, event::welcome{}).empty());
    BOOST_TEST(encoded(codec, event::send{}).empty());
    static_assert(!detail::has_word<y_webrtc, event::joined> && !detail::has_word<y_webrtc, event::request> &&
                  !detail::has_word<y_webrtc, event::presence>);
}

struct gate {
    errc on_message(message_context&, event::ping&) { return errc::denied; }
    errc on_message(message_context&, event::join& e) {
        return e.topic == "closed" ? errc::denied : errc::ok;
    }
    errc on_message(message_context& context, event::publish& e) {
        if (e.data.bytes == "1") e.data.bytes = context.keep("2");
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(hooks_see_everything_and_may_change_it) {
    hub_of<features<topics>, hooks<gate>> h{{}, {}, {}, {}, hooks{gate{}}, features{topics{}}};
    port<decltype(h), y_webrtc> y{h};
    h.tick(time_point{1h});
    y.open("A");
    y.say("A", R"({"type":"subscribe","topics":["closed","t"]})");
    BOOST_TEST(h.get<topics>().table().size() == 1u);
    y.say("A", R"({"type":"ping"})");
    same(y.messages("A"), {});
    y.say("A", R"({"type":"publish","topic":"t","data":1,"x":1})");
    same(y.messages("A"), {R"({"type":"publish","topic":"t","data":2,"clients":1})"});
}

BOOST_AUTO_TEST_CASE(a_publication_is_encoded_once) {
    world w;
    for (const auto* name : {"A", "B", "C"}) w.subscribe(name, "t");
    w.y.connections.at("B").full = true;
    w.say("A", R"({"type":"publish","topic":"t"})");
    same(w.y.messages("C"), {R"({"type":"publish","topic":"t","clients":3})"});
    BOOST_TEST(!w.y.connections.at("B").open);
    w.say("A", R"({"type":"publish","topic":"t"})");
    same(w.y.messages("C"), {R"({"type":"publish","topic":"t","clients":2})"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
