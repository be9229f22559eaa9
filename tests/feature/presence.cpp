// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/presence.hpp>

#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include "support/hub_bench.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace {

using namespace hub_world;
namespace js = boost::json;

struct world : hub_bench<features<topics, presence, resume>> {
    explicit world(presence_options o = {}, resume_options r = {}, topics_options t = {})
        : hub_bench(features{topics{t}, presence{o}, resume{r}}) {
        connect("eve");
    }

    void join(const std::string& who, const std::string& topic = "t", const std::string& metadata = "{}") {
        if (!is_open(who)) connect(who);
        BOOST_TEST(
            ask(who, R"({"cmd":"join","topic":")" + topic + R"(","data":{"metadata":)" + metadata + "}}")
                .starts_with("ok"));
    }
    std::string leave(const std::string& who, const std::string& topic = "t") {
        return ask(who, R"({"cmd":"leave","topic":")" + topic + R"("})");
    }
    std::string set(const std::string& who, const std::string& data) {
        return ask(who, R"({"cmd":"set","topic":"t","data":)" + data + "}");
    }
    std::string unset(const std::string& who, const std::string& key) {
        return ask(who, R"({"cmd":"unset","topic":"t","data":{"key":")" + key + R"("}})");
    }
    std::string watch(const std::string& topic = "t", const std::string& who = "eve") {
        return ask(who, R"({"cmd":"watch","topic":")" + topic + R"("})");
    }
    std::string watch_peer(const std::string& id, const std::string& who = "eve") {
        return ask(who, R"({"cmd":"watch","target":")" + id + R"("})");
    }
    // What eve is told within the next 50 ms: the data of each message, which is about that topic or peer.
    script told(const std::string& topic = "t", const std::string& who = "eve") {
        advance(50ms);
        script out;
        const auto begin =
            R"({"cmd":"presence",)" + (topic.empty() ? "" : R"("topic":")" + topic + R"(",)") + R"("data":)";
        for (const auto& text : heard(who)) {
            BOOST_TEST_REQUIRE(text.starts_with(begin), text);
            out.push_back(text.substr(begin.size(), text.size() - begin.size() - 1));
        }
        return out;
    }
};

BOOST_AUTO_TEST_SUITE(presence_)

BOOST_AUTO_TEST_CASE(a_watcher_hears_first_a_snapshot_then_changes) {
    world b;
    b.join("ann", "t", R"({"n":1})");
    b.join("bob");
    BOOST_TEST(b.set("ann", R"({"key":"k","value":[1]})") == "ok");
    BOOST_TEST(b.watch() == "ok");
    same(b.heard("eve"), {}); // not at once
    same(b.told(), {R"({"snapshot":true,"members":[{"id":"ann","status":"joined","metadata":{"n":1}},)"
                    R"({"id":"bob","status":"joined","metadata":{}}],)"
                    R"("state":[{"key":"k","value":[1],"owner":"ann"}]})"});
    same(b.told(), {});
    b.join("joe", "t", R"({"n":3})");
    b.join("bob", "t", R"({"n":2})");
    b.leave("ann");
    same(b.told(),
         {R"({"members":[{"id":"joe","status":"joined","metadata":{"n":3}},)"
          R"({"id":"bob","status":"updated","metadata":{"n":2}},)"
          R"({"id":"ann","status":"left","cause":"closed"}],"state":[{"key":"k","removed":true}]})"});
    b.lose("bob");
    same(b.told(), {R"({"members":[{"id":"bob","status":"left","cause":"lost"}]})"});
    BOOST_TEST(b.set("joe", R"({"key":"k","value":2})") == "ok");
    same(b.told(), {R"({"state":[{"key":"k","value":2,"owner":"joe"}]})"});
    b.unset("joe", "k");
    same(b.told(), {R"({"state":[{"key":"k","removed":true}]})"});
    b.join("joe", "u");
    same(b.told(), {});
}

BOOST_AUTO_TEST_CASE(changes_are_gathered_for_the_delay_and_no_longer) {
    world b{{.delay = 200ms}};
    b.watch();
    BOOST_TEST((b.pause() == 200ms));
    b.advance(200ms);
    BOOST_TEST(b.heard("eve").size() == 1u);
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.join("ann");
    b.advance(150ms);
    b.join("bob");
    BOOST_TEST((b.pause() == 50ms));
    b.advance(49ms);
    same(b.heard("eve"), {});
    b.advance(1ms);
    BOOST_TEST(b.heard("eve").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_peer_can_be_watched_before_it_comes) {
    world b;
    BOOST_TEST(b.watch_peer("ann") == "ok");
    same(b.told(""), {R"({"snapshot":true,"members":[{"id":"ann","status":"left"}]})"});
    b.connect("ann");
    same(b.told(""), {R"({"members":[{"id":"ann","status":"joined"}]})"});
    b.connect("joe");
    b.join("ann");
    same(b.told(""), {});
    b.h.close("ann", errc::denied);
    same(b.told(""), {R"({"members":[{"id":"ann","status":"left","cause":"denied"}]})"});
    BOOST_TEST(b.watch_peer("joe") == "ok");
    same(b.told(""), {R"({"snapshot":true,"members":[{"id":"joe","status":"joined"}]})"});
    BOOST_TEST(b.watch_peer("eve") == "ok"); // oneself, why not
    same(b.told(""), {R"({"snapshot":true,"members":[{"id":"eve","status":"joined"}]})"});
}

BOOST_AUTO_TEST_CASE(a_topic_and_a_peer_of_one_name_are_two) {
    world b;
    b.connect("t");
    BOOST_TEST(b.watch("t") == "ok");
    same(b.told("t"), {R"({"snapshot":true})"});
    BOOST_TEST(b.watch_peer("t") == "ok");
    same(b.told(""), {R"({"snapshot":true,"members":[{"id":"t","status":"joined"}]})"});
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"t"})") == "ok");
    b.join("t", "t");
    b.close("t");
    same(b.told(""), {R"({"members":[{"id":"t","status":"left","cause":"closed"}]})"});
}

