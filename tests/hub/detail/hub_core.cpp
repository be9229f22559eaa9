// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Code of the host program inside the hub: its throws and its calls cost no more than the event in hand.
#include <sigfire/hub/detail/hub_core.hpp>

#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// Each callback comes by here: the test gives the act for each.
struct guests {
    std::map<std::string, unsigned, std::less<>> visits = {};
    std::string place = {};
    std::function<void()> act = {};
    std::vector<std::string> failures = {}; // that the log was told of
    bool busy = false;
    unsigned left = 50; // a callback that attaches a function for each closed one has to come to an end

    void at(std::string_view where) {
        ++visits[std::string{where}];
        if (busy || where != place || !act || left == 0) return;
        --left;
        busy = true; // its effects are no cause to do it again
        try {
            act();
        } catch (...) {
            busy = false;
            throw;
        }
        busy = false;
    }
};

struct guest_hook {
    guests* g;
    errc on_admit(const request&, admission&) { return g->at("hook on_admit"), errc::ok; }
    void on_open(peer_handle, const admission&) { g->at("hook on_open"); }
    errc on_message(message_context& c, event::incoming& e) {
        g->at("hook on_message");
        if (e.command != "session-cancel") return errc::ok;
        c.defer().pass(); // at once, but late
        return errc::deferred;
    }
    template <class E>
    bool on_deliver(peer_handle, const E&) {
        return g->at("hook on_deliver"), true;
    }
    void on_outcome(const outcome&) { g->at("hook on_outcome"); }
    void on_close(peer_handle, errc) { g->at("hook on_close"); }
};

struct guest_feature : feature {
    guests* g;
    explicit guest_feature(guests& all) : g(&all) {}

    template <class X>
    void on_request(X& hub, peer_handle from, event::custom& e) {
        if (e.command == "before") g->at("on_request before its reply");
        hub.reply(from, e.token, errc::ok);
        if (e.command == "behind") g->at("on_request behind its reply");
    }
    static constexpr bool defers = true;

    template <class X>
    errc on_send(X& hub, peer_handle, event::send& e) {
        g->at("on_send");
        if (e.command != "session-end") return errc::ok;
        hub.defer().pass();
        return errc::deferred;
    }
    template <class X>
    void on_sent(X&, peer_handle, const event::send&, politeness&) {
        g->at("on_sent");
    }
    template <class X, class E>
    errc on_undeliverable(X&, peer_handle, const E&, errc cause) {
        return g->at("on_undeliverable"), cause;
    }
    template <class X>
    errc on_enter(X&, const admission&) {
        return g->at("on_enter"), errc::ok;
    }
    template <class X>
    peer_handle on_identify(X&, const admission&) {
        return g->at("on_identify"), peer_handle{};
    }
    template <class X>
    void on_identified(X&, peer_handle, const admission&) {
        g->at("on_identified");
    }
    template <class X>
    void on_welcome(X&, peer_handle, const admission&, event::welcome&) {
        g->at("on_welcome");
    }
    template <class X>
    void on_open(X&, peer_handle, const admission&) {
        g->at("on_open");
    }
    template <class X>
    bool on_connection_lost(X&, peer_handle, errc) {
        return g->at("on_connection_lost"), false;
    }
    template <class X>
    void on_away(X&, peer_handle) {
        g->at("on_away");
    }
    template <class X>
    void on_reconnected(X&, peer_handle) {
        g->at("on_reconnected");
    }
    template <class X>
    void on_close(X&, peer_handle, errc) {
        g->at("on_close");
    }
    template <class X>
    void on_received(X&, peer_handle, const event::incoming&, bool) {
        g->at("on_received");
    }
    template <class X, class E>
    bool can_keep(X&, peer_handle, const E&) {
        return g->at("can_keep"), false;
    }
    template <class X, class E>
    void on_delivery(X&, peer_handle, const E&) {
        g->at("on_delivery");
    }
    template <class X, class E>
    void on_call(X&, peer_handle, const E&) {
        g->at("on_call");
    }
    template <class X>
    void on_rename(X&, peer_handle) {
        g->at("on_rename");
    }
    template <class X>
    void on_renamed(X&, peer_handle) {
        g->at("on_renamed");
    }
    template <class X>
    errc on_join(X&, peer_handle, event::join&) {
        return g->at("on_join"), errc::ok;
    }
    template <class X>
    void on_membership(X&, std::string_view, peer_handle, membership, payload, errc) {
        g->at("on_membership");
    }
    template <class X>
    void on_entry(X&, std::string_view, std::string_view, payload, std::string_view) {
        g->at("on_entry");
    }
    bool is_member(std::string_view, peer_handle) { return g->at("is_member"), false; }
    template <class G>
    void for_each_topic(peer_handle, G) {
        g->at("for_each_topic");
    }
    template <class X>
    bool on_verdict(X&, detail::late_verdict&) {
        return g->at("on_verdict"), false;
    }
    template <class X>
    time_point on_tick(X&) {
        return g->at("on_tick"), time_point::max();
    }
};

