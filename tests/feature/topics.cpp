// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/topics.hpp>

#include <sigfire/feature/resume.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <vector>

namespace {

using namespace hub_world;

// Notes what other features are told of topics.
struct gossip : feature {
    script notes;

    template <class X>
    void on_membership(X& hub, std::string_view topic, peer_handle peer, membership what, payload metadata,
                       errc why) {
        const char* const words[] = {" joined ", " updated ", " left "};
        notes.push_back(std::string{hub.id(peer)} + words[static_cast<int>(what)] + std::string{topic} +
                        (metadata.empty() ? "" : " ") + std::string{metadata.bytes} +
                        (why == errc::ok ? "" : " ") + std::string{why == errc::ok ? "" : cause_name(why)});
    }
    template <class X>
    void on_entry(X&, std::string_view topic, std::string_view key, payload value, std::string_view owner) {
        notes.push_back(
            std::string{topic} + "." + std::string{key} +
            (value.empty() ? " gone" : "=" + std::string{value.bytes} + " by " + std::string{owner}));
    }
};

struct world : hub_bench<features<topics, gossip>> {
    explicit world(topics_options o = {}) : hub_bench(features{topics{o}, gossip{}}) {}

    std::string join(const std::string& who, const std::string& topic, const std::string& data = {}) {
        return ask(who, R"({"cmd":"join","topic":")" + topic + '"' + (data.empty() ? "" : R"(,"data":)") +
                            data + "}");
    }
    std::string lookup(const std::string& topic, const std::string& data = "{}") {
        if (!is_open("watcher")) connect("watcher");
        return ask("watcher", R"({"cmd":"lookup","topic":")" + topic + R"(","data":)" + data + "}");
    }
    std::string set(const std::string& who, const std::string& data) {
        return ask(who, R"({"cmd":"set","topic":"t","data":)" + data + "}");
    }
    std::string entries(std::string_view topic) {
        std::string out;
        get<topics>().for_each_entry(topic, [&](std::string_view key, payload value, peer_handle) {
            (((out += key) += '=') += value.bytes) += ';';
        });
        return out;
    }
    script told() { return std::exchange(get<gossip>().notes, {}); }
};

// The state that must not change where a request fails.
struct state_of {
    std::size_t topics, memberships;
    std::string members, entries;
    script told;

    explicit state_of(world& w)
        : topics(w.get<sigfire::topics>().table().size()),
          memberships(w.get<sigfire::topics>().table().memberships()), members(w.lookup("t")),
          entries(w.entries("t")), told(w.get<gossip>().notes) {}
    bool operator==(const state_of&) const = default;
};

BOOST_AUTO_TEST_SUITE(topics_)