BOOST_AUTO_TEST_CASE(only_the_outcome_of_changes_is_told) {
    world b;
    b.join("ann");
    b.join("bob");
    b.watch();
    b.told();
    for (int i = 0; i < 1000; ++i) {
        const auto n = std::to_string(i);
        b.join("new", "t", "{\"n\":" + n + "}");
        b.leave("new");
        b.join("ann", "t", "{\"n\":" + n + "}");
        b.set("ann", R"({"key":"k","value":)" + n + "}");
    }
    b.leave("bob");
    b.join("bob");
    b.join("bob", "t", R"({"n":1})");
    b.leave("bob");
    same(b.told(), {R"({"members":[{"id":"ann","status":"updated","metadata":{"n":999}},)"
                    R"({"id":"bob","status":"left","cause":"closed"}],)"
                    R"("state":[{"key":"k","value":999,"owner":"ann"}]})"});
    b.join("new");
    b.leave("new");
    same(b.told(), {});
}

BOOST_AUTO_TEST_CASE(a_member_that_went_and_is_back_has_left_and_joined) {
    world b;
    b.join("ann", "t", R"({"n":1})");
    b.watch();
    b.told();
    for (int i = 0; i < 10; ++i) {
        b.leave("ann");
        b.join("ann", "t", R"({"n":2})");
    }
    same(b.told(), {R"({"members":[{"id":"ann","status":"left","cause":"closed"},)"
                    R"({"id":"ann","status":"joined","metadata":{"n":2}}]})"});
}

BOOST_AUTO_TEST_CASE(an_entry_that_went_with_its_time_is_told) {
    world b;
    b.join("ann");
    b.watch();
    b.told();
    b.set("ann", R"({"key":"k","value":1,"ttl":1000})");
    same(b.told(), {R"({"state":[{"key":"k","value":1,"owner":"ann"}]})"});
    b.advance(949ms);
    same(b.heard("eve"), {});
    b.advance(1ms);
    same(b.told(), {R"({"state":[{"key":"k","removed":true}]})"});
    b.set("ann", R"({"key":"k","value":1})");
    b.told();
    b.close("ann");
    same(b.told(), {R"({"members":[{"id":"ann","status":"left","cause":"closed"}],)"
                    R"("state":[{"key":"k","removed":true}]})"});
}

BOOST_AUTO_TEST_CASE(away_and_back_are_told_of_topics_and_peers) {
    world b;
    b.connect("ann", {.id = "ann", .target = "/?resume"});
    const auto token = [&] { // a new one, good for the next return
        b.say("ann", R"({"cmd":"resume","id":"r"})");
        const auto said = js::parse(b.heard("ann").back()).at("data").at("token");
        return std::string{said.as_string()};
    };
    b.join("ann");
    b.watch();
    b.told();
    b.watch_peer("ann");
    b.told("");
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","target":"ann"})") == "ok");
    auto t = token();
    const auto back = [&] {
        BOOST_TEST(b.connect("ann", {.target = "/?resume=" + t + "&received=0"}).find("recovered") !=
                   std::string::npos);
        t = token();
    };
    b.lose("ann");
    same(b.told(), {R"({"members":[{"id":"ann","status":"away"}]})"});
    back();
    same(b.told(), {R"({"members":[{"id":"ann","status":"back"}]})"});
    b.lose("ann");
    back();
    same(b.told(), {}); // there and back is nothing
    b.lose("ann");
    b.told();
    b.ask("eve", R"({"cmd":"unwatch","topic":"t"})");
    b.watch();
    same(b.told(), {R"({"snapshot":true,"members":[{"id":"ann","status":"away","metadata":{}}]})"});
    b.ask("eve", R"({"cmd":"unwatch","topic":"t"})");
    b.watch_peer("ann");
    same(b.told(""), {R"({"snapshot":true,"members":[{"id":"ann","status":"away"}]})"});
    back();
    same(b.told(""), {R"({"members":[{"id":"ann","status":"back"}]})"});
    b.lose("ann");
    same(b.told(""), {R"({"members":[{"id":"ann","status":"away"}]})"});
    b.advance(29'950ms);
    same(b.told(""), {R"({"members":[{"id":"ann","status":"left","cause":"lost"}]})"});
}

BOOST_AUTO_TEST_CASE(a_member_that_is_back_and_left_and_joined_is_not_away) {
    world b;
    b.connect("ann", {.id = "ann", .target = "/?resume"});
    b.say("ann", R"({"cmd":"resume","id":"r"})");
    const std::string token{js::parse(b.heard("ann").back()).at("data").at("token").as_string()};
    b.join("ann");
    b.watch();
    b.told();
    b.lose("ann");
    b.told();
    b.connect("ann", {.target = "/?resume=" + token + "&received=0"});
    b.leave("ann");
    b.join("ann");
    same(b.told(), {R"({"members":[{"id":"ann","status":"left","cause":"closed"},)"
                    R"({"id":"ann","status":"joined","metadata":{}}]})"});
}