struct guest_router {
    guests* g = nullptr;
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) const {
        g->at("router");
        const errc cause = direct_router{}.route(registry, from, e, to);
        if (cause == errc::ok && e.command == "bye") // and for another one
            if (const auto other = registry.find("clock"); other && e.to != "clock") to(other);
        return cause;
    }
};

struct guest_policy {
    guests* g;
    template <class Here>
    errc permit(const act& a, const Here& here) {
        g->at("policy");
        static_cast<void>(here.is_member("t", a.from));
        here.for_each_topic(a.from, [](std::string_view) {});
        return errc::ok;
    }
};

struct guest_log {
    guests* g;
    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        if (level == log_level::error)
            g->failures.push_back(std::string{event} + " " + std::string{fields[0].value});
        g->at("log");
    }
};

using all_features = features<guest_feature, topics, presence, requests, records<>, sessions, resume>;

// A hub full of guests, and a story in which all of them have something to do.
struct world {
    guests g;
    hub_bench<all_features, hooks<guest_hook>, guest_router, counting_json, guest_policy, guest_log> b{
        all_features{guest_feature{g}, topics{}, presence{{.delay = 0ms}}, requests{}, records<>{},
                     sessions{}, resume{}},
        hooks{guest_hook{&g}},
        guest_router{&g},
        hub_options{},
        guest_policy{&g},
        guest_log{&g}};
    script heard = {};                                           // by all
    std::vector<std::pair<std::string, std::string>> asked = {}; // by connection, with the id
    std::set<std::string> cut = {};                              // connections that have ended meanwhile
    int numbers = 0;

    void collect() {
        for (auto& m : b.heard_by_all()) heard.push_back(std::move(m));
    }
    bool is_here(const std::string& name) { return b.is_open(name) && b.at(name).usable() && b.peer(name); }
    void connect(const std::string& name, entrance how) {
        if (b.is_open(name)) b.close(name);
        b.connect(name, how);
        collect();
    }
    void connect(const std::string& name) { connect(name, {.id = name}); }
    void ask(const std::string& name, const std::string& request) {
        if (!is_here(name)) return;
        const auto id = std::to_string(++numbers);
        asked.emplace_back(name, id);
        b.say(name, "{" + request + R"(,"id":)" + id + "}");
        collect();
    }
    std::string attach(const std::string& id) {
        const auto made = b.h.attach(id, [this](call& c) {
            g.at("function");
            if (c.command == "request" && c.data.bytes == "2") c.defer().reply("7");
        });
        return made ? "ok" : std::string{cause_name(static_cast<errc>(made.error().value()))};
    }
    void pass(clock::duration d) {
        b.advance(d);
        collect();
    }

