// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/signal_fire_2016.hpp>

#include "support/transcript.hpp"
#include "support/wire_bench.hpp"

#include <sigfire/codec/json.hpp>
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
using dialect::signal_fire_2016;
using texts = std::vector<std::string>;

void same(const texts& got, const texts& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

// The embedder's own ids.
struct chosen_id {
    const std::string* next;

    errc on_admit(const request&, admission& a) {
        a.id = *next;
        return errc::ok;
    }
};

struct world {
    std::string next_id;
    hub_of<features<>, hooks<chosen_id>> h{{}, {}, {}, {}, hooks{chosen_id{&next_id}}};
    port<decltype(h), signal_fire_2016> old;
    port<decltype(h), codec::json> modern{h};

    explicit world(dialect::signal_fire_2016_options options = {}) : old(h, signal_fire_2016{options}) {
        h.tick(time_point{1h});
    }
    template <class Port>
    void open(Port& p, const std::string& name) {
        next_id = name;
        p.open(name);
        p.settle();
        p.heard(name);
    }
    texts says(const std::string& from, std::string_view text, const std::string& to,
               message_type type = message_type::text) {
        old.say(from, text, type);
        old.settle();
        return old.messages(to);
    }
};

BOOST_AUTO_TEST_SUITE(signal_fire_2016_dialect)

BOOST_AUTO_TEST_CASE(laws_of_a_codec) {
    const auto check = [](bool kept, const char* law) { BOOST_TEST(kept, law); };
    test::codec_laws(signal_fire_2016{}, check);
    test::codec_laws(signal_fire_2016{{.number_ids = true, .peer_id_routing = true, .check_sender = true}},
                     check);
}

// The crash of the original ends its recording; here nothing more happens.
BOOST_DATA_TEST_CASE(recordings, boost::unit_test::data::make(transcripts::names("signal-fire-2016")), name) {
    const auto t = transcripts::load("signal-fire-2016", name);
    world w;
    transcripts::player<decltype(w.old)> p{w.old};
    p.before_open = [&](const std::string& conn) {
        w.next_id = t.meta.at("placeholders").at("{{id" + conn + "}}").as_string();
    };
    p.play(t);
}

BOOST_AUTO_TEST_CASE(recordings_are_all_here) {
    BOOST_TEST(transcripts::names("signal-fire-2016").size() == 12u);
}

BOOST_AUTO_TEST_CASE(the_hub_draws_an_id_and_it_is_the_first_message) {
    world w;
    w.next_id = {};
    w.old.open("A", {"GET", "/any/path?x=1", {}, {}});
    const auto heard = w.old.heard("A");
    BOOST_TEST_REQUIRE(heard.size() == 2u);
    BOOST_TEST((heard[1].what == said::text));
    BOOST_TEST(heard[1].bytes.starts_with(R"({"type":"id","peerId":")"));
    BOOST_TEST(heard[1].bytes.size() == 24u + 21 + 1);
    w.next_id = "a\"\\\x01é";
    w.old.open("B");
    same(w.old.messages("B"), {"{\"type\":\"id\",\"peerId\":\"a\\\"\\\\\\u0001é\"}"});
}

BOOST_AUTO_TEST_CASE(a_message_that_names_nobody_is_ignored_and_the_connection_stays) {
    world w;
    w.open(w.old, "A");
    for (const std::string_view text : {"",
                                        " ",
                                        "null",
                                        "true",
                                        "5",
                                        "\"A\"",
                                        "[]",
                                        R"([{"receiverId":"A"}])",
                                        "{}",
                                        "{",
                                        "}",
                                        R"({"receiverId")",
                                        R"({"receiverId":})",
                                        R"({"receiverId":"A")",
                                        R"({"receiverId":"A"}x)",
                                        R"({"receiverId":"A"}{})",
                                        R"({"receiverId":""})",
                                        R"({"receiverId":0})",
                                        R"({"receiverId":null})",
                                        R"({"receiverId":false})",
                                        R"({"receiverId":["A"]})",
                                        R"({"receiverId":{"A":1}})",
                                        R"({"receiverId":5})",
                                        R"({"peerId":"A"})",
                                        R"({"receiverId":"B"})",
                                        R"({"x":{"receiverId":"A"}})",
                                        R"({"receiverId":"A","receiverId":1})",
                                        R"({"receiverId":"\ud800"})",
                                        R"({"receiverId":"A\u0000"})",
                                        R"({'receiverId':'A'})"}) {
        BOOST_TEST_CONTEXT(text) {
            same(w.says("A", text, "A"), {});
            same(w.says("A", text, "A", message_type::binary), {});
        }
    }
    same(w.says("A", R"({"receiverId":")" + std::string(257, 'A') + R"("})", "A"), {});
    same(w.says("A", R"({"receiverId":"A","x":)" + std::string(600, '[') + std::string(600, ']') + "}", "A"),
         {});
    same(w.says("A", "\xff\xfe", "A", message_type::binary), {});
    same(w.says("A", R"({"receiverId":"A"})", "A"), {R"({"receiverId":"A"})"});
    // text that is not UTF-8 is the one thing that a WebSocket library does not let through
    w.old.say("A", "\xff");
    const auto last = w.old.heard("A");
    BOOST_TEST_REQUIRE(last.size() == 1u);
    BOOST_TEST(last[0].code == 1007);
}

BOOST_AUTO_TEST_CASE(each_truncation_of_a_message_is_ignored) {
    world w;
    w.open(w.old, "A");
    const std::string whole =
        "{\"sdp\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\\u00e9é\"},\"type\":\"offer\","
        "\"senderId\":\"A\",\"receiverId\":\"A\"}";
    for (std::size_t n = 0; n < whole.size(); ++n)
        same(w.says("A", whole.substr(0, n), "A", message_type::binary), {});
    same(w.says("A", whole, "A"), {whole});
}

BOOST_AUTO_TEST_CASE(names_and_ids_may_hold_escapes_and_the_last_counts) {
    world w;
    w.open(w.old, "A");
    w.open(w.old, "é\"");
    for (const std::string_view text : {R"({"receiverId":"\u00e9\""})", R"({"\u0072eceiverId":"é\u0022"})",
                                        R"({"receiverId":"A","receiverId":"\u00e9\""})"}) {
        same(w.says("A", text, "é\""), {std::string{text}});
        same(w.old.messages("A"), {});
    }
}