BOOST_AUTO_TEST_CASE(a_watcher_that_was_away_is_told_anew_how_things_are) {
    world b;
    b.connect("wes", {.id = "wes", .target = "/?resume"});
    b.say("wes", R"({"cmd":"resume","id":"r"})");
    const std::string token{js::parse(b.heard("wes").back()).at("data").at("token").as_string()};
    b.watch("t", "wes");
    b.watch_peer("ann", "wes");
    b.advance(50ms);
    BOOST_TEST(b.heard("wes").size() == 2u);
    b.lose("wes");
    b.join("ann");
    b.advance(1s);
    b.leave("ann");
    b.join("bob");
    // Nothing is kept for it meanwhile: four messages it has had, with the replies.
    BOOST_TEST(
        b.connect("wes", {.target = "/?resume=" + token + "&received=4"}).find(R"("recovered":true)") !=
        std::string::npos);
    same(b.heard("wes"), {});
    b.advance(50ms);
    same(
        b.heard("wes"),
        {R"({"cmd":"presence","topic":"t","data":{"snapshot":true,"members":[{"id":"bob","status":"joined","metadata":{}}]}})",
         R"({"cmd":"presence","data":{"snapshot":true,"members":[{"id":"ann","status":"joined"}]}})"});
    b.leave("bob");
    b.close("ann");
    b.advance(50ms);
    BOOST_TEST(b.heard("wes").size() == 2u);
    BOOST_TEST(b.ask("wes", R"({"cmd":"unwatch","topic":"t"})") == "ok");
    BOOST_TEST(b.ask("wes", R"({"cmd":"unwatch","target":"ann"})") == "ok");
    b.join("bob");
    BOOST_TEST((b.pause() == clock::duration::max())); // nobody wants to know
    same(b.told("t", "wes"), {});
}

BOOST_AUTO_TEST_CASE(watching_twice_is_watching_once_and_watching_again_begins_anew) {
    world b;
    b.join("ann");
    BOOST_TEST(b.watch() == "ok");
    BOOST_TEST(b.watch() == "ok");
    BOOST_TEST(b.told().size() == 1u);
    BOOST_TEST(b.watch() == "ok");
    same(b.told(), {});
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"t"})") == "ok");
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"t"})") == "unknown");
    b.join("bob");
    same(b.told(), {});
    // Changes before the first telling are part of it; a watcher that stopped before it hears nothing.
    b.watch();
    b.leave("bob");
    b.join("bob");
    BOOST_TEST(b.told().size() == 1u);
    b.join("joe");
    b.ask("eve", R"({"cmd":"unwatch","topic":"t"})");
    b.watch();
    same(b.told(), {R"({"snapshot":true,"members":[{"id":"ann","status":"joined","metadata":{}},)"
                    R"({"id":"bob","status":"joined","metadata":{}},)"
                    R"({"id":"joe","status":"joined","metadata":{}}]})"});
    same(b.told(), {});
    b.join("kim");
    b.ask("eve", R"({"cmd":"unwatch","topic":"t"})");
    same(b.told(), {});
}