    void tell_story() {
        attach("clock");
        connect("ann");
        connect("bob");
        if (is_here("bob")) b.at("bob").answers_pings = false;
        connect("claimant", {.id = "bob"});
        std::string welcome;
        b.connect("wes", {.id = "wes", .target = "/?resume"});
        collect();
        for (const auto& m : heard)
            if (m.starts_with("wes ")) welcome = m;
        if (is_here("wes")) ask("wes", R"("cmd":"resume")");
        for (const auto& m : heard)
            if (!token_in(m).empty()) welcome = m;
        for (const auto* name : {"ann", "wes"}) {
            ask(name, R"("cmd":"join","topic":"t")");
            ask(name, R"("cmd":"watch","topic":"t")");
            ask(name, R"("cmd":"set","topic":"t","data":{"key":"k","value":1})");
        }
        ask("ann", R"("cmd":"offer","target":"wes","data":{"offer":1})");
        ask("ann", R"("cmd":"offer","target":"bob","data":{"offer":1})");
        ask("ann", R"("cmd":"session-start","target":"bob")");
        ask("ann", R"("cmd":"session-start","target":"clock")");
        ask("ann", R"("cmd":"session-start","target":"wes")");
        ask("wes", R"("cmd":"session-accept","target":"ann")");
        ask("ann", R"("cmd":"session-cancel","target":"bob")"); // is put off by the hook
        ask("ann", R"("cmd":"session-end","target":"bob")");    // by the feature
        ask("ann", R"("cmd":"bye","target":"bob")");            // is for two
        ask("ann", R"("cmd":"offer","target":"nobody","data":{"offer":1})");
        ask("ann", R"("cmd":"publish","topic":"t","data":1)");
        ask("ann", R"("cmd":"request","target":"clock","data":1)");
        ask("ann", R"("cmd":"request","target":"clock","data":2)"); // is answered late
        ask("ann", R"("cmd":"request","target":"bob","data":3)");   // never
        ask("ann", R"("cmd":"request","target":"wes","topic":"t","data":4)");
        ask("ann", R"("cmd":"info","target":"bob")");
        ask("ann", R"("cmd":"before")");
        ask("ann", R"("cmd":"behind")");
        if (is_here("ann")) {
            b.context().rename(b.peer("ann"), "anna");
            b.context().rename(b.peer("ann"), "ann");
        }
        if (is_here("wes")) b.lose("wes");
        ask("ann", R"("cmd":"bye","target":"wes")");
        ask("ann", R"("cmd":"offer","target":"wes","data":{"offer":2})");
        if (!welcome.empty()) connect("again", {.id = "", .target = "/?resume", .token = token_in(welcome)});
        ask("again", R"("cmd":"bye","target":"ann")");
        ask("again", R"("cmd":"resume","token":"of nobody")");
        pass(2s); // bob is dead: the claimant has its id
        ask("claimant", R"("cmd":"bye","target":"ann")");
        ask("ann", R"("cmd":"leave","topic":"t")");
        if (is_here("again")) b.lose("again");
        b.h.send("ann", "news");
        b.h.send("clock", "news");
        b.h.close("clock", errc::denied);
        pass(1min); // the window of wes ends, and all open requests have expired
    }

    // A request has one reply, unless its sender has gone.
    void check_replies() {
        for (const auto& [name, id] : asked) {
            const auto begin = name + R"( {"id":)" + id + R"(,"ok":)";
            unsigned n = 0;
            for (const auto& m : heard) n += m.starts_with(begin);
            BOOST_TEST(n <= 1u, "request " << id << " of " << name);
            if (name == "ann" && is_here("ann") && b.ended("ann") == errc::ok)
                BOOST_TEST(n == 1u, "request " << id << " of " << name);
        }
    }
    // It goes on as before, unless it was stopped.
    void check_life(bool stopped) {
        g.act = {};
        connect("new");
        connect("newer");
        if (stopped) {
            BOOST_TEST(b.ended("new") == errc::stopping);
            BOOST_TEST(b.h.size() == 0u);
        } else {
            BOOST_TEST_REQUIRE((is_here("new") && is_here("newer")));
            BOOST_TEST(b.ask("new", R"({"cmd":"bye","target":"newer"})") == "ok");
            const auto got = b.heard("newer");
            BOOST_TEST(!got.empty());
        }
        std::size_t n = 0;
        std::set<std::string> ids;
        b.h.for_each([&](std::string_view id, peer_handle who) {
            ++n;
            ids.emplace(id);
            BOOST_TEST((b.h.find(id) == who));
        });
        BOOST_TEST(n == b.h.size());
        BOOST_TEST(ids.size() == n);
    }
};