// --- what the original does wrong ---

BOOST_AUTO_TEST_CASE(fix_names_of_object_prototype_are_ids_like_others) {
    world w;
    w.open(w.old, "A");
    w.open(w.old, "__proto__");
    for (const std::string name : {"toString", "constructor", "hasOwnProperty"})
        same(w.says("A", R"({"receiverId":")" + name + R"("})", "A"), {});
    same(w.says("A", R"({"receiverId":"__proto__"})", "__proto__"), {R"({"receiverId":"__proto__"})"});
}

BOOST_AUTO_TEST_CASE(fix_a_closing_peer_is_not_sent_anything) {
    world w;
    w.open(w.old, "A");
    w.open(w.old, "B");
    w.old.connections.at("B").close({400, 1000, {}}, errc::closed); // the hub does not know yet
    w.old.heard("B");
    same(w.says("A", R"({"receiverId":"B"})", "B"), {});
    same(w.says("A", R"({"receiverId":"A"})", "A"), {R"({"receiverId":"A"})"});
}

BOOST_AUTO_TEST_CASE(fix_an_id_that_is_taken_is_not_given_twice) {
    world w;
    w.open(w.old, "A");
    w.old.connections["A2"];
    w.next_id = "A";
    w.old.open("A2");
    w.old.settle(); // A answers a ping
    same(w.old.messages("A2"), {});
    BOOST_TEST(!w.old.connections.at("A2").open);
    same(w.says("A", R"({"receiverId":"A"})", "A"), {R"({"receiverId":"A"})"});
}

BOOST_AUTO_TEST_CASE(fix_the_receiver_has_to_be_a_string_unless_numbers_are_asked_for) {
    for (const bool numbers : {false, true}) {
        world w{{.number_ids = numbers}};
        for (const auto* id : {"5", "-7", "0", "1.5", "123456789012345", "1234567890123456"})
            w.open(w.old, id);
        const auto arrives = [&](const std::string& number, const std::string& id) {
            const auto text = R"({"receiverId":)" + number + "}";
            return w.says("5", text, id) == texts{text};
        };
        BOOST_TEST(arrives("5", "5") == numbers);
        BOOST_TEST(arrives("-7", "-7") == numbers);
        BOOST_TEST(!arrives("0", "0"));
        BOOST_TEST(!arrives("1.5", "1.5"));
        BOOST_TEST(!arrives("5e0", "5"));
        BOOST_TEST(!arrives("[5]", "5"));
        BOOST_TEST(arrives("123456789012345", "123456789012345") == numbers);
        BOOST_TEST(!arrives("1234567890123456", "1234567890123456")); // more than JavaScript spells for sure
        BOOST_TEST(arrives("\"5\"", "5"));
    }
}

// --- options ---