BOOST_AUTO_TEST_CASE(a_watcher_that_goes_is_forgotten) {
    world b;
    b.connect("wes");
    b.watch("t", "wes");
    b.advance(50ms);
    const auto slot = b.peer("wes").slot;
    b.close("wes");
    b.connect("zoe");
    BOOST_TEST(b.peer("zoe").slot == slot);
    b.join("ann");
    b.advance(50ms);
    same(b.heard("zoe"), {});
    BOOST_TEST(b.ask("zoe", R"({"cmd":"unwatch","topic":"t"})") == "unknown");
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(long_tales_come_in_several_messages) {
    world b{{.changes_per_message = 3}};
    const auto told_sizes = [&](bool snapshot) {
        std::string sizes;
        std::size_t n = 0;
        const auto texts = b.told();
        for (const auto& text : texts) {
            const auto data = js::parse(text).as_object();
            BOOST_TEST(data.contains("snapshot") == snapshot);
            BOOST_TEST(data.contains("more") == (snapshot && ++n < texts.size()), text);
            const auto count = [&](const char* name) {
                return data.contains(name) ? data.at(name).as_array().size() : 0;
            };
            sizes += std::to_string(count("members")) + "+" + std::to_string(count("state")) + " ";
        }
        return sizes;
    };
    for (int i = 0; i < 5; ++i) b.join("p" + std::to_string(i));
    b.set("p0", R"({"key":"a","value":1})");
    b.set("p0", R"({"key":"b","value":1})");
    b.watch();
    BOOST_TEST(told_sizes(true) == "3+0 2+1 0+1 ");
    for (int i = 0; i < 4; ++i) b.close("p" + std::to_string(i + 1));
    b.set("p0", R"({"key":"a","value":2})");
    b.set("p0", R"({"key":"b","value":2})");
    BOOST_TEST(told_sizes(false) == "3+0 1+2 ");
    for (int i = 0; i < 3; ++i) b.join("p" + std::to_string(i + 1));
    BOOST_TEST(told_sizes(false) == "3+0 ");
    b.unset("p0", "a");
    b.unset("p0", "b");
    b.leave("p3");
    b.ask("eve", R"({"cmd":"unwatch","topic":"t"})");
    b.watch();
    BOOST_TEST(told_sizes(true) == "3+0 ");
}

BOOST_AUTO_TEST_CASE(all_watchers_are_sent_one_text) {
    world b;
    b.connect("wes");
    b.watch();
    b.watch("t", "wes");
    b.codec.encoded = 0;
    b.advance(50ms);
    BOOST_TEST(b.codec.encoded == 1u);
    BOOST_TEST(b.at("wes").buffer == b.at("eve").buffer);
    const auto before = b.at("wes").buffer;
    b.join("ann");
    b.codec.encoded = 0;
    b.advance(50ms);
    BOOST_TEST(b.codec.encoded == 1u);
    BOOST_TEST(b.at("wes").buffer == b.at("eve").buffer);
    BOOST_TEST(b.at("wes").buffer != before);
}

BOOST_AUTO_TEST_CASE(a_watcher_that_stops_between_two_slices_hears_no_more) {
    world b{{.messages_per_tick = 1}};
    for (const auto* name :
         {"w1", "x1", "w2", "x2", "w3"}) { // each thing said is a tick, in which an x hears
        b.connect(name);
        b.watch("t", name);
    }
    b.advance(50ms);
    b.heard_by_all();
    b.join("ann");
    b.now += 50ms;
    while (b.heard("w1").empty()) BOOST_TEST_REQUIRE((b.pause() == 0s));
    b.say("w2", R"({"cmd":"unwatch","topic":"t","id":1})");
    b.say("w3", R"({"cmd":"unwatch","topic":"t","id":1})");
    b.say("w3", R"({"cmd":"watch","topic":"t","id":2})");
    b.advance(49ms);
    same(b.heard("w2"), {R"({"id":1,"ok":true})"});
    same(b.heard("w3"), {R"({"id":1,"ok":true})", R"({"id":2,"ok":true})"});
    b.advance(1ms);
    BOOST_TEST(b.heard("w3").size() == 1u);
    same(b.heard("w2"), {});
}

BOOST_AUTO_TEST_CASE(a_watcher_that_does_not_read_is_cut_off) {
    world b;
    b.connect("wes");
    b.watch();
    b.watch("t", "wes");
    b.told();
    b.at("wes").full = true;
    b.join("ann");
    BOOST_TEST(b.told().size() == 1u);
    BOOST_TEST(b.ended("wes") == errc::slow_consumer);
}

BOOST_AUTO_TEST_CASE(watchers_that_come_and_go_leave_nothing_behind) {
    world b;
    b.connect("wes");
    b.watch();
    const auto round = [&](int n) {
        for (int i = 0; i < n; ++i) {
            b.watch("t", "wes");
            b.watch("u" + std::to_string(i), "wes");
            b.watch_peer("p" + std::to_string(i), "wes");
            b.join("ann", "t", "{\"n\":" + std::to_string(i) + "}");
            b.advance(50ms);
            b.ask("wes", R"({"cmd":"unwatch","topic":"t"})");
            b.ask("wes", R"({"cmd":"unwatch","topic":"u)" + std::to_string(i) + R"("})");
            b.ask("wes", R"({"cmd":"unwatch","target":"p)" + std::to_string(i) + R"("})");
            b.heard_by_all();
        }
    };
    round(100);
#if defined(__GLIBC__)
    const auto before = mallinfo2().uordblks;
#endif
    round(2000);
#if defined(__GLIBC__)
    BOOST_TEST(mallinfo2().uordblks <= before + 8192);
#endif
}

// 10,000 joins while 60 watch: the news goes out in slices, and others are answered in between.
BOOST_AUTO_TEST_CASE(a_crowd_is_told_in_slices) {
    world b{{.messages_per_tick = 500}};
    constexpr int crowd = 10'000, watchers = 60;
    for (int i = 0; i < watchers; ++i) {
        const auto name = "w" + std::to_string(i);
        b.connect(name);
        BOOST_TEST(b.watch("t", name) == "ok");
    }
    b.advance(50ms);
    b.heard_by_all();
    std::map<std::string, std::set<std::string>> seen;
    const auto listen = [&] {
        std::size_t n = 0;
        for (const auto& line : b.heard_by_all()) {
            const auto space = line.find(' ');
            const auto who = line.substr(0, space);
            if (line.compare(space + 1, 18, R"({"cmd":"presence",)") != 0) continue;
            ++n;
            for (auto at = line.find(R"({"id":")"); at != line.npos; at = line.find(R"({"id":")", at + 1)) {
                const auto id = line.substr(at + 7, line.find('"', at + 7) - at - 7);
                BOOST_REQUIRE_MESSAGE(seen[who].insert(id).second, who << " was told twice of " << id);
            }
        }
        return n;
    };
    for (int i = 0; i < crowd; ++i) {
        const auto name = "p" + std::to_string(i);
        b.connect(name);
        b.say(name, R"({"cmd":"join","topic":"t","id":1})");
        b.heard_by_all();
    }
    b.now += 50ms;
    std::size_t turns = 0, messages = 0;
    for (bool busy = true; busy; ++turns) {
        BOOST_TEST_REQUIRE(turns < 100u);
        busy = b.pause() == clock::duration::zero();
        const auto n = listen();
        messages += n;
        BOOST_TEST(n <= 500u);
        // The rest of the hub goes on; changes from meanwhile are told later.
        const auto late = "late" + std::to_string(turns);
        if (!busy) break;
        BOOST_TEST(n + 1 >= 500u); // to gather up is work, too
        b.join(late);
        const auto asked = b.ask("p1", R"({"cmd":"lookup","topic":"t","data":{"limit":0}})");
        BOOST_TEST(asked.starts_with("ok"), asked);
        messages += listen();
    }
    b.advance(50ms);
    messages += listen();
    BOOST_TEST(turns >= 3u);
    BOOST_TEST(messages <= 101u * watchers);
    BOOST_TEST(seen.size() == std::size_t{watchers});
    for (const auto& [who, ids] : seen) BOOST_TEST(ids.size() == crowd + turns, who);
}

// --- snapshots for watchers that take their time

// Members p0 to p5 of t, a snapshot of three messages, and eve, which takes nothing.
void make_slow(world& b) {
    for (int i = 0; i < 6; ++i) b.join("p" + std::to_string(i));
    b.advance(50ms);
    BOOST_TEST(b.watch() == "ok");
    b.at("eve").full = true;
    b.advance(50ms);
    BOOST_TEST(b.get<presence>().slow() == 1u);
    BOOST_TEST(b.is_open("eve"));
}

std::string joined(const std::string& a, const std::string& b) {
    return R"("members":[{"id":")" + a + R"(","status":"joined","metadata":{}},{"id":")" + b +
           R"(","status":"joined","metadata":{}}])";
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_told_as_fast_as_it_is_taken_and_changes_wait_behind_it) {
    world b{{.changes_per_message = 2}};
    make_slow(b);
    b.advance(1s);
    same(b.heard("eve"), {});
    BOOST_TEST(b.is_open("eve"));
    // Others are told at once.
    b.connect("wes");
    BOOST_TEST(b.watch("t", "wes") == "ok");
    b.advance(50ms);
    BOOST_TEST(b.heard("wes").size() == 3u);
    b.leave("p0");
    b.advance(50ms);
    b.join("p6");
    b.advance(50ms);
    BOOST_TEST(b.heard("wes").size() == 2u);
    BOOST_TEST(b.get<presence>().slow() == 1u);
    b.at("eve").full = false;
    same(b.told(), {R"({"more":true,"snapshot":true,)" + joined("p0", "p1") + "}",
                    R"({"more":true,"snapshot":true,)" + joined("p2", "p3") + "}",
                    R"({"snapshot":true,)" + joined("p4", "p5") + "}",
                    R"({"members":[{"id":"p0","status":"left","cause":"closed"}]})",
                    R"({"members":[{"id":"p6","status":"joined","metadata":{}}]})"});
    BOOST_TEST(b.get<presence>().slow() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.leave("p6");
    BOOST_TEST(b.told().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_watcher_that_takes_nothing_of_a_snapshot_is_given_up_after_a_while) {
    world b{{.changes_per_message = 2, .slow_watcher_timeout = 3s}};
    make_slow(b);
    b.advance(2s);
    BOOST_TEST(b.is_open("eve"));
    b.advance(1100ms);
    BOOST_TEST(b.ended("eve") == errc::slow_consumer);
    BOOST_TEST(b.get<presence>().slow() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(too_many_changes_behind_a_snapshot_are_told_as_another_one) {
    world b{{.changes_per_message = 2, .pending_changes = 2}};
    make_slow(b);
    for (const auto* name : {"p0", "p1", "p2", "p3"}) {
        b.leave(name);
        b.advance(50ms);
    }
    b.at("eve").full = false;
    b.advance(150ms);
    const auto told = b.told();
    BOOST_TEST_REQUIRE(told.size() == 4u); // the first one whole, if no longer true
    BOOST_TEST(told[0] == R"({"more":true,"snapshot":true,)" + joined("p0", "p1") + "}");
    for (const auto i : {2u, 3u}) BOOST_TEST(told[i] == R"({"snapshot":true,)" + joined("p4", "p5") + "}");
    b.leave("p4");
    BOOST_TEST(b.told().size() == 1u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(a_slow_watcher_that_stops_is_told_no_more) {
    world b{{.changes_per_message = 2, .messages_per_tick = 2}};
    make_slow(b);
    b.at("eve").full = false; // for the reply; half of a tick's messages are for slow watchers
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"t"})") == "ok");
    BOOST_TEST(b.told().size() == 1u);
    BOOST_TEST(b.get<presence>().slow() == 0u);
    BOOST_TEST(b.watch() == "ok");
    BOOST_TEST(b.told().size() == 3u);
    b.close("eve");
    b.connect("eve");
    b.advance(1s);
    same(b.heard("eve"), {});
}

BOOST_AUTO_TEST_CASE(further_snapshots_wait_while_slow_watchers_are_owed_too_much) {
    world b{{.changes_per_message = 2, .pending_bytes = 1}};
    make_slow(b);
    b.connect("wes");
    BOOST_TEST(b.watch("t", "wes") == "ok");
    b.advance(1s);
    same(b.heard("wes"), {});
    b.leave("p0");
    b.advance(1s);
    b.at("eve").full = false;
    b.advance(200ms);
    BOOST_TEST(b.heard("eve").size() == 4u);
    same(b.told("t", "wes"),
         {R"({"more":true,"snapshot":true,)" + joined("p1", "p2") + "}",
          R"({"more":true,"snapshot":true,)" + joined("p3", "p4") + "}",
          R"({"snapshot":true,"members":[{"id":"p5","status":"joined","metadata":{}}]})"});
    b.join("p0");
    BOOST_TEST(b.told("t", "wes").size() == 1u);
    BOOST_TEST(b.heard("eve").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_slow_watcher_that_was_away_is_told_anew) {
    world b{{.changes_per_message = 2}};
    for (int i = 0; i < 6; ++i) b.join("p" + std::to_string(i));
    const auto token = token_in(b.connect("wes", {.id = "wes", .target = "/?resume"}));
    b.watch("t", "wes");
    b.at("wes").full = true;
    b.advance(100ms);
    BOOST_TEST(b.get<presence>().slow() == 1u);
    b.lose("wes");
    b.leave("p0");
    b.advance(1s);
    BOOST_TEST(b.get<presence>().slow() == 0u);
    b.heard("wes");
    BOOST_TEST(
        b.connect("wes", {.target = "/?resume=" + token + "&received=1"}).find(R"("recovered":true)") !=
        std::string::npos);
    b.heard("wes");
    BOOST_TEST(b.told("t", "wes").size() == 3u);
}

// --- a wrong request changes nothing

BOOST_AUTO_TEST_CASE(a_watch_has_to_name_a_topic_or_a_peer) {
    world b;
    const auto quoted = [](const std::string& s) { return '"' + s + '"'; };
    const std::string wrong[] = {"null",
                                 "7",
                                 "{}",
                                 quoted(""),
                                 quoted(std::string(257, 'x')),
                                 quoted(std::string(261, 'x')),
                                 quoted(R"(\ud800)")};
    for (const std::string command : {"watch", "unwatch"}) {
        BOOST_TEST(b.ask("eve", R"({"cmd":")" + command + R"("})") == "malformed");
        for (const auto& name : wrong)
            for (const auto* member : {"topic", "target"})
                BOOST_TEST(b.ask("eve", R"({"cmd":")" + command + R"(",")" + member + "\":" + name + "}") ==
                               "malformed",
                           command << member << name.substr(0, 10));
    }
    b.advance(50ms);
    same(b.heard("eve"), {});
    const std::string longest(256, 'x');
    BOOST_TEST(b.watch(longest) == "ok");
    BOOST_TEST(b.watch_peer(longest) == "ok");
    b.advance(50ms);
    BOOST_TEST(b.heard("eve").size() == 2u);
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"nothing of the kind"})") == "unknown");
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","target":"t"})") == "unknown");
}