const char* const places[] = {"hook on_admit",
                              "hook on_open",
                              "hook on_message",
                              "hook on_deliver",
                              "hook on_outcome",
                              "hook on_close",
                              "on_request before its reply",
                              "on_request behind its reply",
                              "on_send",
                              "on_sent",
                              "on_undeliverable",
                              "on_enter",
                              "on_identify",
                              "on_identified",
                              "on_welcome",
                              "on_open",
                              "on_connection_lost",
                              "on_away",
                              "on_reconnected",
                              "on_close",
                              "on_received",
                              "can_keep",
                              "on_delivery",
                              "on_call",
                              "on_rename",
                              "on_renamed",
                              "on_join",
                              "on_membership",
                              "on_entry",
                              "is_member",
                              "for_each_topic",
                              "on_verdict",
                              "on_tick",
                              "router",
                              "policy",
                              "log",
                              "function"};

BOOST_AUTO_TEST_SUITE(host_code)

BOOST_AUTO_TEST_CASE(the_story_comes_by_all_of_them) {
    world w;
    w.tell_story();
    w.check_replies();
    for (const auto* place : places) BOOST_TEST(w.g.visits[place] > 0u, place);
    BOOST_TEST(w.g.visits.size() == std::size(places));
    w.check_life(false);
    BOOST_TEST(w.g.failures.empty());
}

BOOST_AUTO_TEST_CASE(a_throw_anywhere_ends_no_more_than_the_event_in_hand) {
    for (const auto* place : places)
        for (const bool standard : {true, false}) BOOST_TEST_CONTEXT(place) {
                world w;
                w.g.place = place;
                w.g.act = [standard] {
                    if (standard) throw std::runtime_error{"no"};
                    throw 42;
                };
                w.tell_story();
                w.check_replies();
                BOOST_TEST(w.g.visits[place] > 0u);
                w.check_life(false);
                // The log is told, unless it is the log, or the part has told the peer in its place.
                if (place == std::string_view{"log"} || place == std::string_view{"function"}) continue;
                BOOST_TEST_REQUIRE(!w.g.failures.empty());
                for (const auto& f : w.g.failures)
                    BOOST_TEST(f == (standard ? "callback_failed no" : "callback_failed unknown exception"));
            }
}

// What the host program may do wherever it is called.
struct host_act {
    const char* name;
    void (*run)(world&);
    bool stops = false;
};
const host_act acts[] = {
    {"sends",
     [](world& w) {
         for (const auto* to : {"ann", "bob", "wes", "clock", "nobody"}) w.b.h.send(to, "news", "[1]");
     }},
    {"closes ann", [](world& w) { w.b.h.close("ann", errc::denied); }},
    {"closes bob", [](world& w) { w.b.h.close("bob", errc::denied); }},
    {"closes wes", [](world& w) { w.b.h.close("wes", errc::denied); }},
    {"closes the clock", [](world& w) { w.b.h.close("clock", errc::denied); }},
    {"closes all",
     [](world& w) {
         w.b.h.for_each([&](std::string_view id, peer_handle) { w.b.h.close(id, errc::denied); });
     }},
    {"attaches",
     [](world& w) {
         for (int i = 0; i < 3; ++i) w.attach("f" + std::to_string(++w.numbers));
         w.attach("bob");
         w.attach("wes");
     }},
    {"closes and attaches",
     [](world& w) {
         for (const auto* id : {"clock", "bob"}) {
             w.b.h.close(id, errc::denied);
             w.attach(id);
         }
     }},
    {"looks around",
     [](world& w) {
         std::size_t n = 0;
         w.b.h.for_each([&](std::string_view id, peer_handle who) {
             ++n;
             static_cast<void>(w.b.h.is_online(who));
             BOOST_TEST(!id.empty());
         });
         BOOST_TEST(n <= w.b.h.size() + 1); // one that is coming or going
         w.b.get<topics>().publish(w.b.context(), "t", "[2]");
     }},
    {"stops", [](world& w) { w.b.h.stop(); }, true},
};

