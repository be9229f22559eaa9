// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Every store of a hub has a budget for all, of which one address gets a quarter: whatever the peers of one
// address do, those of others go on as before.

#include "support/hub_bench.hpp"

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace hub_world;
using namespace std::chrono_literals;

const address_block attackers{0, 0xffffc0000242}, others{0, 0xffffc6336401};

// Connects so many peers of the attackers: `x0`, `x1`, ...; and `ann` and `bob`, each at home.
void connect_all(auto& b, int count, const std::string& target = {}) {
    for (int i = 0; i < count; ++i) {
        const auto name = "x" + std::to_string(i);
        b.connect(name, {.id = name, .target = target, .address = attackers});
    }
    b.connect("ann", {.id = "ann", .target = target, .address = others});
    b.connect("bob", {.id = "bob", .target = target, .address = {7, 0}});
    b.heard_by_all();
}

// How many of the calls `f(i)` are answered with `ok` (and more) before the first `full`.
int until_full(int most, auto f) {
    for (int i = 0; i < most; ++i) {
        const std::string said = f(i);
        if (said == "full") return i;
        BOOST_TEST_REQUIRE((said.empty() || said.starts_with("ok")), said);
    }
    return most;
}

std::string x(int i) {
    return "x" + std::to_string(i);
}

} // namespace

BOOST_AUTO_TEST_SUITE(shares)

BOOST_AUTO_TEST_CASE(open_requests) {
    hub_bench b{features{requests{{.per_peer = 100, .total = 400}}}};
    connect_all(b, 20);
    const auto ask = [&](const std::string& from) {
        return b.ask(from, R"({"cmd":"request","target":"bob"})");
    };
    BOOST_TEST(until_full(500, [&](int i) { return ask(x(i % 20)); }) == 100);
    BOOST_TEST(ask("ann") == "", "it waits for the answer of bob");
    b.close("x3");
    BOOST_TEST(until_full(500, [&](int) { return ask("x4"); }) == 5);
    b.advance(11s); // all expire
    BOOST_TEST(b.get<requests>().size() == 0u);
    BOOST_TEST(until_full(500, [&](int i) { return ask(x(i % 3)); }) == 100);
}

BOOST_AUTO_TEST_CASE(messages_for_the_absent) {
    for (const bool by_bytes : {false, true}) {
        mailbox_limits limits;
        limits.total_messages = by_bytes ? 10'000 : 400;
        limits.total_bytes = by_bytes ? 400'000 : 1u << 30;
        hub_bench b{features{}, mailbox{direct_router{}, 10s, limits}};
        connect_all(b, 20);
        const std::string data(1000, 'd');
        const auto keep = [&](const std::string& from, const std::string& to) {
            return b.ask(from,
                         R"({"cmd":"offer","target":")" + to + R"(","data":{"offer":")" + data + "\"}}");
        };
        const auto kept =
            until_full(500, [&](int i) { return keep(x(i % 20), "nobody" + std::to_string(i)); });
        BOOST_TEST((by_bytes ? kept > 80 && kept < 100 : kept == 100), kept);
        BOOST_TEST(keep("ann", "bert").starts_with("ok"));
        b.connect("nobody5", {.id = "nobody5", .address = others});
        BOOST_TEST(b.heard("nobody5").size() == 1u);
        BOOST_TEST(keep("x1", "somebody").starts_with("ok"), "as much as was given back");
        BOOST_TEST(keep("x1", "somebody") == "full");
        b.advance(11s);
        const auto again =
            until_full(500, [&](int i) { return keep(x(i % 20), "nobody" + std::to_string(i)); });
        BOOST_TEST(again == kept + 1); // one of them is there now
    }
}