BOOST_AUTO_TEST_CASE(a_publication_reaches_the_other_members_in_their_order_after_the_reply) {
    world b;
    for (const auto* name : {"ann", "bob", "eve", "out"}) b.connect(name);
    BOOST_TEST(b.join("eve", "t") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(b.join("ann", "t") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(b.join("bob", "t") == R"(ok {"topic":"t","members":3})");
    BOOST_TEST(b.join("bob", "u") == R"(ok {"topic":"u","members":1})");
    b.say("ann", R"({"cmd":"publish","topic":"t","id":1,"data":[1]})");
    same(b.heard_by_all(),
         {R"(ann {"id":1,"ok":true})", R"(eve {"cmd":"publish","origin":"ann","topic":"t","data":[1]})",
          R"(bob {"cmd":"publish","origin":"ann","topic":"t","data":[1]})"});
    // Without data; to the sender too, in its place; with an origin that is forged.
    b.say("ann", R"({"cmd":"publish","topic":"t","id":"2","echo":true,"origin":"bob"})");
    same(b.heard_by_all(),
         {R"(ann {"id":"2","ok":true})", R"(eve {"cmd":"publish","origin":"ann","topic":"t"})",
          R"(ann {"cmd":"publish","origin":"ann","topic":"t"})",
          R"(bob {"cmd":"publish","origin":"ann","topic":"t"})"});
    b.say("ann", R"({"cmd":"publish","topic":"t","id":3,"echo":false})");
    BOOST_TEST(b.heard_by_all().size() == 3u);
}

BOOST_AUTO_TEST_CASE(publications_of_one_arrive_in_order) {
    world b;
    for (const auto* name : {"ann", "bob"}) {
        b.connect(name);
        b.join(name, "t");
    }
    script expected;
    for (int i = 0; i < 100; ++i) {
        b.ask("ann", R"({"cmd":"publish","topic":"t","data":)" + std::to_string(i) +
                         (i % 3 ? "}" : R"(,"volatile":true})"));
        expected.push_back(R"({"cmd":"publish","origin":"ann","topic":"t","data":)" + std::to_string(i) +
                           "}");
    }
    same(b.heard("bob"), expected);
}

BOOST_AUTO_TEST_CASE(the_text_of_a_publication_is_one_for_all) {
    world b;
    for (const auto* name : {"ann", "bob", "eve"}) {
        b.connect(name);
        b.join(name, "t");
    }
    // All are sent the same bytes, the id of the message included; encoded are those and the reply.
    b.codec.encoded = 0;
    b.ask("ann", R"({"cmd":"publish","topic":"t","echo":true})");
    BOOST_TEST(b.codec.encoded == 2u);
    BOOST_TEST(b.at("bob").buffer == b.at("eve").buffer);
    BOOST_TEST(b.at("bob").buffer == b.at("ann").buffer);
    const auto first = b.at("bob").buffer;
    b.ask("ann", R"({"cmd":"publish","topic":"t","echo":true})");
    BOOST_TEST(b.at("bob").buffer != first);
}

// As a wire says it on which peers may publish that are not members.
template <class E>
void say_open(world& b, const std::string& name, std::string_view topic) {
    E e;
    e.topic = topic;
    e.open = true;
    b.h.received(b.at(name).its_state.who, e);
    b.settle();
}

BOOST_AUTO_TEST_CASE(only_members_publish_unless_the_topic_was_made_by_a_wire_that_lets_all) {
    world b;
    for (const auto* name : {"ann", "bob", "out"}) b.connect(name);
    b.join("ann", "t");
    BOOST_TEST(b.ask("out", R"({"cmd":"publish","topic":"t"})") == "denied");
    BOOST_TEST(b.set("out", R"({"key":"k","value":1})") == "unknown");
    // a member of that wire does not open it, and a topic that nobody is in does not exist
    say_open<event::join>(b, "bob", "t");
    for (const auto* topic : {"t", "u"}) say_open<event::publish>(b, "out", topic);
    same(b.heard_by_all(), {});
    say_open<event::join>(b, "bob", "u");
    b.join("ann", "u");
    say_open<event::publish>(b, "out", "u");
    same(b.heard_by_all(), {R"(bob {"cmd":"publish","origin":"out","topic":"u"})",
                            R"(ann {"cmd":"publish","origin":"out","topic":"u"})"});
    BOOST_TEST(b.ask("out", R"({"cmd":"publish","topic":"u"})") == "denied"); // by its own wire
    say_open<event::publish>(b, "bob", "t");                                  // a member is one
    same(b.heard_by_all(), {R"(ann {"cmd":"publish","origin":"bob","topic":"t"})"});
}

BOOST_AUTO_TEST_CASE(peers_without_extras_hear_nothing_of_topics) {
    world b;
    b.connect("ann");
    b.connect("old", {.id = "old", .extras = false});
    b.join("ann", "t");
    b.say("old", R"({"cmd":"join","topic":"t","id":1})");
    same(b.heard("old"), {R"({"id":1,"ok":false,"data":{"message":"Unknown Command"}})"});
    BOOST_TEST(b.lookup("t") == R"(ok {"count":1,"members":[{"id":"ann"}]})");
}

BOOST_AUTO_TEST_CASE(joining_again_replaces_the_metadata_and_keeps_the_place) {
    world b;
    b.connect("ann");
    b.connect("bob");
    BOOST_TEST(b.join("ann", "t", R"({"metadata":{"n":1}})") == R"(ok {"topic":"t","members":1})");
    b.join("bob", "t");
    BOOST_TEST(b.join("ann", "t", R"({"metadata":{ "n" : [2,{}] }})") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(b.lookup("t") ==
               R"(ok {"count":2,"members":[{"id":"ann","metadata":{ "n" : [2,{}] }},{"id":"bob"}]})");
    b.join("ann", "t", R"({"metadata":{ "n" : [2,{}] }})"); // nothing new
    b.join("ann", "t");
    BOOST_TEST(b.lookup("t") == R"(ok {"count":2,"members":[{"id":"ann"},{"id":"bob"}]})");
    same(b.told(),
         {R"(ann joined t {"n":1})", "bob joined t", R"(ann updated t { "n" : [2,{}] })", "ann updated t"});
}

BOOST_AUTO_TEST_CASE(a_limit_is_for_new_members_only) {
    world b;
    for (const auto* name : {"ann", "bob", "eve"}) b.connect(name);
    BOOST_TEST(b.join("ann", "t", R"({"limit":0})") == "full");
    BOOST_TEST(b.join("ann", "t", R"({"limit":2})") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(b.join("bob", "t", R"({"limit":1})") == "full");
    BOOST_TEST(b.join("bob", "t", R"({"limit":2})") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(b.join("eve", "t", R"({"limit":2})") == "full");
    BOOST_TEST(b.join("ann", "t", R"({"limit":1,"metadata":{}})") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(b.join("eve", "t", R"({"limit":18446744073709551615})") == R"(ok {"topic":"t","members":3})");
    same(b.told(), {"ann joined t", "bob joined t", "ann updated t {}", "eve joined t"});
}

// The name of a group, of the reply to a join.
std::string group_in(const std::string& reply) {
    const std::string_view begin = R"(ok {"topic":")";
    BOOST_TEST_REQUIRE(reply.starts_with(begin), reply);
    return reply.substr(begin.size(), reply.find('"', begin.size()) - begin.size());
}

BOOST_AUTO_TEST_CASE(match_makes_groups_of_n_in_the_order_of_asking) {
    world b;
    std::vector<std::string> groups;
    for (int i = 0; i < 7; ++i) {
        const auto name = "p" + std::to_string(i);
        b.connect(name);
        const auto reply = b.join(name, "pool", R"({"match":3})");
        groups.push_back(group_in(reply));
        BOOST_TEST(reply.ends_with(R"("members":)" + std::to_string(i % 3 + 1) + "}"));
    }
    for (std::size_t i = 0; i < 7; ++i) {
        BOOST_TEST(groups[i].starts_with("pool#"));
        BOOST_TEST(groups[i].size() == 26u);
        for (std::size_t k = 0; k < 7; ++k) BOOST_TEST((groups[i] == groups[k]) == (i / 3 == k / 3));
    }
    BOOST_TEST(b.lookup("pool") == "unknown");
    BOOST_TEST(b.lookup(groups[1]) == R"(ok {"count":3,"members":[{"id":"p0"},{"id":"p1"},{"id":"p2"}]})");
    BOOST_TEST(b.ask("p4", R"({"cmd":"publish","topic":")" + groups[4] + R"("})") == "ok");
    same(b.heard_by_all(), {R"(p3 {"cmd":"publish","origin":"p4","topic":")" + groups[3] + R"("})",
                            R"(p5 {"cmd":"publish","origin":"p4","topic":")" + groups[3] + R"("})"});
}

BOOST_AUTO_TEST_CASE(groups_of_other_sizes_and_topics_are_others) {
    world b;
    std::set<std::string> groups;
    for (const auto* data : {R"({"match":2})", R"({"match":3})"})
        for (const auto* topic : {"x", "y"}) {
            const auto name = std::string{topic} + data[9];
            b.connect(name);
            groups.insert(group_in(b.join(name, topic, data)));
        }
    BOOST_TEST(groups.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_asks_twice_waits_in_the_same_group_and_may_leave_it) {
    world b;
    for (const auto* name : {"ann", "bob", "eve", "joe", "kim", "lou"}) b.connect(name);
    const auto first = group_in(b.join("ann", "pool", R"({"match":2})"));
    BOOST_TEST(b.join("ann", "pool", R"({"match":2,"metadata":{"n":1}})") ==
               R"(ok {"topic":")" + first + R"(","members":1})");
    b.close("ann");
    const auto second = group_in(b.join("bob", "pool", R"({"match":2})"));
    BOOST_TEST(second != first);
    b.ask("bob", R"({"cmd":"leave","topic":")" + second + R"("})");
    const auto third = group_in(b.join("eve", "pool", R"({"match":2})"));
    BOOST_TEST(third != second);
    BOOST_TEST(group_in(b.join("joe", "pool", R"({"match":2})")) == third);
    // A matched peer stays so: nobody takes the place of a member that has left since.
    b.close("joe");
    const auto fourth = group_in(b.join("kim", "pool", R"({"match":2})"));
    BOOST_TEST(fourth != third);
    // A friend that was told the name takes a place, too.
    BOOST_TEST(b.join("bob", fourth).starts_with("ok"));
    BOOST_TEST(group_in(b.join("lou", "pool", R"({"match":2})")) != fourth);
}

BOOST_AUTO_TEST_CASE(groups_that_come_and_go_leave_no_trace) {
    world b;
    b.connect("ann");
    for (int i = 0; i < 100; ++i) {
        const auto topic = "pool " + std::to_string(i);
        const auto group = group_in(b.join("ann", topic, R"({"match":2})"));
        BOOST_TEST(b.ask("ann", R"({"cmd":"leave","topic":")" + group + R"("})") == "ok");
    }
    BOOST_TEST(b.get<topics>().table().size() == 0u);
}

BOOST_AUTO_TEST_CASE(leaving_ends_all_of_a_membership) {
    world b;
    for (const auto* name : {"ann", "bob"}) {
        b.connect(name);
        b.join(name, "t");
    }
    BOOST_TEST(b.set("ann", R"({"key":"a","value":1})") == "ok");
    BOOST_TEST(b.set("ann", R"({"key":"c","value":3})") == "ok");
    BOOST_TEST(b.set("bob", R"({"key":"b","value":2})") == "ok");
    b.join("ann", "u");
    BOOST_TEST(b.ask("ann", R"({"cmd":"set","topic":"u","data":{"key":"a","value":4}})") == "ok");
    b.told();
    BOOST_TEST(b.ask("ann", R"({"cmd":"leave","topic":"t"})") == "ok");
    BOOST_TEST(b.ask("ann", R"({"cmd":"leave","topic":"t"})") == "unknown");
    same(b.told(), {"t.a gone", "t.c gone", "ann left t closed"});
    BOOST_TEST(b.entries("t") == "b=2;");
    BOOST_TEST(b.entries("u") == "a=4;");
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t"})") == "denied");
    b.ask("bob", R"({"cmd":"publish","topic":"t"})");
    same(b.heard_by_all(), {});
    BOOST_TEST(b.ask("bob", R"({"cmd":"leave","topic":"t"})") == "ok");
    BOOST_TEST(b.ask("bob", R"({"cmd":"publish","topic":"t"})") == "unknown");
}

BOOST_AUTO_TEST_CASE(a_peer_that_goes_has_left_all_its_topics_for_that_cause) {
    world b;
    for (const auto* name : {"ann", "bob"}) {
        b.connect(name);
        for (const auto* topic : {"t", "u"}) b.join(name, topic);
    }
    b.set("ann", R"({"key":"k","value":1})");
    b.told();
    b.lose("ann");
    same(b.told(), {"t.k gone", "ann left t lost", "ann left u lost"});
    b.h.close("bob", errc::denied);
    same(b.told(), {"bob left t denied", "bob left u denied"});
    BOOST_TEST(b.get<topics>().table().size() == 0u);
    BOOST_TEST(b.get<topics>().table().memberships() == 0u);
    // The next in that slot is a member of nothing.
    b.settle();
    b.connect("eve");
    BOOST_TEST(b.ask("eve", R"({"cmd":"leave","topic":"t"})") == "unknown");
}

BOOST_AUTO_TEST_CASE(a_lookup_tells_as_many_as_asked_for_and_allowed) {
    world b{{.lookup_limit = 150}};
    for (int i = 0; i < 200; ++i) {
        const auto name = "p" + std::to_string(i);
        b.connect(name);
        b.join(name, "t");
    }
    const auto told = [&](const std::string& data) {
        const auto reply = b.lookup("t", data);
        BOOST_TEST(reply.starts_with(R"(ok {"count":200,"members":[)"), reply);
        std::size_t n = 0;
        for (auto at = reply.find(R"({"id":"p)"); at != reply.npos; at = reply.find(R"({"id":"p)", at + 1)) {
            BOOST_TEST(reply.substr(at).starts_with(R"({"id":"p)" + std::to_string(n) + R"("})"));
            ++n;
        }
        return n;
    };
    BOOST_TEST(told("{}") == 100u);
    BOOST_TEST(told(R"({"limit":0})") == 0u);
    BOOST_TEST(told(R"({"limit":1})") == 1u);
    BOOST_TEST(told(R"({"limit":149})") == 149u);
    BOOST_TEST(told(R"({"limit":1000000})") == 150u);
    BOOST_TEST(b.lookup("nowhere") == "unknown");
}

BOOST_AUTO_TEST_CASE(a_lookup_tells_so_many_bytes_and_no_more) {
    world b{{.lookup_bytes = 25}};
    for (const auto* name : {"p1", "p2", "p3"}) {
        b.connect(name);
        BOOST_TEST(
            b.ask(name, R"({"cmd":"join","topic":"t","data":{"metadata":{"m":1234}}})").starts_with("ok"));
    } // 2 + 10 bytes each
    BOOST_TEST(
        b.lookup("t") ==
        R"(ok {"count":3,"members":[{"id":"p1","metadata":{"m":1234}},{"id":"p2","metadata":{"m":1234}}]})");
    b.join("p1", "small");
    BOOST_TEST(b.lookup("small") == R"(ok {"count":1,"members":[{"id":"p1"}]})");
}

BOOST_AUTO_TEST_CASE(a_publication_is_not_too_much_for_all_members_together) {
    world b{{.publication_bytes = 100}};
    for (const auto* name : {"p1", "p2", "p3", "p4"}) {
        b.connect(name);
        b.join(name, "t");
    }
    b.join("p1", "small");
    b.heard_by_all();
    const auto publish = [&](const char* topic, std::size_t size) {
        return b.ask("p1", R"({"cmd":"publish","topic":")" + std::string{topic} + R"(","data":")" +
                               std::string(size - 2, 'x') + "\"}");
    };
    BOOST_TEST(publish("t", 26) == "too_large");
    BOOST_TEST(b.heard_by_all().empty());
    BOOST_TEST(publish("t", 25) == "ok");
    BOOST_TEST(b.heard_by_all().size() == 3u);
    BOOST_TEST(publish("small", 100) == "ok");
    BOOST_TEST(publish("small", 101) == "too_large");
}

BOOST_AUTO_TEST_CASE(ids_and_names_are_escaped) {
    world b;
    b.connect("ann", {.id = "a\"\n\xc3\xab"});
    const std::string topic = R"(t\"\u0000\u00eb)";
    BOOST_TEST(b.join("ann", topic) == "ok {\"topic\":\"t\\\"\\u0000\xc3\xab\",\"members\":1}");
    BOOST_TEST(b.lookup(topic) == "ok {\"count\":1,\"members\":[{\"id\":\"a\\\"\\u000a\xc3\xab\"}]}");
    b.ask("ann", R"({"cmd":"publish","topic":")" + topic + R"(","echo":1})");
    same(b.heard("ann"),
         {"{\"cmd\":\"publish\",\"origin\":\"a\\\"\\u000a\xc3\xab\",\"topic\":\"t\\\"\\u0000\xc3\xab\"}"});
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_away_stays_and_is_shown_so) {
    hub_bench b{features{topics{}, resume{}}};
    b.connect("ann", {.id = "ann", .target = "/?resume"});
    b.connect("bob");
    for (const auto* name : {"ann", "bob"}) b.ask(name, R"({"cmd":"join","topic":"t"})");
    b.lose("ann");
    BOOST_TEST(b.ask("bob", R"({"cmd":"lookup","topic":"t"})") ==
               R"(ok {"count":2,"members":[{"id":"ann","away":true},{"id":"bob"}]})");
    b.advance(30s);
    BOOST_TEST(b.ask("bob", R"({"cmd":"lookup","topic":"t"})") ==
               R"(ok {"count":1,"members":[{"id":"bob"}]})");
}

BOOST_AUTO_TEST_CASE(a_volatile_publication_is_dropped_without_room_and_counted) {
    world b;
    for (const auto* name : {"ann", "bob", "eve"}) {
        b.connect(name);
        b.join(name, "t");
    }
    b.at("bob").full = true;
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t","volatile":true})") == "ok");
    BOOST_TEST(b.get<topics>().dropped() == 1u);
    same(b.heard_by_all(), {R"(eve {"cmd":"publish","origin":"ann","topic":"t"})"});
    b.at("bob").full = false; // and is none the worse for it
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t","volatile":true,"data":2})") == "ok");
    same(b.heard("bob"), {R"({"cmd":"publish","origin":"ann","topic":"t","data":2})"});
    BOOST_TEST(b.get<topics>().dropped() == 1u);

    b.at("bob").full = true;
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t"})") == "ok");
    BOOST_TEST(b.ended("bob") == errc::slow_consumer);
    BOOST_TEST(b.get<topics>().dropped() == 1u);
    BOOST_TEST(b.lookup("t") == R"(ok {"count":2,"members":[{"id":"ann"},{"id":"eve"}]})");
}