BOOST_AUTO_TEST_CASE(the_host_program_may_call_the_hub_from_anywhere) {
    for (const auto* place : places)
        for (const auto& a : acts) BOOST_TEST_CONTEXT(a.name << " at " << place) {
                world w;
                w.g.place = place;
                w.g.act = [&w, &a] { a.run(w); };
                w.tell_story();
                w.check_replies();
                BOOST_TEST(w.g.visits[place] > 0u);
                w.check_life(a.stops);
            }
}

// --- how the event in hand ends

struct calm : world {
    calm() {
        attach("clock");
        for (const auto* name : {"ann", "bob"}) connect(name);
        connect("wes");
        ask("wes", R"("cmd":"resume")");
        b.lose("wes");
    }
    std::string tell(const std::string& request) { return b.ask("ann", "{" + request + "}"); }
};

BOOST_AUTO_TEST_CASE(a_request_in_hand_ends_as_an_internal_error) {
    const struct {
        const char* place;
        const char* request;
        const char* reply;
    } rows[] = {
        {"hook on_message", R"("cmd":"bye","target":"bob")", "internal_error"},
        {"hook on_message", R"("cmd":"join","topic":"t")", "internal_error"},
        {"hook on_deliver", R"("cmd":"bye","target":"wes")", "internal_error"},
        {"policy", R"("cmd":"bye","target":"bob")", "internal_error"},
        {"policy", R"("cmd":"join","topic":"t")", "internal_error"},
        {"on_send", R"("cmd":"bye","target":"bob")", "internal_error"},
        {"router", R"("cmd":"bye","target":"bob")", "internal_error"},
        {"on_undeliverable", R"("cmd":"bye","target":"nobody")", "internal_error"},
        {"can_keep", R"("cmd":"offer","target":"wes","data":{"offer":1})", "internal_error"},
        {"on_join", R"("cmd":"join","topic":"t")", "internal_error"},
        {"on_request before its reply", R"("cmd":"before")", "internal_error"},
        {"function", R"("cmd":"request","target":"clock","data":1)", "internal_error"},
        // A callback that only hears of it changes nothing.
        {"on_request behind its reply", R"("cmd":"behind")", "ok"},
        {"on_sent", R"("cmd":"bye","target":"bob")", "ok"},
        {"on_call", R"("cmd":"bye","target":"clock")", "ok"},
        {"hook on_outcome", R"("cmd":"bye","target":"bob")", "ok"},
    };
    for (const auto& row : rows) BOOST_TEST_CONTEXT(row.place << " " << row.request) {
            calm w;
            w.g.place = row.place;
            w.g.act = [] { throw std::runtime_error{"no"}; };
            BOOST_TEST(w.tell(row.request) == row.reply);
            w.g.act = {};
            BOOST_TEST(w.b.ended("ann") == errc::ok);
            BOOST_TEST(w.tell(R"("cmd":"bye","target":"bob")") == "ok");
            BOOST_TEST(!w.b.context().is_member("t", w.b.peer("ann")));
        }
}

BOOST_AUTO_TEST_CASE(a_connection_in_hand_ends_as_an_internal_error) {
    for (const auto* place :
         {"hook on_admit", "hook on_open", "on_enter", "on_identify", "on_welcome", "on_open"})
        BOOST_TEST_CONTEXT(place) {
            calm w;
            w.g.place = place;
            w.g.act = [] { throw std::runtime_error{"no"}; };
            const auto before = w.b.h.size();
            w.connect("eve", {.id = "eve", .target = "/?resume", .token = "not one of ours"});
            BOOST_TEST(w.b.ended("eve") == errc::internal_error);
            BOOST_TEST(!w.b.h.find("eve"));
            BOOST_TEST(w.b.h.size() == before);
            w.g.act = {};
            w.connect("eve");
            BOOST_TEST(w.is_here("eve"));
            BOOST_TEST(w.tell(R"("cmd":"bye","target":"eve")") == "ok");
        }
}