BOOST_AUTO_TEST_CASE(a_peer_watches_so_much_and_no_more) {
    world b{{.watches_per_peer = 3}};
    b.connect("wes");
    for (const auto* topic : {"1", "2"}) BOOST_TEST(b.watch(topic) == "ok");
    BOOST_TEST(b.watch_peer("1") == "ok");
    BOOST_TEST(b.watch("3") == "full");
    BOOST_TEST(b.watch_peer("3") == "full");
    BOOST_TEST(b.watch("1") == "ok"); // that one is there
    BOOST_TEST(b.watch("3", "wes") == "ok");
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"3"})") == "unknown");
    BOOST_TEST(b.ask("eve", R"({"cmd":"unwatch","topic":"2"})") == "ok");
    BOOST_TEST(b.watch("3") == "ok");
    b.advance(50ms);
    BOOST_TEST(b.heard("eve").size() == 3u);
    world none{{.watches_per_peer = 0}};
    BOOST_TEST(none.watch() == "full");
    BOOST_TEST(none.ask("eve", R"({"cmd":"unwatch","topic":"t"})") == "unknown");
}

BOOST_AUTO_TEST_CASE(without_topics_only_peers_are_told_of) {
    hub_bench b{features{presence{}}};
    b.connect("eve");
    BOOST_TEST(b.ask("eve", R"({"cmd":"watch","topic":"t"})") == "ok");
    BOOST_TEST(b.ask("eve", R"({"cmd":"watch","target":"ann"})") == "ok");
    BOOST_TEST(b.ask("eve", R"({"cmd":"join","topic":"t"})") == "unknown_command");
    b.advance(50ms);
    b.connect("ann");
    b.advance(50ms);
    same(b.heard("eve"),
         {R"({"cmd":"presence","topic":"t","data":{"snapshot":true}})",
          R"({"cmd":"presence","data":{"snapshot":true,"members":[{"id":"ann","status":"left"}]}})",
          R"({"cmd":"presence","data":{"members":[{"id":"ann","status":"joined"}]}})"});
}