BOOST_AUTO_TEST_CASE(memberships_and_entries) {
    hub_bench b{features{topics{{.limits = {.total_bytes = 1u << 20}}}}};
    connect_all(b, 20);
    const std::string metadata(900, 'm');
    const auto join = [&](const std::string& who, const std::string& topic) {
        return b.ask(who, R"({"cmd":"join","topic":")" + topic + R"(","data":{"metadata":{"m":")" + metadata +
                              "\"}}}");
    };
    const auto joined =
        until_full(2000, [&](int i) { return join(x(i % 20), "topic " + std::to_string(i)); });
    BOOST_TEST((joined > 200 && joined < 260), joined);
    BOOST_TEST(join("ann", "lobby").starts_with("ok"));
    BOOST_TEST(join("bob", "lobby").starts_with("ok"));
    BOOST_TEST(b.get<topics>().table().bytes() > (1u << 18));
    // An update that is not larger needs no room; state entries are in the same budget.
    BOOST_TEST(join("x0", "topic 0").starts_with("ok"));
    const auto set = [&](const std::string& who, const std::string& topic, int key, std::size_t size) {
        return b.ask(who, R"({"cmd":"set","topic":")" + topic + R"(","data":{"key":")" + std::to_string(key) +
                              R"(","value":")" + std::string(size, 'v') + "\"}}");
    };
    BOOST_TEST(set("x0", "topic 0", 1, 900) == "full");
    BOOST_TEST(set("ann", "lobby", 1, 900) == "ok");
    BOOST_TEST(set("ann", "lobby", 1, 10) == "ok");
    BOOST_TEST(set("ann", "lobby", 1, 1000) == "ok");
    b.close("x1");
    const auto entries = until_full(500, [&](int i) { return set("x0", "topic 0", i, 900); });
    BOOST_TEST((entries > 5 && entries < 20), entries);
    BOOST_TEST(b.ask("x0", R"({"cmd":"leave","topic":"topic 0"})") == "ok");
    for (int i = 0; i < 20; ++i)
        if (i != 1) b.close(x(i));
    b.close("ann"), b.close("bob");
    BOOST_TEST(b.get<topics>().table().bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(watches) {
    presence_options o;
    o.total = 400;
    o.watches_per_second = 0;
    hub_bench b{features{topics{}, presence{o}}};
    connect_all(b, 20);
    const auto watch = [&](const std::string& who, int i) {
        return b.ask(who, R"({"cmd":"watch","topic":")" + std::to_string(i) + "\"}");
    };
    BOOST_TEST(until_full(500, [&](int i) { return watch(x(i % 20), i); }) == 100);
    BOOST_TEST(watch("ann", 1) == "ok");
    BOOST_TEST(b.ask("x0", R"({"cmd":"unwatch","topic":"0"})") == "ok");
    b.close("x1");
    BOOST_TEST(until_full(500, [&](int i) { return watch("x2", 1000 + i); }) == 6);
}

BOOST_AUTO_TEST_CASE(new_watches_have_a_rate) {
    hub_bench b{features{topics{}, presence{{.watches_per_peer = 30, .watches_per_second = 4}}}};
    b.connect("ann"), b.connect("bob");
    const auto churn = [&](const std::string& who) {
        const auto said = b.ask(who, R"({"cmd":"watch","topic":"t"})");
        if (said == "ok") BOOST_TEST(b.ask(who, R"({"cmd":"unwatch","topic":"t"})") == "ok");
        return said;
    };
    for (int i = 0; i < 30; ++i) BOOST_TEST(churn("ann") == "ok");
    BOOST_TEST(churn("ann").find("retry_after\":25") != std::string::npos);
    BOOST_TEST(churn("bob") == "ok");
    b.advance(500ms);
    for (int i = 0; i < 2; ++i) BOOST_TEST(churn("ann") == "ok");
    BOOST_TEST(churn("ann").starts_with("rate"));
}

BOOST_AUTO_TEST_CASE(started_sessions) {
    hub_bench b{features{sessions{{.per_peer = 50, .total = 80}}}};
    connect_all(b, 40);
    const auto start = [&](const std::string& from, const std::string& to) {
        const auto said = b.ask(from, R"({"cmd":"session-start","target":")" + to + "\"}");
        return said.starts_with("ok") ? "ok" : said;
    };
    BOOST_TEST(until_full(200, [&](int i) { return start(x(i % 20), x(20 + i / 20)); }) == 20);
    BOOST_TEST(start("ann", "bob") == "ok");
    BOOST_TEST(start("bob", "x39") == "ok", "bob pays");
    BOOST_TEST(b.ask("x0", R"({"cmd":"session-cancel","target":"x20"})") == "ok");
    BOOST_TEST(until_full(200, [&](int i) { return start(x(i), "x30"); }) == 1);
    b.advance(31s); // all time out
    BOOST_TEST(b.get<sessions>().size() == 0u);
    BOOST_TEST(until_full(200, [&](int i) { return start(x(i % 20), x(20 + i / 20)); }) == 20);
    for (int i = 0; i < 20; ++i) b.close(x(i));
    for (int i = 0; i < 20; ++i) {
        const auto name = "y" + std::to_string(i);
        b.connect(name, {.id = name, .address = attackers});
    }
    BOOST_TEST(until_full(200, [&](int i) { return start("y" + std::to_string(i % 20), x(20 + i / 20)); }) ==
               20);
}