BOOST_AUTO_TEST_CASE(peers_of_version_0_1_are_routed_by_peer_id_if_asked_for) {
    world w{{.peer_id_routing = true}};
    w.open(w.old, "A");
    w.open(w.old, "B");
    const std::string by_peer = R"({"peerId":"B","x":1})", by_receiver = R"({"peerId":"B","receiverId":"A"})",
                      by_none = R"({"peerId":"B","receiverId":null})";
    same(w.says("A", by_peer, "B"), {by_peer});
    same(w.says("A", by_receiver, "B"), {});
    same(w.old.messages("A"), {by_receiver});
    same(w.says("A", by_none, "B"), {});
}

BOOST_AUTO_TEST_CASE(a_false_sender_is_dropped_if_asked_for) {
    for (const bool check : {false, true}) {
        world w{{.check_sender = check}};
        w.open(w.old, "A");
        w.open(w.old, "B");
        const auto arrives = [&](std::string_view sender) {
            const auto text = R"({"receiverId":"B")" + std::string{sender} + "}";
            return w.says("A", text, "B") == texts{text};
        };
        BOOST_TEST(arrives(""));
        BOOST_TEST(arrives(R"(,"senderId":"A")"));
        BOOST_TEST(arrives(R"(,"senderId":"\u0041")"));
        for (const std::string_view other : {R"(,"senderId":"B")", R"(,"senderId":1)", R"(,"senderId":null)",
                                             R"(,"senderId":"A","senderId":"x")"})
            BOOST_TEST(arrives(other) != check, other);
    }
}

// --- other wires ---