BOOST_AUTO_TEST_CASE(volatile_publications_are_dropped_for_resumable_peers_too) {
    hub_bench b{features{topics{}, resume{{.messages = 2}}}};
    b.connect("ann");
    b.connect("bob", {.id = "bob", .target = "/?resume"});
    for (const auto* name : {"ann", "bob"}) b.ask(name, R"({"cmd":"join","topic":"t"})");
    b.say("bob", R"({"cmd":"ack","received":1})");
    b.at("bob").full = true;
    const auto publish = [&](const char* more) {
        return b.ask("ann", R"({"cmd":"publish","topic":"t")" + std::string{more} + "}");
    };
    BOOST_TEST(publish(R"(,"volatile":true)") == "ok");
    BOOST_TEST(b.get<topics>().dropped() == 1u);
    BOOST_TEST(b.is_open("bob"));
    // While it is away as much is kept as there is room for.
    b.lose("bob");
    for (int i = 0; i < 5; ++i) publish(R"(,"volatile":true)");
    BOOST_TEST(b.get<topics>().dropped() == 4u);
}

BOOST_AUTO_TEST_CASE(a_hook_keeps_a_publication_from_a_member) {
    struct censor {
        std::vector<std::string>* asked;
        bool on_deliver(peer_handle, const event::publish& e) {
            asked->emplace_back(e.command);
            return e.data.bytes != "7";
        }
    };
    std::vector<std::string> asked;
    hub_bench b{features{topics{}}, hooks{censor{&asked}}};
    for (const auto* name : {"ann", "bob"}) {
        b.connect(name);
        b.ask(name, R"({"cmd":"join","topic":"t"})");
    }
    asked.clear();
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t","data":7})") == "ok");
    BOOST_TEST(b.ask("ann", R"({"cmd":"publish","topic":"t","data":8})") == "ok");
    same(b.heard("bob"), {R"({"cmd":"publish","origin":"ann","topic":"t","data":8})"});
    same(asked, {"publish", "publish"});
    BOOST_TEST(b.get<topics>().dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(the_host_program_publishes_from_nobody) {
    world b;
    b.connect("ann");
    b.connect("bob");
    b.join("ann", "t");
    b.join("bob", "t");
    auto& hub = b.context();
    BOOST_TEST(b.get<topics>().publish(hub, "t", R"({"n":1})") == errc::ok);
    BOOST_TEST(b.get<topics>().publish(hub, "u", "{}") == errc::unknown);
    same(b.heard_by_all(), {R"(ann {"cmd":"publish","topic":"t","data":{"n":1}})",
                            R"(bob {"cmd":"publish","topic":"t","data":{"n":1}})"});
    b.at("bob").full = true;
    BOOST_TEST(b.get<topics>().publish(hub, "t", "", true) == errc::ok);
    BOOST_TEST(b.get<topics>().dropped() == 1u);
    same(b.heard_by_all(), {R"(ann {"cmd":"publish","topic":"t"})"});
    b.at("bob").full = false;
    BOOST_TEST(b.get<topics>().publish(hub, "t", payload{"7", wire_id::json}) == errc::ok);
    same(b.heard_by_all(),
         {R"(ann {"cmd":"publish","topic":"t","data":7})", R"(bob {"cmd":"publish","topic":"t","data":7})"});
}

// --- state entries

BOOST_AUTO_TEST_CASE(an_entry_belongs_to_the_peer_that_set_it) {
    world b;
    for (const auto* name : {"ann", "bob", "out"}) b.connect(name);
    b.join("ann", "t");
    b.join("bob", "t");
    b.told();
    const auto unset = [&](const char* who) {
        return b.ask(who, R"({"cmd":"unset","topic":"t","data":{"key":"k"}})");
    };
    BOOST_TEST(unset("ann") == "unknown");
    BOOST_TEST(b.set("out", R"({"key":"k","value":0})") == "unknown");
    BOOST_TEST(b.set("ann", R"({"key":"k","value": {"a" : [1]} })") == "ok");
    BOOST_TEST(b.set("ann", R"({"key":"k","value": {"a" : [1]} })") == "ok"); // nothing new
    BOOST_TEST(b.set("bob", R"({"key":"k","value":2})") == "denied");
    BOOST_TEST(unset("bob") == "denied");
    BOOST_TEST(unset("out") == "unknown");
    BOOST_TEST(b.set("ann", R"({"value":null,"key":"\u006b"})") == "ok");
    BOOST_TEST(b.entries("t") == "k=null;");
    BOOST_TEST(unset("ann") == "ok");
    BOOST_TEST(unset("ann") == "unknown");
    BOOST_TEST(b.set("bob", R"({"key":"k","value":2})") == "ok");
    same(b.told(), {R"(t.k={"a" : [1]} by ann)", "t.k=null by ann", "t.k gone", "t.k=2 by bob"});
}

BOOST_AUTO_TEST_CASE(an_entry_goes_when_its_time_is_up) {
    world b;
    b.connect("ann");
    b.join("ann", "t");
    b.told();
    BOOST_TEST(b.set("ann", R"({"key":"a","value":1,"ttl":1000})") == "ok");
    BOOST_TEST(b.set("ann", R"({"key":"b","value":1,"ttl":500})") == "ok");
    BOOST_TEST((b.pause() == 500ms));
    b.advance(499ms);
    BOOST_TEST(b.entries("t") == "a=1;b=1;");
    b.advance(1ms);
    BOOST_TEST(b.entries("t") == "a=1;");
    BOOST_TEST(b.set("ann", R"({"key":"a","value":1,"ttl":1000})") == "ok"); // lives on
    b.advance(999ms);
    BOOST_TEST(b.entries("t") == "a=1;");
    b.advance(1ms);
    BOOST_TEST(b.entries("t") == "");
    BOOST_TEST(b.set("ann", R"({"key":"c","value":1,"ttl":1})") == "ok");
    BOOST_TEST(b.set("ann", R"({"key":"c","value":1})") == "ok"); // for ever now
    BOOST_TEST((b.pause() == clock::duration::max()));
    // A year is enough for everybody.
    BOOST_TEST(b.set("ann", R"({"key":"d","value":1,"ttl":18446744073709551615})") == "ok");
    BOOST_TEST((b.pause() == 366 * 24h));
    same(b.told(), {"t.a=1 by ann", "t.b=1 by ann", "t.b gone", "t.a gone", "t.c=1 by ann", "t.d=1 by ann"});
}

// --- a wrong request changes nothing

std::string quoted(const std::string& s) {
    return '"' + s + '"';
}

BOOST_AUTO_TEST_CASE(names_are_utf8_of_1_to_256_bytes) {
    world b;
    b.connect("ann");
    const std::string longest(256, 'x');
    const struct {
        const char* command;
        std::string data, fit;
    } rows[] = {
        {"join", "{}", "ok"},
        {"join", R"({"match":2})", ""}, // the name of the group is longer
        {"leave", "", "unknown"},
        {"lookup", "", "unknown"},
        {"publish", "{}", "unknown"},
        {"set", R"({"key":"k","value":1})", "unknown"},
        {"unset", R"({"key":"k"})", "unknown"},
    };
    for (const auto& row : rows) {
        const auto ask = [&](const std::string& topic) {
            return b.ask("ann", R"({"cmd":")" + std::string{row.command} + '"' +
                                    (topic.empty() ? "" : R"(,"topic":)") + topic +
                                    (row.data.empty() ? "" : R"(,"data":)") + row.data + "}");
        };
        const std::string wrong[] = {"",
                                     "null",
                                     "7",
                                     "{}",
                                     R"(["t"])",
                                     quoted(""),
                                     quoted(std::string(257, 'x')),
                                     quoted(std::string(260, 'x')),
                                     quoted(std::string(261, 'x')),
                                     quoted(std::string(100'000, 'x')),
                                     quoted(R"(\ud800)")};
        for (const auto& topic : wrong)
            BOOST_TEST(ask(topic) == "malformed", row.command << " " << topic.substr(0, 20));
        if (!row.fit.empty()) BOOST_TEST(ask(quoted(longest)).starts_with(row.fit), row.command);
        if (row.fit == "ok") b.ask("ann", R"({"cmd":"leave","topic":)" + quoted(longest) + "}");
    }
    same(b.told(), {"ann joined " + longest, "ann left " + longest + " closed"});
    BOOST_TEST(b.get<topics>().table().size() == 0u);
    b.join("ann", "t");
    for (const auto& key : {quoted(""), quoted(std::string(257, 'x')), quoted(std::string(300, 'x')),
                            std::string{"7"}, std::string{"null"}, quoted(R"(\ud800)")})
        for (const auto* command : {"set", "unset"})
            BOOST_TEST(b.ask("ann", R"({"cmd":")" + std::string{command} +
                                        R"(","topic":"t","data":{"value":1,"key":)" + key + "}}") ==
                           "malformed",
                       command << key);
    BOOST_TEST(b.set("ann", R"({"value":1,"key":)" + quoted(longest) + "}") == "ok");
}