BOOST_AUTO_TEST_CASE(a_peer_is_not_waited_for_if_the_judge_of_its_loss_throws) {
    world w;
    w.connect("wes");
    w.ask("wes", R"("cmd":"resume")");
    w.g.place = "on_connection_lost";
    w.g.act = [] { throw 42; };
    w.b.lose("wes");
    BOOST_TEST(!w.b.h.find("wes"));
}

BOOST_AUTO_TEST_CASE(a_log_that_throws_while_it_is_told_of_a_throw_is_let_be) {
    calm w;
    w.g.place = "hook on_message";
    auto& g = w.g;
    unsigned throws = 0;
    g.act = [&] {
        g.place = "log";
        throw ++throws;
    };
    BOOST_TEST(w.tell(R"("cmd":"bye","target":"bob")") == "internal_error");
    BOOST_TEST(throws == 2u);
    g.act = {};
    BOOST_TEST(w.tell(R"("cmd":"bye","target":"bob")") == "ok");
}

// --- calls of the host program take effect when the event in hand is dealt with

BOOST_AUTO_TEST_CASE(a_close_waits_for_the_event_in_hand) {
    calm w;
    w.g.place = "hook on_message";
    bool still_there = false;
    w.g.act = [&] {
        BOOST_TEST(w.b.h.close("ann", errc::denied));
        BOOST_TEST(w.b.h.close("bob", errc::denied));
        still_there = static_cast<bool>(w.b.h.find("bob"));
    };
    BOOST_TEST(w.tell(R"("cmd":"bye","target":"bob")") == "ok"); // it was dealt with before
    BOOST_TEST(still_there);
    same(w.b.heard("bob"), {R"({"cmd":"bye","origin":"ann"})"});
    BOOST_TEST((w.b.ended("ann") == errc::denied && w.b.ended("bob") == errc::denied));
    BOOST_TEST(w.b.h.size() == 2u); // wes and the clock
}

BOOST_AUTO_TEST_CASE(a_send_acts_at_once) {
    calm w;
    w.g.place = "hook on_message";
    w.g.act = [&] { BOOST_TEST((w.b.h.send("bob", "news") == errc::ok)); };
    BOOST_TEST(w.tell(R"("cmd":"bye","target":"bob")") == "ok");
    same(w.b.heard("bob"), {R"({"cmd":"news"})", R"({"cmd":"bye","origin":"ann"})"});
}

BOOST_AUTO_TEST_CASE(closes_in_a_close_come_one_after_the_other) {
    calm w;
    w.g.place = "hook on_close";
    std::vector<std::string> order;
    std::size_t depth = 0, deepest = 0;
    w.g.act = [&] {
        deepest = std::max(deepest, ++depth);
        w.g.busy = false; // as deep as it goes
        w.b.h.for_each([&](std::string_view id, peer_handle) {
            order.emplace_back(id);
            w.b.h.close(id, errc::denied);
        });
        --depth;
    };
    BOOST_TEST(w.b.h.close("ann", errc::denied));
    BOOST_TEST(w.b.h.size() == 0u);
    BOOST_TEST(deepest == 1u);
    w.b.settle();
    w.g.act = {};
    w.connect("ann");
    BOOST_TEST(w.is_here("ann"));
}

BOOST_AUTO_TEST_CASE(a_stop_in_a_close_ends_everybody_once) {
    calm w;
    w.g.place = "hook on_close";
    unsigned closes = 0;
    w.g.act = [&] {
        ++closes;
        w.b.h.stop();
    };
    BOOST_TEST(w.b.h.close("ann", errc::denied));
    BOOST_TEST(w.b.h.size() == 0u);
    BOOST_TEST(closes == 3u); // ann, bob and wes
    BOOST_TEST(w.attach("late") == "stopping");
}