// --- against a naive client

// The belief of a watcher on a topic or peer.
struct belief {
    struct member {
        std::string metadata;
        bool away = false;
        bool operator==(const member&) const = default;
    };
    bool told = false, telling = false; // how things are
    std::map<std::string, member> members;
    std::map<std::string, std::pair<std::string, std::string>> entries;

    void hear(const js::object& data) {
        const bool snapshot = data.contains("snapshot");
        if (snapshot && !telling) {
            members.clear();
            entries.clear();
        }
        BOOST_TEST((snapshot || (told && !telling)), "changes of what was not told: " << js::value(data));
        telling = snapshot && data.contains("more");
        told = told || snapshot;
        if (const auto* list = data.if_contains("members"))
            for (const auto& m : list->as_array()) change(m.as_object(), snapshot);
        if (const auto* list = data.if_contains("state"))
            for (const auto& e : list->as_array()) {
                const std::string key{e.at("key").as_string()};
                if (e.as_object().contains("removed"))
                    entries.erase(key);
                else
                    entries[key] = {js::serialize(e.at("value")), std::string{e.at("owner").as_string()}};
            }
    }

    void change(const js::object& m, bool snapshot) {
        const std::string id{m.at("id").as_string()}, status{m.at("status").as_string()};
        const auto metadata = m.contains("metadata") ? js::serialize(m.at("metadata")) : "";
        BOOST_TEST(members.contains(id) == (!snapshot && status != "joined"), status << " " << id);
        BOOST_TEST(m.contains("cause") == (!snapshot && status == "left"));
        if (status == "left")
            members.erase(id);
        else if (status == "joined" || snapshot)
            members[id] = {metadata, status == "away"};
        else if (status == "updated")
            members[id].metadata = metadata;
        else {
            BOOST_TEST((status == "away" || status == "back"));
            BOOST_TEST(members[id].away == (status == "back"), status << " " << id);
            members[id].away = status == "away";
        }
    }
};