BOOST_AUTO_TEST_CASE(missing_or_mistyped_members_are_malformed_and_change_nothing) {
    world b;
    b.connect("ann");
    b.connect("bob");
    b.join("ann", "t", R"({"metadata":{"n":1}})");
    b.set("ann", R"({"key":"k","value":1})");
    const state_of before{b};
    const script data[] = {
        {"join",
         "7",
         "null",
         "[]",
         R"("x")",
         R"({"metadata":7})",
         R"({"metadata":"x"})",
         R"({"metadata":[]})",
         R"({"metadata":null})",
         R"({"limit":-1})",
         R"({"limit":"2"})",
         R"({"limit":1.5})",
         R"({"limit":null})",
         R"({"limit":18446744073709551616})",
         R"({"match":0})",
         R"({"match":1})",
         R"({"match":-2})",
         R"({"match":"2"})",
         R"({"match":2.0})",
         R"({"match":null})",
         R"({"match":[2]})"},
        {"lookup", "7", "null", "[]", R"({"limit":-1})", R"({"limit":"2"})", R"({"limit":null})"},
        {"set", "7", "null", "[]", "{}", R"({"key":"k"})", R"({"value":2})", R"({"key":["k"],"value":2})",
         R"({"key":"k","value":2,"ttl":0})", R"({"key":"k","value":2,"ttl":-1})",
         R"({"key":"k","value":2,"ttl":"9"})", R"({"key":"k","value":2,"ttl":1e3})",
         R"({"key":"k","value":2,"ttl":null})"},
        {"unset", "7", "null", "[]", "{}", R"({"key":7})", R"({"kex":"k"})"},
    };
    for (const auto& row : data)
        for (std::size_t i = 1; i < row.size(); ++i)
            for (const auto* who : {"ann", "bob"})
                BOOST_TEST(b.ask(who, R"({"cmd":")" + row[0] + R"(","topic":"t","data":)" + row[i] + "}") ==
                               "malformed",
                           row[0] << " " << row[i]);
    BOOST_TEST((state_of{b} == before));
    // The last of equal members counts, with any value before it.
    BOOST_TEST(b.set("ann", R"({"key":7,"key":"k","value":1,"value":2})") == "ok");
    BOOST_TEST(b.entries("t") == "k=2;");
    // A member that is not asked for is nobody's business.
    BOOST_TEST(b.join("bob", "t", R"({"colour":"red","Limit":0})") == R"(ok {"topic":"t","members":2})");
}