BOOST_AUTO_TEST_CASE(signals_cross_to_and_from_other_codecs) {
    world w;
    w.open(w.old, "A");
    w.open(w.modern, "J");
    const auto told = [&](std::string_view text) {
        w.old.say("A", text);
        auto heard = w.modern.messages("J");
        BOOST_TEST_REQUIRE(heard.size() == 1u);
        return heard[0].substr(heard[0].find(R"(","cmd")") + 2);
    };
    const std::string offer = R"({"sdp":{"sdp":"v=0"},"type":"offer","senderId":"A","receiverId":"J"})",
                      ice = R"({"candidate":{"c":1},"type":"ice","senderId":"A","receiverId":"J"})";
    BOOST_TEST(told(" " + offer + "\n") == R"("cmd":"offer","origin":"A","data":)" + offer + "}");
    BOOST_TEST(told(ice) == R"("cmd":"ice","origin":"A","data":)" + ice + "}");
    const std::string answer = R"({"type":"answer","sdp":1,"receiverId":"J"})"; // copied for old clients
    BOOST_TEST(told(answer) ==
               R"("cmd":"answer","origin":"A","data":{"type":"answer","sdp":1,"receiverId":"J","offer":1}})");
    // no client shall take a message for something that the hub says
    for (const std::string text :
         {R"({"receiverId":"J","type":"welcome"})", R"({"receiverId":"J","type":"ice"})",
          R"({"receiverId":"J","type":"offer","sdp":""})", R"({"receiverId":"J"})"})
        BOOST_TEST(told(text) == R"("cmd":"message","origin":"A","data":)" + text + "}");

    const auto told_here = [&](std::string_view command, std::string_view data,
                               std::string_view reply = R"({"id":1,"ok":true})") {
        w.modern.say("J", R"({"id":1,"target":"A","cmd":")" + std::string{command} + R"(","data":)" +
                              std::string{data} + "}");
        same(w.modern.messages("J"), {std::string{reply}});
        return w.old.messages("A");
    };
    same(told_here("offer", R"({"offer":{"sdp":"v=0"},"x":1})"),
         {R"({"sdp":{"sdp":"v=0"},"type":"offer","senderId":"J","receiverId":"A"})"});
    same(told_here("answer", R"({"answer":"\u00e9"})"),
         {R"({"sdp":"\u00e9","type":"answer","senderId":"J","receiverId":"A"})"});
    same(told_here("ice", R"({"candidate":{"candidate":""}})"),
         {R"({"candidate":{"candidate":""},"type":"ice","senderId":"J","receiverId":"A"})"});
    same(told_here("session-start", "{}", R"({"id":1,"ok":false,"data":{"message":"Unknown Command"}})"), {});
    BOOST_TEST((w.h.send("A", "offer", R"({"offer":1})") ==
                errc::unknown_command)); // from nobody: no client could answer
    same(w.old.messages("A"), {});
}

BOOST_AUTO_TEST_CASE(signals_are_known_by_kind) {
    signal_fire_2016 codec;
    signal_fire_2016::state st;
    const auto look = [&](std::string text) {
        std::pair<signal_kind, std::string> seen;
        codec.decode({text, message_type::text}, st, only<event::send>([&](auto& e) {
                         seen = {e.signal.kind, std::string{e.signal.body}};
                         BOOST_TEST((e.token.empty() && e.token.wire == wire_id::signal_fire_2016));
                         BOOST_TEST((e.data.wire == wire_id::signal_fire_2016));
                         BOOST_TEST(e.signal.call.empty());
                         BOOST_TEST(e.echo);
                         BOOST_TEST(!e.ephemeral);
                         BOOST_TEST(e.data.bytes == text);
                         BOOST_TEST(e.whole.view() == text);
                     }));
        return seen;
    };
    BOOST_TEST((look(R"({"type":"offer","sdp":{"a":1},"receiverId":"x"})") ==
                std::pair{signal_kind::offer, std::string{R"({"a":1})"}}));
    BOOST_TEST((look(R"({"sdp":"v","type":"answer","receiverId":"x"})") ==
                std::pair{signal_kind::answer, std::string{R"("v")"}}));
    BOOST_TEST((look(R"({"candidate":{},"type":"ice","receiverId":"x"})") ==
                std::pair{signal_kind::candidate, std::string{"{}"}}));
    BOOST_TEST((look(R"({"type":"bye","receiverId":"x"})") == std::pair{signal_kind::none, std::string{}}));
}

BOOST_AUTO_TEST_CASE(only_signals_of_other_wires_have_a_word) {
    const signal_fire_2016 codec;
    event::send e;
    e.command = "offer", e.from = "J", e.to = "A";
    e.data = {R"({"offer":1})", wire_id::json}, e.signal = {signal_kind::offer, e.data.bytes.substr(9, 1)};
    const std::string offer = R"({"sdp":1,"type":"offer","senderId":"J","receiverId":"A"})";
    BOOST_TEST(encoded(codec, e) == offer);
    e.data.wire = wire_id::peerjs; // JSON, too
    BOOST_TEST(encoded(codec, e) == offer);
    const auto unsaid = [&](auto change) {
        auto other = e;
        change(other);
        return encoded(codec, other).empty();
    };
    BOOST_TEST(unsaid([](auto& o) { o.data.wire = wire_id::msgpack; }));
    BOOST_TEST(unsaid([](auto& o) { o.signal.kind = signal_kind::other; }));
    BOOST_TEST(unsaid([](auto& o) { o.signal.kind = signal_kind::bye; }));
    BOOST_TEST(unsaid([](auto& o) { o.signal.body = {}; }));
    BOOST_TEST(unsaid([](auto& o) { o.from = {}; }));
    BOOST_TEST(unsaid([](auto& o) { o.to = {}; }));
    for (const auto& row : detail::errc_table) {
        event::reply r;
        r.token = {"1", wire_id::signal_fire_2016}, r.cause = row.code;
        BOOST_TEST(encoded(codec, r).empty());
    }
    static_assert(!detail::has_word<signal_fire_2016, event::publish> &&
                  !detail::has_word<signal_fire_2016, event::request> &&
                  !detail::has_word<signal_fire_2016, event::presence>);
}

// A hook's replacement of the payload goes out.
struct censor {
    errc on_message(message_context& context, event::send& e) {
        if (e.data.bytes.find("secret") != std::string_view::npos)
            e.data.bytes = context.keep(R"({"receiverId":"A","x":"-"})");
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(hooks_may_change_a_message) {
    hub_of<features<>, hooks<censor>> h{{}, {}, {}, {}, hooks{censor{}}};
    port<decltype(h), signal_fire_2016> p{h};
    h.tick(time_point{1h});
    p.open("A");
    auto id = p.messages("A").at(0).substr(23, 21);
    p.say("A", R"( {"receiverId":")" + id + R"(","x":1})");
    same(p.messages("A"), {R"( {"receiverId":")" + id + R"(","x":1})"});
    p.say("A", R"( {"receiverId":")" + id + R"(","x":"secret"})");
    same(p.messages("A"), {R"({"receiverId":"A","x":"-"})"});
}

BOOST_AUTO_TEST_CASE(order_is_kept_and_a_full_receiver_ends) {
    world w;
    w.open(w.old, "A");
    w.open(w.old, "B");
    texts all;
    for (int i = 0; i < 50; ++i) {
        all.push_back(R"({"receiverId":"B","n":)" + std::to_string(i) + "}");
        w.old.say("A", all.back(), i % 2 ? message_type::text : message_type::binary);
    }
    same(w.old.messages("B"), all);
    w.old.connections.at("B").full = true;
    same(w.says("A", all[0], "B"), {});
    BOOST_TEST(!w.old.connections.at("B").open);
    BOOST_TEST(w.old.connections.at("A").open);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