// Ends a peer that is to be sent something, and the next one.
struct closer {
    std::function<void()> act;
    bool on_deliver(peer_handle, const event::publish&) { return act(), true; }
};

BOOST_AUTO_TEST_CASE(a_publication_of_the_host_program_goes_round_before_anybody_is_closed) {
    std::function<void()> close_all;
    hub_bench b{features{topics{}}, hooks{closer{[&] { close_all(); }}}};
    close_all = [&] { b.h.for_each([&](std::string_view id, peer_handle) { b.h.close(id, errc::denied); }); };
    for (const auto* name : {"ann", "bob", "cyd"}) {
        b.connect(name);
        b.ask(name, R"({"cmd":"join","topic":"t"})");
    }
    BOOST_TEST((b.get<topics>().publish(b.context(), "t", "[1]") == errc::ok));
    BOOST_TEST(b.h.size() == 0u);
    for (const auto* name : {"ann", "bob", "cyd"}) BOOST_TEST(b.heard(name).size() == 1u, name);
}

BOOST_AUTO_TEST_CASE(a_feature_may_end_a_peer_that_is_being_renamed) {
    calm w;
    w.g.place = "on_rename";
    const auto ann = w.b.peer("ann");
    w.g.act = [&] { w.b.context().close(ann, errc::denied); };
    BOOST_TEST(w.b.context().rename(ann, "anna") == errc::offline);
    BOOST_TEST((!w.b.h.find("ann") && !w.b.h.find("anna")));
    w.b.settle();
    w.g.act = [&] { BOOST_TEST(w.attach("bobby") == "ok"); };
    BOOST_TEST(w.b.context().rename(w.b.peer("bob"), "bobby") == errc::id_in_use);
    BOOST_TEST((w.b.h.find("bob") == w.b.peer("bob")));
    w.check_life(false);
}

BOOST_AUTO_TEST_CASE(an_id_that_was_attached_meanwhile_is_not_given_twice) {
    calm w;
    w.b.at("bob").answers_pings = false;
    w.connect("claimant", {.id = "bob"});
    w.g.place = "hook on_close";
    w.g.act = [&] { BOOST_TEST(w.attach("bob") == "ok"); };
    w.pass(2s);
    BOOST_TEST(w.b.ended("bob") == errc::pong_timeout);
    BOOST_TEST(w.b.ended("claimant") == errc::id_in_use);
    w.g.act = {};
    BOOST_TEST(w.tell(R"("cmd":"request","target":"bob","data":1)") == "ok");
    BOOST_TEST(w.b.h.close("bob", errc::denied));
    BOOST_TEST(!w.b.h.find("bob"));
}

BOOST_AUTO_TEST_CASE(a_message_is_for_the_peer_that_was_asked_and_not_for_the_next_of_its_id) {
    calm w;
    // A feature ends the function that a message is for, and the host program attaches another one.
    std::string told;
    w.g.place = "on_sent";
    w.g.act = [&] {
        w.b.context().close(w.b.h.find("clock"), errc::denied);
        BOOST_TEST(w.b.h.attach("clock", [&](call& c) { told = c.command; }).has_value());
    };
    BOOST_TEST(w.tell(R"("cmd":"offer","target":"clock","data":{"offer":1})") == "ok");
    BOOST_TEST(told == "");
    w.g.act = {};
    BOOST_TEST(w.tell(R"("cmd":"offer","target":"clock","data":{"offer":1})") == "ok");
    BOOST_TEST(told == "offer");
}

BOOST_AUTO_TEST_CASE(the_host_program_may_do_all_that_before_anybody_is_here) {
    for (const auto& a : acts) BOOST_TEST_CONTEXT(a.name) {
            world w;
            a.run(w);
            w.check_life(a.stops);
        }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
