// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/hub.hpp>

#include <sigfire/feature/requests.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include "support/hub_wires.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace {

using namespace hub_wires;

BOOST_AUTO_TEST_SUITE(hub_scripts)

static_assert(sizeof(std::declval<bench<>>().h) < 1024);

BOOST_AUTO_TEST_CASE(the_welcome_comes_first_and_names_the_peer) {
    bench<> b;
    auto& a = b.connect("a", "");
    same(b.take(), {"a welcome"});
    BOOST_TEST(a.welcomed_as.size() == 21u);
    BOOST_TEST(a.last_id.size() == 21u);
    BOOST_TEST((b.h.find(a.welcomed_as) == a.who.peer));
    auto& c = b.connect("c", "Zoë");
    BOOST_TEST(c.welcomed_as == "Zoë");
    BOOST_TEST(c.last_id != a.last_id);
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(ids_asked_for_have_to_be_utf8_of_1_to_256_bytes) {
    bench<> b;
    BOOST_TEST((b.connect("a", std::string(256, 'x')).ended == errc::ok));
    BOOST_TEST((b.connect("b", std::string(257, 'x')).ended == errc::malformed));
    BOOST_TEST((b.connect("c", "\xff").ended == errc::malformed));
    BOOST_TEST((b.connect("d", "\xc3").ended == errc::malformed));
    BOOST_TEST((b.connect("e", std::string(1, '\0')).ended == errc::ok));
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_reply_is_out_before_the_delivery) {
    bench<> b;
    auto &a = b.connect("a"), &c = b.connect("c");
    b.take();
    const auto welcome = c.last_id;
    b.say(a, "c", "offer", "r1");
    b.say(c, "a", "answer", "r2");
    same(b.take(), {"a reply r1: OK", "c offer from <a> {}", "c reply r2: OK", "a answer from <c> {}"});
    b.say(a, "c", "ice", "r3");
    const auto first = c.last_id;
    b.say(a, "c", "ice", "r4");
    BOOST_TEST(first.size() == 21u);
    BOOST_TEST((first != welcome && first != "r3" && first != c.last_id));
}

BOOST_AUTO_TEST_CASE(every_request_ends_in_its_one_cause) {
    bench<> b;
    auto &a = b.connect("a"), &full = b.connect("full");
    full.full = true;
    b.connect("c");
    b.take();
    const struct {
        std::string_view to;
        errc status;
        errc cause;
    } rows[] = {
        {"", errc::missing_target, errc::missing_target},
        {"", errc::unknown, errc::unknown},
        {"", errc::ok, errc::missing_target},
        {"a", errc::ok, errc::self},
        {"a", errc::missing_offer, errc::self},
        {"nobody", errc::ok, errc::unknown},
        {"nobody", errc::missing_answer, errc::unknown},
        {"c", errc::missing_candidate, errc::missing_candidate},
        {"full", errc::missing_offer, errc::missing_offer},
    };
    for (const auto& row : rows) {
        b.say(a, row.to, "offer", "r", row.status);
        same(b.take(), {"a reply r: " + std::string(to_string(row.cause))});
    }
    b.say(a, "full");
    same(b.take(), {"full cannot take it", "a reply r1: Peer Cannot Take More"});
    b.say<event::custom>(a, "c", "nonsense", "r");
    same(b.take(), {"a reply r: Unknown Command"});
}

BOOST_AUTO_TEST_CASE(without_a_token_there_is_no_reply) {
    bench<> b;
    auto& a = b.connect("a");
    b.connect("c");
    b.take();
    b.say(a, "c", "offer", "");
    b.say(a, "nobody", "offer", "");
    b.say<event::custom>(a, "c", "x", "");
    same(b.take(), {"c offer from <a> {}"});
}

BOOST_AUTO_TEST_CASE(a_ping_is_answered_by_the_hub_itself) {
    bench<> b;
    auto& a = b.connect("a");
    b.take();
    b.say<event::ping>(a, "", "ping", "r1");
    b.say<event::ping>(a, "", "ping", "");
    same(b.take(), {"a reply r1: OK"});
}

BOOST_AUTO_TEST_CASE(a_request_that_no_feature_takes_is_unknown) {
    bench<> b;
    auto& a = b.connect("a");
    b.take();
    b.say<event::join>(a, "", "join", "1");
    b.say<event::publish>(a, "", "publish", "2");
    b.say<event::request>(a, "a", "request", "3");
    b.say<event::resume>(a, "", "resume", "4");
    b.say<event::heartbeat>(a, "", "alive", "");
    b.say<event::ack>(a, "", "ack", "5"); // an acknowledgement is answered by nobody
    same(b.take(), {"a reply 1: Unknown Command", "a reply 2: Unknown Command", "a reply 3: Unknown Command",
                    "a reply 4: Unknown Command"});
}

BOOST_AUTO_TEST_CASE(a_token_of_more_than_256_bytes_is_malformed) {
    bench<> b;
    auto& a = b.connect("a");
    b.connect("c");
    b.take();
    const std::string longest(256, 't'), longer(257, 't');
    b.say(a, "c", "offer", longest);
    same(b.take(), {"a reply " + longest + ": OK", "c offer from <a> {}"});
    b.say(a, "c", "offer", longer);
    b.say(a, "nobody", "offer", longer);
    b.say<event::ping>(a, "", "ping", longer);
    b.say<event::custom>(a, "", "x", longer);
    b.say<event::resume>(a, "", "resume", longer);
    same(b.take(), script(5, "a reply " + longer + ": Bad Request"));
}

BOOST_AUTO_TEST_CASE(a_peer_that_left_is_unknown_and_its_attachment_says_nothing) {
    bench<> b;
    auto &a = b.connect("a"), &c = b.connect("c");
    b.take();
    const auto old = c.who;
    b.h.closed(c.who, errc::closed);
    BOOST_TEST(b.h.size() == 1u);
    b.say(a, "c");
    b.say(c, "a");
    same(b.take(), {"a reply r1: Peer Not Found"});

    auto& d = b.connect("d");
    BOOST_TEST(d.who.peer.slot == old.peer.slot);
    BOOST_TEST(d.who.peer.generation != old.peer.generation);
    b.take();
    b.say(c, "a");
    b.h.alive(c.who);
    b.h.close(c.who, errc::malformed);
    b.h.closed(c.who, errc::lost);
    b.h.closed({}, errc::lost);
    b.h.closed({{99999, 1}, 0}, errc::lost);
    same(b.take(), {});
    BOOST_TEST((b.h.find("d") == d.who.peer));

    // Another connection of the same peer.
    auto stale = d.who;
    ++stale.epoch;
    b.h.closed(stale, errc::lost);
    BOOST_TEST((b.h.find("d") == d.who.peer));
}

BOOST_AUTO_TEST_CASE(a_peer_that_the_hub_closes_is_unknown_at_once) {
    bench<> b;
    auto &a = b.connect("a"), &c = b.connect("c"), &d = b.connect("d");
    b.take();
    BOOST_TEST(b.h.close("c", errc::denied));
    BOOST_TEST(!b.h.close("c", errc::denied));
    b.h.close(d.who, errc::malformed);
    b.say(a, "c");
    b.say(c, "a");
    same(b.take(), {"c closed: Denied", "d closed: Bad Request", "a reply r1: Peer Not Found"});

    // The id is free before the old connection is gone; its end does not disturb the new one.
    auto& again = b.connect("c");
    b.h.closed(c.who, errc::denied);
    b.h.closed(d.who, errc::malformed);
    BOOST_TEST((b.h.find("c") == again.who.peer));
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_server_sends_in_its_own_name) {
    bench<> b;
    auto& a = b.connect("a");
    b.take();
    BOOST_TEST((b.h.send("a", "news", "[1]") == errc::ok));
    BOOST_TEST((b.h.send("nobody", "news") == errc::unknown));
    BOOST_TEST((b.h.send("", "news") == errc::missing_target));
    a.full = true;
    BOOST_TEST((b.h.send("a", "news") == errc::full));
    same(b.take(), {"a news from <> [1]", "a cannot take it"});
}

BOOST_AUTO_TEST_CASE(for_each_may_send_and_close) {
    bench<> b;
    b.connect("a");
    b.connect("b");
    b.connect("c");
    b.take();
    std::set<std::string> seen;
    b.h.for_each([&](std::string_view id, peer_handle h) {
        BOOST_TEST((b.h.find(id) == h));
        seen.emplace(id);
        b.h.send("c", "seen");
        b.h.close(id, errc::denied);
        b.h.close("b", errc::denied);
    });
    BOOST_TEST((seen == std::set<std::string>{"a", "c"}));
    BOOST_TEST(b.h.size() == 0u);
}

// Names everybody but the sender, then a peer that never was.
struct crowd_router {
    template <class Registry, class To>
    errc route(const Registry& r, peer_handle from, const event::send& e, To to) const {
        if (e.to == "all")
            r.for_each_peer([&](std::string_view, peer_handle h) {
                if (h != from) to(h);
            });
        if (e.to == "ghost") to(peer_handle{12345, 6});
        return errc::ok;
    }
};
static_assert(Router<crowd_router>);

BOOST_AUTO_TEST_CASE(a_message_to_a_crowd_reaches_all_that_have_room) {
    bench<crowd_router> b;
    auto &a = b.connect("a"), &c = b.connect("c"), &d = b.connect("d");
    b.take();
    b.say(a, "all");
    auto got = b.take();
    BOOST_TEST_REQUIRE(got.size() == 3u);
    BOOST_TEST(got[0] == "a reply r1: OK");
    BOOST_TEST(c.last_id == d.last_id);
    std::sort(got.begin() + 1, got.end());
    same(got, {"a reply r1: OK", "c offer from <a> {}", "d offer from <a> {}"});

    c.full = true;
    b.say(a, "all");
    same(b.take(), {"c cannot take it", "a reply r1: OK", "d offer from <a> {}"});
    d.full = true;
    b.say(a, "all");
    BOOST_TEST(b.take().back() == "a reply r1: Peer Cannot Take More");
    b.say(a, "ghost");
    same(b.take(), {"a reply r1: Peer Offline"});
    b.say(a, "nobody in particular");
    same(b.take(), {"a reply r1: OK"});
}

// Goes on naming the peer it was told of.
struct stubborn_router {
    static inline peer_handle target;
    template <class Registry, class To>
    errc route(const Registry&, peer_handle, const event::send&, To to) const {
        to(target);
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(a_peer_that_is_leaving_is_offline) {
    bench<stubborn_router> b;
    auto &a = b.connect("a"), &c = b.connect("c");
    stubborn_router::target = c.who.peer;
    b.h.close("c", errc::denied);
    b.take();
    b.say(a, "c");
    same(b.take(), {"a reply r1: Peer Offline"});
    b.h.closed(c.who, errc::denied);
    b.say(a, "c");
    same(b.take(), {"a reply r1: Peer Offline"});
}

BOOST_AUTO_TEST_CASE(drain_admits_nobody_and_keeps_the_peers) {
    bench<> b;
    auto &a = b.connect("a"), &claimant = b.connect("a2", "a");
    b.take();
    BOOST_TEST(b.h.is_ready());
    BOOST_TEST((b.h.retry_after() == 0s));
    b.h.drain(7s);
    BOOST_TEST(!b.h.is_ready());
    BOOST_TEST((b.h.retry_after() == 7s));
    BOOST_TEST((b.connect("c").ended == errc::stopping));
    admission wish;
    std::size_t first = 0;
    BOOST_TEST((b.h.admit(request{}, wish, first) == errc::stopping));
    BOOST_TEST(b.h.size() == 1u);
    b.say(a, "a");
    same(b.take(), {"a reply r1: Can't Send to Yourself"});
    b.h.closed(a.who, errc::closed);
    BOOST_TEST((claimant.ended == errc::stopping)); // the id is free, but nobody enters
    BOOST_TEST(b.h.size() == 0u);
}

struct counting_admission {
    int* asked;
    errc on_admit(const request&, admission&) { return ++*asked, errc::ok; }
};

BOOST_AUTO_TEST_CASE(a_drained_hub_asks_no_hook) {
    int asked = 0;
    hooked b{hooks{counting_admission{&asked}}};
    admission wish;
    std::size_t first = 0;
    BOOST_TEST((b.h.admit(request{}, wish, first) == errc::ok));
    BOOST_TEST(asked == 1);
    b.h.drain();
    BOOST_TEST((b.h.admit(request{}, wish, first) == errc::stopping));
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(a_hub_that_is_not_ready_still_admits) {
    bench<> b;
    b.h.set_ready(false);
    BOOST_TEST(!b.h.is_ready());
    BOOST_TEST((b.connect("a").ended == errc::ok));
    admission wish;
    std::size_t first = 0;
    BOOST_TEST((b.h.admit(request{}, wish, first) == errc::ok));
    b.h.set_ready(true);
    BOOST_TEST(b.h.is_ready());
    b.h.stop();
    BOOST_TEST(!b.h.is_ready());
    b.h.set_ready(true);
    BOOST_TEST(!b.h.is_ready());
}

BOOST_AUTO_TEST_CASE(shed_ends_some_peers_each_once) {
    bench<direct_router, no_log, no_hooks, features<requests>> b;
    for (int i = 0; i < 300; ++i) b.connect("p" + std::to_string(i));
    const auto f = b.h.attach("function", [](call&) {});
    BOOST_TEST((f.has_value()));
    b.take();
    const auto ended = [&] {
        return std::count_if(b.wires.begin(), b.wires.end(),
                             [](const wire& w) { return w.ended != errc::ok; });
    };
    BOOST_TEST(b.h.shed(0) == 0u);
    BOOST_TEST(b.h.shed(100) == 100u);
    BOOST_TEST(ended() == 100);
    for (auto& w : b.wires)
        if (w.ended == errc::stopping) b.h.closed(w.who, errc::stopping);
    BOOST_TEST(b.h.shed(150, errc::overloaded) == 150u);
    BOOST_TEST(b.h.shed(100) == 50u);
    BOOST_TEST(b.h.shed(100) == 0u);
    BOOST_TEST(ended() == 300);
    BOOST_TEST(std::count_if(b.wires.begin(), b.wires.end(),
                             [](const wire& w) { return w.ended == errc::overloaded; }) == 150);
    BOOST_TEST(b.take().size() == 300u);
    BOOST_TEST(b.h.size() == 1u); // the function stays
    BOOST_TEST((b.connect("next").ended == errc::ok));
}

// Sheds a peer while the hub delivers.
struct shedding {
    std::function<void()>* act;
    void on_outcome(const outcome&) { (*act)(); }
};

BOOST_AUTO_TEST_CASE(shed_within_an_event_acts_after_it) {
    std::function<void()> act = [] {};
    hooked b{hooks{shedding{&act}}};
    auto &a = b.connect("a"), &c = b.connect("c");
    b.take();
    std::size_t told = 99;
    act = [&] {
        if (told != 99) return;
        told = b.h.shed(1);
        BOOST_TEST((a.ended == errc::ok));
    };
    b.say(a, "c");
    BOOST_TEST(told == 0u);
    same(b.take(), {"a reply r1: OK", "c offer from <a> {}", "a closed: Server Stopping"});
    BOOST_TEST((c.ended == errc::ok));
}

BOOST_AUTO_TEST_CASE(stop_ends_everyone_and_admits_nobody) {
    bench<> b;
    auto &a = b.connect("a"), &c = b.connect("c"), &claimant = b.connect("a2", "a");
    b.take();
    b.h.stop(errc::stopping);
    for (const auto* w : {&a, &c, &claimant}) BOOST_TEST((w->ended == errc::stopping));
    BOOST_TEST(b.take().size() == 3u);
    BOOST_TEST(b.h.size() == 0u);
    BOOST_TEST((b.connect("d").ended == errc::stopping));
    for (const auto* w : {&a, &c, &claimant}) b.h.closed(w->who, errc::stopping);
    BOOST_TEST((b.pass(1h) == time_point::max()));
    same(b.take(), {});
}

BOOST_AUTO_TEST_CASE(the_log_hears_of_everyone_once) {
    script events;
    bench<direct_router, line_log> b{{}, line_log{&events}};
    auto &a = b.connect("a"), &a2 = b.connect("a2", "a");
    b.connect("a3", "a");
    b.h.alive(a.who);
    b.h.closed(a2.who, errc::id_in_use);
    b.h.closed(a.who, errc::closed);
    auto &c = b.connect("c"), &c2 = b.connect("c2", "c");
    b.pass(2s);
    b.h.closed(c.who, errc::pong_timeout);
    b.h.closed(c2.who, errc::slow_consumer);
    same(events, {
                     "peer_opened id=a remote=",
                     "id_claimed id=a",
                     "! claim_refused id=a",
                     "! connection_refused remote= cause=id_in_use",
                     "! claim_refused id=a",
                     "peer_closed id=a cause=closed",
                     "peer_opened id=c remote=",
                     "id_claimed id=c",
                     "peer_opened id=c remote=",
                     "! peer_closed id=c cause=pong_timeout",
                     "! peer_closed id=c cause=slow_consumer",
                 });
}

BOOST_AUTO_TEST_CASE(the_log_hears_where_connections_come_from) {
    script events;
    bench<direct_router, line_log> b{{}, line_log{&events}};
    admission wish;
    wish.remote = "192.0.2.7";
    wish.id = "a";
    b.connect("a", wish);
    wish.id = std::string(257, 'x');
    b.connect("b", wish);
    b.h.refused("2001:db8::1", errc::forbidden_origin); // by a transport
    b.h.stop();
    b.connect("c", wish);
    same(events,
         {"peer_opened id=a remote=192.0.2.7", "! connection_refused remote=192.0.2.7 cause=malformed",
          "! connection_refused remote=2001:db8::1 cause=forbidden_origin",
          "! connection_refused remote=192.0.2.7 cause=stopping"});
}

// Events that want no reply, and fail: hooks hear of each, the log of the first of each kind.
struct outcomes {
    script* seen;
    void on_outcome(const outcome& o) { seen->push_back(std::string{cause_name(o.cause)}); }
};

BOOST_AUTO_TEST_CASE(a_failure_without_a_reply_is_told_to_hooks_and_once_to_the_log) {
    script events, seen;
    bench<direct_router, line_log, hooks<outcomes>> b{{}, line_log{&events}, hooks{outcomes{&seen}}};
    auto &a = b.connect("a"), &c = b.connect("c");
    const auto say = [&](wire& from, std::string_view to, std::string_view token = {}) {
        event::send e;
        e.command = "offer";
        e.to = to;
        e.token.bytes = token;
        b.h.received(from.who, e);
    };
    events.clear();
    say(a, "c");      // is delivered
    say(a, "a", "1"); // has its reply
    same(events, {});
    for (int i = 0; i < 3; ++i) say(a, "a");
    same(events, {"! request_refused id=a cause=self"});
    for (int i = 0; i < 3; ++i) say(a, "x");
    say(c, "c");
    event::join e; // nobody takes it
    b.h.received(a.who, e);
    same(events, {"! request_refused id=a cause=self", "request_refused id=a cause=unknown",
                  "! request_refused id=c cause=self", "! request_refused id=a cause=unknown_command"});
    same(seen,
         {"ok", "self", "self", "self", "self", "unknown", "unknown", "unknown", "self", "unknown_command"});
    // the next peer in that slot is another one
    b.h.closed(a.who, errc::closed);
    auto& d = b.connect("d");
    BOOST_TEST(d.who.peer.slot == a.who.peer.slot);
    events.clear();
    say(d, "d");
    same(events, {"! request_refused id=d cause=self"});
}

BOOST_AUTO_TEST_CASE(a_claimant_is_held_and_asks_for_a_sign_of_life) {
    bench<> b;
    auto& holder = b.connect("holder", "x");
    b.take();
    auto& claimant = b.connect("claimant", "x");
    BOOST_TEST(holder.pings == 1);
    BOOST_TEST(claimant.held);
    BOOST_TEST(static_cast<bool>(claimant.who));
    BOOST_TEST(b.h.size() == 1u);
    BOOST_TEST((b.h.find("x") == holder.who.peer));
    b.say(claimant, "x");
    same(b.take(), {});
    BOOST_TEST((b.connect("second", "x").ended == errc::id_in_use));
    BOOST_TEST(holder.pings == 1);
    BOOST_TEST((b.wait_after(1999ms) == 1ms));
    same(b.take(), {});
    BOOST_TEST((b.pass(1ms) == time_point::max()));
    same(b.take(), {"holder closed: No Pong in Time", "claimant welcome"});
    BOOST_TEST(!claimant.held);
    BOOST_TEST((b.h.find("x") == claimant.who.peer));
    b.h.closed(holder.who, errc::pong_timeout);
    BOOST_TEST((b.h.find("x") == claimant.who.peer));
}

BOOST_AUTO_TEST_CASE(claims_cost_a_holder_one_ping_a_second) {
    bench<> b;
    auto &holder = b.connect("holder", "x"), &other = b.connect("other", "y");
    const auto claim = [&](const char* id) { return b.connect("claimant", id).ended; };
    BOOST_TEST((claim("x") == errc::ok));
    b.h.alive(holder.who);
    for (int i = 0; i < 100; ++i) BOOST_TEST((claim("x") == errc::id_in_use));
    BOOST_TEST(holder.pings == 1);
    BOOST_TEST((claim("y") == errc::ok));
    b.h.alive(other.who);
    b.pass(999ms);
    BOOST_TEST((claim("x") == errc::id_in_use));
    BOOST_TEST(holder.pings == 1);
    b.pass(1ms);
    BOOST_TEST((claim("x") == errc::ok));
    BOOST_TEST(holder.pings == 2);
    b.h.alive(holder.who);
    b.h.closed(holder.who, errc::closed);
    auto& next = b.connect("next", "x"); // perhaps in the same slot
    BOOST_TEST((claim("x") == errc::ok));
    BOOST_TEST(next.pings == 1);
}

BOOST_AUTO_TEST_CASE(a_wire_without_pings_keeps_its_id) {
    bench<> b;
    b.connect("holder", "x").can_ping = false;
    BOOST_TEST((b.connect("claimant", "x").ended == errc::id_in_use));
    BOOST_TEST(b.h.size() == 1u);
    BOOST_TEST((b.pass(1h) == time_point::max()));
}

BOOST_AUTO_TEST_CASE(deadlines_of_several_claims_come_in_turn) {
    bench<> b{{.claim_timeout = 500ms}};
    b.connect("a");
    b.connect("c");
    auto& a2 = b.connect("a2", "a");
    BOOST_TEST((b.wait_after(300ms) == 200ms));
    b.connect("c2", "c");
    BOOST_TEST((b.wait_after(0ms) == 200ms));
    b.h.closed(a2.who, errc::lost);
    BOOST_TEST((b.wait_after(0ms) == 500ms));
    b.take();
    BOOST_TEST((b.pass(500ms) == time_point::max()));
    same(b.take(), {"c closed: No Pong in Time", "c2 welcome"});
}

// The outcomes of a claim, told a second time and without a hub: wires and the holder of the id.
struct claim_model {
    enum state { out, waiting, online, ending };
    std::array<state, 3> at{online, waiting, out};
    std::array<errc, 3> ended{};
    bool answered = false; // the holder, to a claim, within the last second

    int having(state s) const {
        const auto i = std::find(at.begin(), at.end(), s);
        return i == at.end() ? -1 : static_cast<int>(i - at.begin());
    }
    void admit() {
        if (const int w = having(waiting); w >= 0) at[static_cast<std::size_t>(w)] = online;
    }
    void pong(std::size_t i) {
        const int w = having(waiting);
        if (at[i] != online || w < 0) return;
        at[static_cast<std::size_t>(w)] = ending;
        ended[static_cast<std::size_t>(w)] = errc::id_in_use;
        answered = true;
    }
    void deadline() {
        answered = false; // seconds have passed
        if (having(waiting) < 0) return;
        const auto holder = static_cast<std::size_t>(having(online));
        at[holder] = ending;
        ended[holder] = errc::pong_timeout;
        admit();
    }
    void close(std::size_t i) {
        const bool had = at[i] == online;
        at[i] = out;
        if (had) answered = false;
        if (had) admit();
    }
    void open(std::size_t i) {
        if (having(online) < 0)
            at[i] = online;
        else if (having(waiting) < 0 && !answered)
            at[i] = waiting;
        else
            ended[i] = errc::id_in_use;
    }
};

BOOST_AUTO_TEST_CASE(claims_end_well_in_every_order_of_events) {
    enum { pong, deadline, holder_closes, claimant_closes, second_claims, second_pong, late, last_closes };
    std::vector<int> order{pong, deadline, holder_closes, claimant_closes, second_claims, second_pong, late};
    unsigned cases = 0;
    do {
        ++cases;
        bench<> b;
        claim_model m;
        wire& probe = b.connect("probe");
        std::array<wire*, 3> wires{&b.connect("0", "x"), &b.connect("1", "x"), nullptr};
        std::string told;
        for (const int event : order) {
            told += " " + std::to_string(event);
            switch (event) {
            case pong:
                b.h.alive(wires[0]->who);
                m.pong(0);
                break;
            case second_pong:
                b.h.alive(wires[1]->who);
                m.pong(1);
                break;
            case deadline:
            case late:
                b.pass(2s);
                m.deadline();
                break;
            case holder_closes:
                b.h.closed(wires[0]->who, errc::lost);
                m.close(0);
                break;
            case claimant_closes:
                b.h.closed(wires[1]->who, errc::lost);
                m.close(1);
                break;
            case second_claims:
                wires[2] = &b.connect("2", "x");
                m.open(2);
                break;
            }
            BOOST_TEST_CONTEXT("events" << told) {
                const int online = m.having(claim_model::online);
                b.take();
                b.say(probe, "x");
                if (online < 0)
                    same(b.take(), {"probe reply r1: Peer Not Found"});
                else
                    same(b.take(), {"probe reply r1: OK", std::to_string(online) + " offer from <probe> {}"});
                BOOST_TEST(b.h.size() == (online < 0 ? 1u : 2u));
                for (std::size_t i = 0; i < 3; ++i) {
                    if (wires[i] == nullptr) continue;
                    BOOST_TEST((wires[i]->ended == m.ended[i]));
                    if (m.at[i] == claim_model::waiting || m.at[i] == claim_model::online) {
                        BOOST_TEST(wires[i]->held == (m.at[i] == claim_model::waiting));
                        BOOST_TEST(wires[i]->welcomed_as.empty() == wires[i]->held);
                    }
                }
            }
        }
        for (auto* w : wires) b.h.closed(w->who, errc::lost);
        b.h.closed(probe.who, errc::lost);
        BOOST_TEST_REQUIRE(b.h.size() == 0u);
        BOOST_TEST_REQUIRE((b.pass(2s) == time_point::max()));
        // Nobody's slot was lost or let twice: four newcomers fit where four were.
        std::set<std::uint32_t> slots;
        for (int i = 0; i < 4; ++i)
            slots.insert(b.connect(std::string(1, static_cast<char>('p' + i))).who.peer.slot);
        BOOST_TEST_REQUIRE((slots == std::set<std::uint32_t>{0, 1, 2, 3}));
    } while (std::next_permutation(order.begin(), order.end()));
    BOOST_TEST(cases == 5040u);
}

BOOST_AUTO_TEST_CASE(the_host_closes_a_holder_and_its_claimant_follows) {
    bench<> b;
    b.connect("holder", "x");
    auto& claimant = b.connect("claimant", "x");
    b.take();
    b.h.close("x", errc::denied);
    same(b.take(), {"holder closed: Denied", "claimant welcome"});
    BOOST_TEST((b.h.find("x") == claimant.who.peer));
    BOOST_TEST(!claimant.held);
}

BOOST_AUTO_TEST_CASE(a_claimant_gets_all_it_was_let_in_with) {
    script events;
    bench<direct_router, line_log> b{{}, line_log{&events}};
    b.connect("holder", "x");
    admission wish;
    wish.id = "x";
    wish.remote = "192.0.2.7";
    wish.rtc_configuration = R"({"iceServers":[]})";
    wish.valid_for = 10s;
    auto& claimant = b.connect("claimant", wish);
    b.pass(2s);
    BOOST_TEST(claimant.welcomed_as == "x");
    BOOST_TEST(claimant.configuration == R"({"iceServers":[]})");
    BOOST_TEST(events.back() == "peer_opened id=x remote=192.0.2.7");
    BOOST_TEST((b.wait_after(0s) == 10s));
    b.pass(10s);
    BOOST_TEST((claimant.ended == errc::expired));
}

BOOST_AUTO_TEST_CASE(a_proven_peer_takes_its_id_over_at_once) {
    bench<> b;
    auto& holder = b.connect("holder", "x");
    auto& claimant = b.connect("claimant", "x"); // waits for what the holder says
    b.take();
    admission wish;
    wish.id = "x";
    wish.id_verified = true;
    auto& owner = b.connect("owner", wish);
    same(b.take(),
         {"claimant closed: ID In Use", "holder closed: Replaced by a Newer Connection", "owner welcome"});
    BOOST_TEST((b.h.find("x") == owner.who.peer));
    BOOST_TEST(b.h.size() == 1u);
    BOOST_TEST(!owner.held);
    b.h.closed(holder.who, errc::replaced);
    b.h.closed(claimant.who, errc::id_in_use);
    BOOST_TEST((b.h.find("x") == owner.who.peer));
    BOOST_TEST((b.pass(1h) == time_point::max()));
}

BOOST_AUTO_TEST_CASE(an_admission_is_valid_for_its_time) {
    bench<> b;
    const auto come = [&](const std::string& name, std::chrono::milliseconds time) -> wire& {
        admission wish;
        wish.id = name;
        wish.valid_for = time;
        return b.connect(name, wish);
    };
    auto &a = come("a", 3s), &c = come("c", 1s), &d = come("d", 0ms),
         &e = come("e", std::chrono::milliseconds::max());
    come("gone", 2s);
    b.h.close("gone", errc::denied);
    b.take();
    BOOST_TEST((b.wait_after(0s) == 1s));
    BOOST_TEST((b.wait_after(999ms) == 1ms));
    same(b.take(), {});
    BOOST_TEST((b.wait_after(1ms) == 2s)); // of one that is gone nothing is left
    same(b.take(), {"c closed: Expired"});
    BOOST_TEST(!b.h.find("c"));
    // Its id is free, and a message under it has a time of its own.
    b.h.closed(c.who, errc::expired);
    come("c", 10s);
    b.take();
    b.pass(2s);
    same(b.take(), {"a closed: Expired"});
    BOOST_TEST((b.wait_after(0s) == 8s));
    BOOST_TEST((a.ended == errc::expired && d.ended == errc::ok && e.ended == errc::ok));
    BOOST_TEST(b.h.size() == 3u);
}

BOOST_AUTO_TEST_CASE(each_peer_may_have_an_rtc_configuration_of_its_own) {
    bench<> b;
    admission wish;
    wish.id = "a";
    wish.rtc_configuration = R"({"iceServers":[{"urls":"stun:a"}]})";
    BOOST_TEST(b.connect("a", wish).configuration == wish.rtc_configuration);
    BOOST_TEST(b.connect("b").configuration == ""); // as the codec has it
}

BOOST_AUTO_TEST_CASE(opening_and_closing_100000_times_leaks_nothing) {
    bench<> b;
    const auto round = [&](int n) {
        for (int i = 0; i < n; ++i) {
            wire w[3];
            admission drawn, chosen;
            drawn.valid_for = 1h;
            chosen.id = "a long id that does not fit into its slot";
            const auto first = *b.h.opened({&w[0]}, drawn), second = *b.h.opened({&w[1]}, chosen),
                       third = *b.h.opened({&w[2]}, chosen);
            b.h.closed(first, errc::lost);
            if (i % 2 == 0) b.h.alive(second);
            b.h.closed(third, errc::lost);
            b.h.closed(second, errc::lost);
            b.pass(1ms);
            BOOST_TEST_REQUIRE(b.h.size() == 0u);
            BOOST_TEST_REQUIRE(third.peer.slot < 3u);
        }
    };
    round(3000);
#if defined(__GLIBC__)
    const auto before = mallinfo2().uordblks;
#endif
    round(100000);
#if defined(__GLIBC__)
    // A claim's queue entry lives on for two seconds; its deque may hold one block more or less.
    BOOST_TEST(mallinfo2().uordblks <= before + 2048);
#endif
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