// A peer that may lose its connection and messages under way, and come back.
struct client {
    std::string name, token;
    std::size_t received = 0;
    bool resumable = false;
    std::map<std::pair<bool, std::string>, belief> beliefs;
};

BOOST_AUTO_TEST_CASE(watchers_always_know_how_things_are) {
    const auto seeds = 40u;
    for (unsigned seed = 0; seed < seeds; ++seed) {
        std::mt19937 random{seed};
        const auto dice = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
        world b{{.changes_per_message = 1 + dice(4), .messages_per_tick = 1 + dice(20)},
                {.window = 300ms, .messages = seed % 4 == 0 ? 5u : 1000u}};
        std::vector<client> clients(6);
        const char* const topics_[] = {"t", "u"};

        const auto hear = [&](client& c, const std::string& text) {
            const auto m = js::parse(text).as_object();
            if (!m.contains("cmd") && m.at("id") == "r") { // not counted
                c.token = m.at("data").at("token").as_string();
                c.received = 0;
                return;
            }
            ++c.received;
            if (!m.contains("cmd")) return;
            const auto& data = m.at("data").as_object();
            const bool by_topic = m.contains("topic");
            const auto& name = by_topic ? m.at("topic") : data.at("members").at(0).at("id");
            const auto at = c.beliefs.find({by_topic, std::string{name.as_string()}});
            BOOST_TEST_REQUIRE((at != c.beliefs.end()), "not asked for: " << text);
            at->second.hear(data);
        };
        const auto listen = [&](client& c) {
            for (const auto& text : b.heard(c.name)) hear(c, text);
        };
        const auto greet = [&](client& c, const std::string& welcome) {
            const auto data = js::parse(welcome).at("data").as_object();
            if (const auto* r = data.if_contains("resume")) {
                c.token = r->at("token").as_string();
                if (!r->as_object().contains("recovered") || !r->at("recovered").as_bool()) c.received = 0;
            }
        };
        for (unsigned i = 0; i < clients.size(); ++i) clients[i].name = "p" + std::to_string(i);

        for (unsigned n = 0; n < 400; ++n) {
            auto& c = clients[dice(static_cast<unsigned>(clients.size()))];
            const std::string topic = topics_[dice(2)];
            if (!b.is_open(c.name)) {
                if (dice(4) != 0 && !c.token.empty()) {
                    const auto welcome = b.connect(c.name, {.target = "/?resume=" + c.token + "&received=" +
                                                                      std::to_string(c.received)});
                    const auto data = js::parse(welcome).at("data").as_object();
                    if (data.at("id").as_string() == c.name) {
                        greet(c, welcome);
                        listen(c);
                        continue;
                    }
                    b.close(c.name); // too late
                } else if (b.h.find(c.name)) {
                    b.h.close(c.name, errc::closed); // given up
                }
                c.token.clear();
                c.beliefs.clear();
                c.resumable = dice(2) != 0;
                b.heard(c.name);
                greet(c, b.connect(c.name, {.id = c.name, .target = c.resumable ? "/?resume" : ""}));
                c.received = 0;
                continue;
            }
            const auto say = [&](const std::string& text) { b.say(c.name, R"({"id":1,)" + text); };
            const auto about = R"(,"topic":")" + topic + '"';
            const auto key = std::string(1, static_cast<char>('j' + dice(3)));
            switch (dice(12)) {
            case 0:
            case 1:
            case 2:
                say(R"("cmd":"join","data":{"metadata":{"n":)" + std::to_string(dice(3)) + "}}" + about +
                    "}");
                break;
            case 3: say(R"("cmd":"leave")" + about + "}"); break;
            case 4:
            case 5:
                say(R"("cmd":"set","data":{"key":")" + key + R"(","value":)" + std::to_string(dice(3)) +
                    (dice(2) ? "" : R"(,"ttl":)" + std::to_string(1 + dice(200))) + "}" + about + "}");
                break;
            case 6: say(R"("cmd":"unset","data":{"key":")" + key + R"("})" + about + "}"); break;
            case 7:
            case 8: {
                const bool by_topic = dice(2) == 0;
                const auto name = by_topic ? topic : clients[dice(6)].name;
                const auto where = by_topic ? about : R"(,"target":")" + name + '"';
                if (dice(3) == 0) {
                    say(R"("cmd":"unwatch")" + where + "}");
                    listen(c);
                    c.beliefs.erase({by_topic, name});
                } else {
                    listen(c);
                    c.beliefs.try_emplace({by_topic, name});
                    say(R"("cmd":"watch")" + where + "}");
                }
                break;
            }
            case 9:
                if (c.resumable && dice(2) == 0) { // with the messages on their way to it
                    auto texts = b.heard(c.name);
                    texts.resize(dice(static_cast<unsigned>(texts.size()) + 1));
                    for (const auto& text : texts) hear(c, text);
                    b.lose(c.name);
                } else {
                    b.close(c.name);
                    b.heard(c.name);
                    c.token.clear();
                }
                break;
            default: b.advance(std::chrono::milliseconds{dice(60)}); break;
            }
            if (dice(3) == 0 && b.is_open(c.name)) listen(c);
        }

        // In the end each one knows all.
        b.advance(500ms);
        for (auto& c : clients) {
            if (!b.is_open(c.name)) continue;
            listen(c);
            for (const auto& [where, what] : c.beliefs)
                BOOST_TEST_CONTEXT("seed " << seed << ": " << c.name << " of "
                                           << (where.first ? "topic " : "peer ") << where.second) {
                    const auto& [by_topic, name] = where;
                    std::map<std::string, belief::member> members;
                    std::map<std::string, std::pair<std::string, std::string>> entries;
                    auto& hub = b.context();
                    if (!by_topic) {
                        if (const auto p = b.h.find(name)) members[name] = {"", hub.is_away(p)};
                    } else {
                        b.get<topics>().for_each_member(name, [&](peer_handle p, payload metadata) {
                            members[std::string{hub.id(p)}] = {std::string{metadata.bytes}, hub.is_away(p)};
                        });
                        b.get<topics>().for_each_entry(name, [&](std::string_view k, payload value,
                                                                 peer_handle owner) {
                            entries[std::string{k}] = {std::string{value.bytes}, std::string{hub.id(owner)}};
                        });
                    }
                    BOOST_TEST((what.told && !what.telling));
                    BOOST_TEST((what.members == members));
                    BOOST_TEST((what.entries == entries));
                }
        }
    }
}