BOOST_AUTO_TEST_CASE(a_request_beyond_a_limit_is_refused_and_changes_nothing) {
    world b{{.limits = {.total_topics = 3,
                        .topics_per_peer = 2,
                        .members_per_topic = 2,
                        .metadata_bytes = 10,
                        .entries_per_topic = 3,
                        .entries_per_peer = 2,
                        .value_bytes = 4}}};
    for (const auto* name : {"ann", "bob", "eve"}) b.connect(name);
    BOOST_TEST(b.join("ann", "t", R"({"metadata":{"n":12345}})") == "too_large");
    BOOST_TEST(b.join("ann", "t", R"({"metadata":{"n":1234}})").starts_with("ok"));
    b.join("bob", "t");
    BOOST_TEST(b.set("ann", R"({"key":"1","value":12345})") == "too_large");
    BOOST_TEST(b.set("ann", R"({"key":"1","value":1234})") == "ok");
    BOOST_TEST(b.set("ann", R"({"key":"2","value":0})") == "ok");
    BOOST_TEST(b.set("bob", R"({"key":"4","value":0})") == "ok");
    const state_of before{b};
    BOOST_TEST(b.join("eve", "t") == "full");
    BOOST_TEST(b.join("ann", "t", R"({"metadata":{"n":12345}})") == "too_large");
    BOOST_TEST(b.set("ann", R"({"key":"3","value":0})") == "full");
    BOOST_TEST(b.set("bob", R"({"key":"5","value":0})") == "full");
    BOOST_TEST(b.set("ann", R"({"key":"1","value":12345})") == "too_large");
    BOOST_TEST((state_of{b} == before));
    BOOST_TEST(b.join("ann", "u").starts_with("ok"));
    BOOST_TEST(b.join("ann", "v") == "full");
    BOOST_TEST(b.join("ann", "v", R"({"match":2})") == "full");
    BOOST_TEST(b.join("eve", "v").starts_with("ok"));
    BOOST_TEST(b.join("eve", "w") == "full");
    BOOST_TEST(b.get<topics>().table().size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_request_without_an_id_is_not_heard) {
    world b;
    b.connect("ann");
    b.say("ann", R"({"cmd":"join","topic":"t"})");
    BOOST_TEST(b.ended("ann") == errc::missing_id);
    BOOST_TEST(b.get<topics>().table().size() == 0u);
    same(b.told(), {});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
