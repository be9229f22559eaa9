// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/policy.hpp>

#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/commands.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

std::string name_of(action a) {
    switch (a) {
    case action::send: return "say";
    case action::request: return "request";
    case action::watch: return "watch";
    case action::lookup: return "lookup";
    case action::join: return "join";
    case action::info: return "info";
    case action::publish: return "publish";
    case action::set: return "set";
    }
    return "?";
}

struct badge {
    std::string role;
};
struct gives_badges {
    errc on_admit(const request& r, admission& a) {
        if (const auto role = r.query("role"); !role.empty()) a.attached.put(badge{role});
        return errc::ok;
    }
};

// A policy of one's own, that notes what it is asked. Its answers are up to the test.
struct witness {
    script* asked;
    const errc* answer;
    const bool* throws;

    template <class Here>
    errc permit(const act& a, const Here& here) {
        // The ids are those of the handles, and a peer that is not here has none.
        BOOST_TEST((here.find(a.from_id) == a.from));
        BOOST_TEST(here.id(a.from) == a.from_id);
        BOOST_TEST((here.find(a.to_id) == a.to));
        if (a.to) BOOST_TEST(here.id(a.to) == a.to_id);
        std::string topics;
        here.for_each_topic(a.from, [&](std::string_view t) {
            BOOST_TEST(here.is_member(t, a.from));
            topics += (topics.empty() ? "" : ",") + std::string{t};
        });
        const notes* const noted = here.notes_of(a.from);
        const auto* const b = noted == nullptr ? nullptr : noted->find<badge>();
        asked->push_back(name_of(a.what) + " " + std::string{a.command} + " " + std::string{a.from_id} +
                         (a.to_id.empty() ? "" : " to " + std::string{a.to_id}) +
                         (a.to_id.empty() || a.to ? "" : " (nobody)") +
                         (a.topic.empty() ? "" : " in " + std::string{a.topic}) +
                         (!a.topic.empty() && here.is_member(a.topic, a.from) ? " (member)" : "") +
                         (topics.empty() ? "" : " of " + topics) + (b == nullptr ? "" : " as " + b->role));
        if (*throws) throw std::runtime_error{"no"};
        return *answer;
    }
};

using all_features = features<topics, presence, requests, records<>, sessions, resume>;

struct world {
    script asked;
    errc answer = errc::ok;
    bool throws = false;
    hub_bench<all_features, hooks<gives_badges, commands>, direct_router, counting_json, witness> b{
        all_features{topics{}, presence{}, requests{}, records<>{}, sessions{}, resume{}},
        hooks{gives_badges{}, commands{{"own",
                                        [](message_context& c, const command_view&) {
                                            c.reply();
                                            return errc::ok;
                                        }}}},
        direct_router{}, hub_options{}, witness{&asked, &answer, &throws}};

    world() {
        b.connect("ann", {.id = "ann", .target = "/?role=guest"});
        b.connect("bob");
    }
    script take() { return std::exchange(asked, {}); }
    std::string ask(const std::string& request) { return b.ask("ann", "{" + request + "}"); }
};

BOOST_AUTO_TEST_SUITE(policies)

// --- a policy of one's own