// Eve watches, and now and then does not take her first messages; others come and go.
BOOST_AUTO_TEST_CASE(slow_watchers_always_know_how_things_are_in_the_end) {
    std::size_t slow_ones = 0, unread = 0;
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::mt19937 random{seed};
        const auto dice = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
        world b{{.changes_per_message = 1 + dice(3),
                 .messages_per_tick = 2 + dice(4),
                 .slow_watcher_timeout = 1h,
                 .pending_changes = dice(4),
                 .pending_bytes = dice(2) ? 1u : 16u << 20}};
        std::map<std::string, belief> beliefs;
        const auto listen = [&] {
            for (const auto& text : b.heard("eve")) {
                const auto m = js::parse(text).as_object();
                const auto at = beliefs.find(std::string{m.at("topic").as_string()});
                BOOST_TEST_REQUIRE((at != beliefs.end()), "not asked for: " << text);
                at->second.hear(m.at("data").as_object());
            }
        };
        const auto is_slow = [&] { return b.get<presence>().slow() != 0; };
        for (int i = 0; i < 6; ++i) b.connect("p" + std::to_string(i));
        for (unsigned n = 0; n < 300; ++n) {
            const auto who = "p" + std::to_string(dice(6));
            const std::string topic = dice(2) ? "t" : "u";
            const auto about = R"(,"topic":")" + topic + '"';
            const auto say = [&](const std::string& text) { b.say(who, R"({"id":1,)" + text); };
            switch (dice(8)) {
            case 0:
            case 1:
            case 2:
                say(R"("cmd":"join","data":{"metadata":{"n":)" + std::to_string(dice(3)) + "}}" + about +
                    "}");
                break;
            case 3: say(R"("cmd":"leave")" + about + "}"); break;
            case 4:
                say(R"("cmd":"set","data":{"key":"k)" + std::to_string(dice(2)) + R"(","value":)" +
                    std::to_string(dice(9)) + "}" + about + "}");
                break;
            case 5:
                if (is_slow()) { // takes something, or no more
                    b.at("eve").full = dice(2) != 0;
                    break;
                }
                listen();
                b.at("eve").full = false;
                if (beliefs.erase(topic) != 0) {
                    b.advance(100ms); // messages that were under way
                    b.heard("eve");
                    for (auto& [t, what] : beliefs) b.ask("eve", R"({"cmd":"unwatch","topic":")" + t + "\"}");
                    b.ask("eve", R"({"cmd":"unwatch","topic":")" + topic + "\"}");
                    beliefs.clear();
                    b.heard("eve");
                } else {
                    b.advance(100ms);
                    listen();
                    beliefs.try_emplace(topic);
                    BOOST_TEST(b.watch(topic) == "ok");
                    b.at("eve").full = true;
                    b.advance(50ms);
                    slow_ones += is_slow();
                    if (!is_slow()) b.at("eve").full = false;
                }
                break;
            default: b.advance(std::chrono::milliseconds{dice(60)}); break;
            }
            BOOST_TEST_REQUIRE(b.is_open("eve"));
            if (!is_slow()) b.at("eve").full = false;
            unread += b.at("eve").full;
            listen();
        }
        b.at("eve").full = false;
        b.advance(2s);
        listen();
        BOOST_TEST(!is_slow());
        for (const auto& [topic, what] : beliefs) BOOST_TEST_CONTEXT("seed " << seed << ": " << topic) {
                std::map<std::string, belief::member> members;
                std::map<std::string, std::pair<std::string, std::string>> entries;
                auto& hub = b.context();
                b.get<topics>().for_each_member(topic, [&](peer_handle p, payload metadata) {
                    members[std::string{hub.id(p)}] = {std::string{metadata.bytes}, false};
                });
                b.get<topics>().for_each_entry(topic, [&](std::string_view k, payload v, peer_handle owner) {
                    entries[std::string{k}] = {std::string{v.bytes}, std::string{hub.id(owner)}};
                });
                BOOST_TEST((what.told && !what.telling));
                BOOST_TEST((what.members == members));
                BOOST_TEST((what.entries == entries));
            }
    }
    BOOST_TEST(slow_ones > 50u);
    BOOST_TEST(unread > 500u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