// --- resume ---

struct resuming : hub_bench<features<topics, resume>> {
    explicit resuming(resume_options o) : hub_bench{features{topics{}, resume{o}}} {}

    void publish(std::size_t size) {
        BOOST_TEST(ask("bob", R"({"cmd":"publish","topic":"t","data":")" + std::string(size, 'd') + "\"}") ==
                   "ok");
    }
};

BOOST_AUTO_TEST_CASE(resumable_peers) {
    resuming b{{.peers = 40}};
    int resumable = 0;
    for (int i = 0; i < 20; ++i) {
        const auto welcome = b.connect(x(i), {.id = x(i), .target = "/?resume", .address = attackers});
        resumable += !token_in(welcome).empty();
    }
    BOOST_TEST(resumable == 10);
    BOOST_TEST(b.ask("x19", R"({"cmd":"resume"})") == "full");
    b.connect("ann", {.id = "ann", .address = others});
    BOOST_TEST(b.ask("ann", R"({"cmd":"resume"})").starts_with("ok"));
    BOOST_TEST(b.ask("ann", R"({"cmd":"resume"})").starts_with("ok"), "again: it is counted once");
    b.close("x0");
    BOOST_TEST(b.ask("x19", R"({"cmd":"resume"})").starts_with("ok"));
    BOOST_TEST(b.ask("x18", R"({"cmd":"resume"})") == "full");
}

BOOST_AUTO_TEST_CASE(kept_traffic) {
    resuming b{{.bytes = 100'000, .total_bytes = 400'000}};
    std::map<std::string, std::string> tokens;
    const auto enter = [&](const std::string& name, const address_block& from) {
        tokens[name] = token_in(b.connect(name, {.id = name, .target = "/?resume", .address = from}));
        BOOST_TEST(b.ask(name, R"({"cmd":"join","topic":"t"})").starts_with("ok"));
    };
    const auto recovers = [&](const std::string& name) {
        const auto welcome = b.connect(name, {.target = "/?resume", .token = tokens[name], .received = 1});
        return welcome.find("\"recovered\":true") != std::string::npos;
    };
    for (int i = 0; i < 20; ++i) enter(x(i), attackers);
    enter("ann", others), enter("bob", {7, 0});
    for (int i = 0; i < 20; ++i) b.lose(x(i));
    b.lose("ann");
    for (int i = 0; i < 4; ++i) b.publish(20'000);
    // 20 peers with 80 kB each would be 1.6 MB; the attackers have 100 kB. Nothing of ann's is missing.
    BOOST_TEST(recovers("ann"));
    BOOST_TEST(b.heard("ann").size() == 4u);
    int whole = 0;
    for (int i = 0; i < 20; ++i) whole += recovers(x(i));
    BOOST_TEST(whole <= 1);
}

BOOST_AUTO_TEST_CASE(over_the_budget_those_with_the_most_lose_it) {
    resuming b{{.bytes = 100'000, .total_bytes = 300'000}};
    std::map<std::string, std::string> tokens;
    // Six strangers from six places; the first is a member of another topic.
    for (int i = 0; i < 6; ++i) {
        const address_block home{static_cast<std::uint64_t>(i) + 1, 0};
        tokens[x(i)] = token_in(b.connect(x(i), {.id = x(i), .target = "/?resume", .address = home}));
        const std::string topic = i == 0 ? "small" : "t";
        BOOST_TEST(b.ask(x(i), R"({"cmd":"join","topic":")" + topic + "\"}").starts_with("ok"));
    }
    b.connect("bob");
    for (const auto* topic : {"small", "t"})
        BOOST_TEST(b.ask("bob", R"({"cmd":"join","topic":")" + std::string{topic} + "\"}").starts_with("ok"));
    for (int i = 0; i < 6; ++i) b.lose(x(i));
    for (int i = 0; i < 6; ++i) b.publish(9'800); // 59 kB for each of five
    BOOST_TEST(b.ask("bob", R"({"cmd":"publish","topic":"small","data":")" + std::string(9'800, 'd') +
                                "\"}") == "ok");
    const auto recovers = [&](const std::string& name) {
        const auto welcome = b.connect(name, {.target = "/?resume", .token = tokens[name], .received = 1});
        return welcome.find("\"recovered\":true") != std::string::npos;
    };
    BOOST_TEST(recovers("x0"));
    BOOST_TEST(b.heard("x0").size() == 1u);
    for (int i = 1; i < 6; ++i) BOOST_TEST(!recovers(x(i)));
}

BOOST_AUTO_TEST_SUITE_END()