BOOST_FIXTURE_TEST_CASE(each_action_is_asked_about_with_its_target, world) {
    const struct {
        const char* request;
        const char* asked;
    } rows[] = {
        {R"("cmd":"join","topic":"t")", "join join ann in t as guest"},
        {R"("cmd":"join","topic":"t")", "join join ann in t (member) of t as guest"},
        {R"("cmd":"offer","target":"bob","data":{"offer":1})", "say offer ann to bob of t as guest"},
        {R"("cmd":"offer","target":"eve","data":{"offer":1})", "say offer ann to eve (nobody) of t as guest"},
        {R"("cmd":"offer","target":"ann","data":{"offer":1})", "say offer ann to ann of t as guest"},
        {R"("cmd":"session-start","target":"bob")", "say session-start ann to bob of t as guest"},
        {R"("cmd":"request","target":"bob","data":1)", "request request ann to bob of t as guest"},
        {R"("cmd":"request","target":"bob","topic":"t","data":1)",
         "request request ann to bob in t (member) of t as guest"},
        {R"("cmd":"watch","topic":"t")", "watch watch ann in t (member) of t as guest"},
        {R"("cmd":"watch","target":"bob")", "watch watch ann to bob of t as guest"},
        {R"("cmd":"lookup","topic":"u")", "lookup lookup ann in u of t as guest"},
        {R"("cmd":"info","target":"bob")", "info info ann to bob of t as guest"},
        {R"("cmd":"info")", "info info ann of t as guest"},
        {R"("cmd":"exists","target":"eve")", "info exists ann to eve (nobody) of t as guest"},
        {R"("cmd":"publish","topic":"t","data":1)", "publish publish ann in t (member) of t as guest"},
        {R"("cmd":"set","topic":"t","data":{"key":"k","value":1})",
         "set set ann in t (member) of t as guest"},
        {R"("cmd":"unset","topic":"t","data":{"key":"k"})", "set unset ann in t (member) of t as guest"},
    };
    for (const auto& row : rows) BOOST_TEST_CONTEXT(row.request) {
            ask(row.request);
            same(take(), {row.asked});
        }
    // Without notes, from another peer.
    b.say("bob", R"({"cmd":"bye","target":"ann","id":1})");
    same(take(), {"say bye bob to ann"});
}

BOOST_FIXTURE_TEST_CASE(about_nothing_else_is_it_asked, world) {
    ask(R"("cmd":"join","topic":"t")");
    ask(R"("cmd":"watch","topic":"t")");
    b.say("bob", R"({"cmd":"request","target":"ann","id":1,"data":7})");
    take();
    for (const auto* request :
         {R"("cmd":"unwatch","topic":"t")", R"("cmd":"create")", R"("cmd":"update","data":{"metadata":{}})",
          R"("cmd":"delete")", R"("cmd":"resume")", R"("cmd":"leave","topic":"t")",
          R"("cmd":"own","target":"bob","topic":"t")", R"("cmd":"dance","target":"bob")"})
        BOOST_TEST(ask(request) != "");
    b.say("ann", R"({"cmd":"ack","received":1})");
    b.say("ann", R"({"cmd":"respond","request":1})");
    same(take(), {});
    // Nor about what the host program does.
    BOOST_TEST((b.h.send("ann", "news") == errc::ok));
    BOOST_TEST((b.get<topics>().publish(b.context(), "t", "[]") == errc::unknown));
    BOOST_TEST(b.h.attach("clock", [](call&) {}).has_value());
    BOOST_TEST(b.h.close("clock", errc::denied));
    same(take(), {});
}

BOOST_FIXTURE_TEST_CASE(the_peer_is_told_the_answer_of_the_policy, world) {
    const std::string requests[] = {R"("cmd":"join","topic":"t")",
                                    R"("cmd":"offer","target":"bob","data":{"offer":1})",
                                    R"("cmd":"offer","target":"eve","data":{"offer":1})",
                                    R"("cmd":"request","target":"bob","data":1)",
                                    R"("cmd":"watch","target":"bob")",
                                    R"("cmd":"lookup","topic":"t")",
                                    R"("cmd":"info","target":"bob")",
                                    R"("cmd":"exists","target":"bob")",
                                    R"("cmd":"publish","topic":"t","data":1)",
                                    R"("cmd":"set","topic":"t","data":{"key":"k","value":1})",
                                    R"("cmd":"unset","topic":"t","data":{"key":"k"})"};
    b.ask("bob", R"({"cmd":"join","topic":"t"})");
    for (const errc cause : {errc::denied, errc::unknown, errc::rate}) {
        answer = cause;
        for (const auto& r : requests) BOOST_TEST(ask(r) == cause_name(cause), r);
    }
    // A verdict is no answer.
    for (const errc verdict : {errc::held, errc::forwarded, errc::deferred}) {
        answer = verdict;
        for (const auto& r : requests) BOOST_TEST(ask(r) == "denied", r);
    }
    same(b.heard("bob"), {}); // and nothing of it was done
    BOOST_TEST(!b.context().is_member("t", b.peer("ann")));
    b.advance(1min);
    same(b.heard("ann"), {});
}

BOOST_FIXTURE_TEST_CASE(a_faulty_request_is_answered_by_its_fault, world) {
    answer = errc::denied;
    take();
    BOOST_TEST(ask(R"("cmd":"join")") == "malformed");
    BOOST_TEST(ask(R"("cmd":"offer","data":{"offer":1})") == "missing_target");
    same(take(), {});
}

BOOST_FIXTURE_TEST_CASE(a_policy_that_throws_permits_nothing_and_ends_the_request, world) {
    throws = true;
    BOOST_TEST(ask(R"("cmd":"join","topic":"t")") == "internal_error");
    BOOST_TEST(ask(R"("cmd":"offer","target":"bob","data":{"offer":1})") == "internal_error");
    BOOST_TEST(ask(R"("cmd":"info","target":"bob")") == "internal_error");
    throws = false;
    BOOST_TEST(ask(R"("cmd":"offer","target":"bob","data":{"offer":1})") == "ok");
    BOOST_TEST(b.heard("bob").size() == 1u);
}

// Refuses, or answers, by command.
struct clerk {
    std::vector<deferral>* tickets;
    errc on_message(message_context& c, event::send& e) {
        if (e.command == "bye") return errc::rate;
        if (e.command == "session-start") {
            tickets->push_back(c.defer());
            return errc::deferred;
        }
        if (e.command == "session-cancel") e.to = "bob";
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(it_is_asked_behind_the_hooks_and_once) {
    script asked;
    const errc answer = errc::ok;
    const bool throws = false;
    std::vector<deferral> tickets;
    hub_bench<features<topics>, hooks<clerk>, direct_router, counting_json, witness> b{
        features{topics{}}, hooks{clerk{&tickets}}, direct_router{}, hub_options{},
        witness{&asked, &answer, &throws}};
    b.connect("ann");
    b.connect("bob");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "rate");
    same(std::exchange(asked, {}), {});
    BOOST_TEST(b.ask("ann", R"({"cmd":"session-cancel","target":"eve"})") == "ok");
    same(std::exchange(asked, {}), {"say session-cancel ann to bob"}); // as the hook changed it
    b.ask("ann", R"({"cmd":"session-start","target":"bob"})");
    same(std::exchange(asked, {}), {});
    tickets.at(0).pass();
    b.settle();
    same(std::exchange(asked, {}), {"say session-start ann to bob"});
    BOOST_TEST(b.heard("ann").size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_host_program_can_reach_its_policy) {
    script asked;
    const errc answer = errc::ok;
    const bool throws = false;
    hub_bench<features<>, no_hooks, direct_router, counting_json, witness> b{
        features{}, no_hooks{}, direct_router{}, hub_options{}, witness{&asked, &answer, &throws}};
    BOOST_TEST((b.get<witness>().asked == &asked));
}

// --- private rooms

struct rooms {
    hub_bench<all_features, hooks<gives_badges>, direct_router, counting_json, private_rooms> b;

    explicit rooms(private_rooms_options o = {})
        : b{all_features{topics{}, presence{}, requests{}, records<>{}, sessions{}, resume{}},
            hooks{gives_badges{}}, direct_router{}, hub_options{}, private_rooms{std::move(o)}} {
        for (const auto* name : {"ann", "bob", "cyd"})
            b.connect(name, {.id = name, .target = "/?role=guest"});
        b.connect("eve", {.id = "eve"});
        for (const auto* name : {"ann", "bob"}) BOOST_TEST(join(name, "red").starts_with("ok"));
        BOOST_TEST(join("cyd", "blue").starts_with("ok"));
    }
    std::string ask(const std::string& name, const std::string& request) {
        return b.ask(name, "{" + request + "}");
    }
    std::string join(const std::string& name, const std::string& topic) {
        return ask(name, R"("cmd":"join","topic":")" + topic + '"');
    }
    std::string offer(const std::string& from, const std::string& to) {
        return ask(from, R"("cmd":"offer","target":")" + to + R"(","data":{"offer":1})");
    }
};

BOOST_AUTO_TEST_CASE(peers_reach_each_other_while_they_share_a_topic) {
    rooms r;
    BOOST_TEST(r.offer("ann", "bob") == "ok");
    for (const auto* request :
         {R"("cmd":"offer","target":"cyd","data":{"offer":1})", R"("cmd":"session-start","target":"cyd")",
          R"("cmd":"request","target":"cyd","data":1)", R"("cmd":"watch","target":"cyd")",
          R"("cmd":"info","target":"cyd")", R"("cmd":"exists","target":"cyd")"})
        for (const auto* from : {"ann", "eve"}) BOOST_TEST(r.ask(from, request) == "unknown", request);
    // As though there were nobody.
    BOOST_TEST(r.ask("ann", R"("cmd":"exists","target":"nobody")") == "unknown");
    BOOST_TEST(r.offer("ann", "nobody") == "unknown");
    same(r.b.heard("cyd"), {});
    // Of itself a peer may know all.
    BOOST_TEST(r.ask("eve", R"("cmd":"info","target":"eve")").starts_with("ok"));
    BOOST_TEST(r.ask("eve", R"("cmd":"info")").starts_with("ok"));
    BOOST_TEST(r.offer("eve", "eve") == "self");
    // A topic more, and it is another world.
    r.join("cyd", "red");
    BOOST_TEST(r.offer("ann", "cyd") == "ok");
    BOOST_TEST(r.ask("ann", R"("cmd":"info","target":"cyd")").starts_with("ok"));
    r.ask("cyd", R"("cmd":"leave","topic":"red")");
    BOOST_TEST(r.offer("ann", "cyd") == "unknown");
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_no_member_neither_looks_into_a_topic_nor_changes_it) {
    rooms r;
    for (const auto* from : {"cyd", "eve"}) {
        BOOST_TEST(r.ask(from, R"("cmd":"lookup","topic":"red")") == "unknown");
        BOOST_TEST(r.ask(from, R"("cmd":"watch","topic":"red")") == "unknown");
        BOOST_TEST(r.ask(from, R"("cmd":"publish","topic":"red","data":1)") == "denied");
        BOOST_TEST(r.ask(from, R"("cmd":"set","topic":"red","data":{"key":"k","value":1})") == "denied");
        BOOST_TEST(r.ask(from, R"("cmd":"unset","topic":"red","data":{"key":"k"})") == "denied");
        BOOST_TEST(r.ask(from, R"("cmd":"request","topic":"red","target":"ann","data":1)") == "denied");
        // As of a topic that is not there.
        BOOST_TEST(r.ask(from, R"("cmd":"lookup","topic":"none")") == "unknown");
        BOOST_TEST(r.ask(from, R"("cmd":"publish","topic":"none","data":1)") == "denied");
    }
    same(r.b.heard("ann"), {});
    BOOST_TEST(r.ask("ann", R"("cmd":"lookup","topic":"red")").starts_with(R"(ok {"count":2,)"));
    BOOST_TEST(r.ask("ann", R"("cmd":"watch","topic":"red")") == "ok");
    BOOST_TEST(r.ask("ann", R"("cmd":"publish","topic":"red","data":1)") == "ok");
    BOOST_TEST(r.ask("ann", R"("cmd":"set","topic":"red","data":{"key":"k","value":1})") == "ok");
    BOOST_TEST(r.ask("ann", R"("cmd":"request","topic":"red","target":"bob","data":1)") == "");
}

BOOST_AUTO_TEST_CASE(rules_of_the_host_program_decide_on_joining_and_looking) {
    const auto has_badge = [](const notes* n) { return n != nullptr && n->find<badge>() != nullptr; };
    std::vector<std::string> asked;
    private_rooms_options o;
    o.may_join = [&](const act& a, const notes* n) {
        asked.push_back(std::string{a.from_id} + " " + std::string{a.topic});
        return has_badge(n);
    };
    o.may_read = [&](const act& a, const notes* n) { return has_badge(n) && a.topic != "blue"; };
    rooms r{std::move(o)};
    BOOST_TEST(asked == (std::vector<std::string>{"ann red", "bob red", "cyd blue"}),
               boost::test_tools::per_element());
    BOOST_TEST(r.join("eve", "red") == "denied");
    BOOST_TEST(!r.b.context().is_member("red", r.b.peer("eve")));
    BOOST_TEST(r.ask("cyd", R"("cmd":"lookup","topic":"red")").starts_with("ok"));
    BOOST_TEST(r.ask("cyd", R"("cmd":"watch","topic":"red")") == "ok");
    BOOST_TEST(r.ask("ann", R"("cmd":"lookup","topic":"blue")") == "unknown");
    BOOST_TEST(r.ask("eve", R"("cmd":"lookup","topic":"red")") == "unknown");
    // To look is not to change.
    BOOST_TEST(r.ask("cyd", R"("cmd":"publish","topic":"red","data":1)") == "denied");
}

BOOST_AUTO_TEST_CASE(rules_that_throw_let_nobody_in) {
    private_rooms_options o;
    o.may_join = [](const act& a, const notes*) -> bool {
        if (a.from_id == "eve") throw std::runtime_error{"no"};
        return true;
    };
    rooms r{std::move(o)};
    BOOST_TEST(r.join("eve", "red") == "internal_error");
    BOOST_TEST(!r.b.context().is_member("red", r.b.peer("eve")));
}

BOOST_AUTO_TEST_CASE(rooms_may_keep_their_topics_private_and_not_their_peers) {
    private_rooms_options o;
    o.members_only = false;
    rooms r{std::move(o)};
    BOOST_TEST(r.offer("ann", "cyd") == "ok");
    BOOST_TEST(r.ask("eve", R"("cmd":"exists","target":"cyd")") == R"(ok {"exists":true})");
    BOOST_TEST(r.offer("ann", "nobody") == "unknown");
    BOOST_TEST(r.ask("eve", R"("cmd":"lookup","topic":"red")") == "unknown");
    BOOST_TEST(r.ask("eve", R"("cmd":"publish","topic":"red","data":1)") == "denied");
}

BOOST_AUTO_TEST_CASE(a_member_that_is_away_is_reached_and_one_that_has_gone_is_not) {
    rooms r;
    BOOST_TEST(r.ask("bob", R"("cmd":"resume")").starts_with("ok"));
    r.b.lose("bob");
    BOOST_TEST(r.offer("ann", "bob") == "ok");
    r.b.advance(31s);
    BOOST_TEST(r.offer("ann", "bob") == "unknown");
    BOOST_TEST(r.ask("ann", R"("cmd":"exists","target":"bob")") == "unknown");
}

BOOST_AUTO_TEST_CASE(without_topics_private_rooms_reach_nobody) {
    hub_bench<features<>, no_hooks, direct_router, counting_json, private_rooms> b;
    b.connect("ann");
    b.connect("bob");
    BOOST_TEST(b.ask("ann", R"({"cmd":"offer","target":"bob","data":{"offer":1}})") == "unknown");
    BOOST_TEST((b.h.send("ann", "news") == errc::ok)); // the host program does
    BOOST_TEST(b.heard("ann").size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
