// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/feature.hpp>

#include <sigfire/admission/bearer.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// A feature with every member, that notes what it is asked. Its answers are up to the test.
struct orders {
    script notes;
    errc entering[3] = {}, claiming[3] = {}, sending[3] = {},
         missed[3] = {errc::unknown, errc::unknown, errc::unknown};
    politeness receivers = politeness::none, senders = politeness::none; // parts in a session
    const char* says = nullptr;                                          // in a welcome
    bool outlives[3] = {}, can_keep[3] = {}, answers[3] = {};
    peer_handle back;
    time_point due[3] = {time_point::max(), time_point::max(), time_point::max()};

    script take() { return std::exchange(notes, {}); }
};

template <class E>
std::string_view name_of(const E& e) {
    if constexpr (requires { e.command; })
        return e.command;
    else if constexpr (std::is_same_v<E, event::reply>)
        return "reply";
    else
        return "something else";
}

template <int N, class Taken>
struct witness : feature {
    orders* o;

    explicit witness(orders& all) : o(&all) {}

    void note(std::string_view what, std::string_view about = {}) {
        o->notes.push_back(std::to_string(N) + " " + std::string{what} + (about.empty() ? "" : " ") +
                           std::string{about});
    }

    template <class X>
    void on_request(X& hub, peer_handle from, Taken& e) {
        BOOST_TEST(hub.is_online(from));
        note("request", e.command);
        event::reply said;
        const auto number = std::to_string(N);
        said.token = e.token;
        said.data.bytes = number;
        hub.reply(from, said);
    }
    template <class X>
    errc on_send(X& hub, peer_handle from, event::send& e) {
        BOOST_TEST(hub.id(from) == e.from);
        BOOST_TEST(e.id.empty());
        note("send", e.to);
        if (N == 1) e.role = o->receivers;
        return o->sending[N];
    }
    template <class X>
    void on_sent(X&, peer_handle, const event::send& e, politeness& senders) {
        BOOST_TEST((e.id.size() == 21u && e.role == o->receivers));
        BOOST_TEST((senders == politeness::none));
        note("sent", e.to);
        if (N == 2) senders = o->senders;
    }
    template <class X, class E>
    errc on_undeliverable(X&, peer_handle, const E& e, errc cause) {
        note("missed", std::string{e.token.bytes} + " " + std::string{cause_name(cause)});
        return o->missed[N] == errc::unknown ? cause : o->missed[N];
    }
    template <class X>
    errc on_claim(X& hub, peer_handle holder, const admission&) {
        note("claim", hub.id(holder));
        return o->claiming[N];
    }
    template <class X>
    errc on_enter(X&, const admission& a) {
        note("enter", a.id);
        return o->entering[N];
    }
    template <class X>
    peer_handle on_identify(X&, const admission& a) {
        note("return", a.token);
        return N == 2 ? o->back : peer_handle{};
    }
    template <class X>
    void on_identified(X& hub, peer_handle p, const admission&) {
        note("returned", hub.id(p));
    }
    template <class X>
    void on_welcome(X& hub, peer_handle p, const admission&, event::welcome& welcome) {
        BOOST_TEST(hub.id(p) == welcome.peer);
        note("welcome", welcome.peer);
        if (N == 2 && o->says != nullptr) welcome.configuration.bytes = o->says;
    }
    template <class X>
    void on_open(X& hub, peer_handle p, const admission& granted) {
        BOOST_TEST(hub.id(p) == granted.id);
        note("open", granted.id);
    }
    template <class X>
    bool on_connection_lost(X& hub, peer_handle p, errc why) {
        note("loss", std::string{hub.id(p)} + " " + std::string{cause_name(why)});
        return o->outlives[N];
    }
    template <class X>
    void on_away(X& hub, peer_handle p) {
        BOOST_TEST((hub.is_away(p) && !hub.is_online(p)));
        note("away", hub.id(p));
    }
    template <class X>
    void on_reconnected(X& hub, peer_handle p) {
        BOOST_TEST((!hub.is_away(p) && hub.is_online(p)));
        note("back", hub.id(p));
    }
    template <class X>
    void on_close(X& hub, peer_handle p, errc why) {
        BOOST_TEST(!hub.is_online(p));
        BOOST_TEST((hub.find(hub.id(p)) != p));
        BOOST_TEST(hub.send(p, event::send{}) == errc::offline);
        note("close", std::string{hub.id(p)} + " " + std::string{cause_name(why)});
    }
    template <class X>
    void on_received(X&, peer_handle, const event::incoming& e, bool) {
        note("received", e.command);
    }
    template <class X, class E>
    bool can_keep(X&, peer_handle, const E& e) {
        note("can keep", name_of(e));
        return o->can_keep[N];
    }
    template <class X, class E>
    void on_delivery(X&, peer_handle, const E& e) {
        note("delivery", name_of(e));
    }
    template <class X>
    bool on_verdict(X&, detail::late_verdict& late) {
        note("verdict", late.data);
        return o->answers[N];
    }
    template <class X>
    time_point on_tick(X&) {
        return o->due[N];
    }
};

using one = witness<1, event::join>;
using two = witness<2, event::leave>;

struct world {
    orders o;
    hub_bench<features<one, two>> b{features{one{o}, two{o}}};

    world() {
        for (const auto* name : {"ann", "bob"}) b.connect(name);
        o.take();
    }
    std::string offer(const std::string& to) {
        return b.ask("ann", R"({"cmd":"offer","target":")" + to + R"(","data":{"offer":1}})");
    }
};

// What peers can ask of features, one command a verb.
const char* const commands_of_features[] = {"join",    "leave",  "lookup",  "set",    "unset",  "watch",
                                            "unwatch", "info",   "exists",  "create", "update", "delete",
                                            "publish", "resume", "request", "respond"};

BOOST_AUTO_TEST_SUITE(features_)

// --- the chain

BOOST_AUTO_TEST_CASE(a_chain_knows_its_parts) {
    orders o;
    features chain{one{o}, two{o}};
    static_assert(decltype(chain)::size == 2 && features<>::size == 0);
    static_assert(decltype(chain)::has<one> && decltype(chain)::has<two>);
    static_assert(!decltype(chain)::has<witness<3, event::set>> && !features<>::has<one>);
    static_assert(decltype(chain)::takes<event::join> && decltype(chain)::takes<event::leave>);
    static_assert(!decltype(chain)::takes<event::set> && !features<>::takes<event::join>);
    static_assert(detail::is_features<decltype(chain)>::value && !detail::is_features<one>::value);
    static_assert(Feature<one> && !Feature<orders>);
    chain.get<two>().note("named");
    chain.each([](auto& f) { f.note("each"); });
    BOOST_TEST(chain.any([](auto& f) { return f.note("any"), true; }));
    BOOST_TEST(!chain.any([](auto& f) { return f.note("none"), false; }));
    BOOST_TEST(!features<>{}.any([](auto&) { return true; }));
    same(o.take(), {"2 named", "1 each", "2 each", "1 any", "1 none", "2 none"});
}

BOOST_AUTO_TEST_CASE(a_feature_that_hides_nothing_does_nothing) {
    struct nothing : feature {};
    hub_bench b{features{nothing{}}};
    BOOST_TEST(b.connect("ann") == R"({"cmd":"welcome","data":{"id":"ann"}})");
    b.connect("bob");
    for (const std::string command : commands_of_features)
        BOOST_TEST(b.ask("ann", R"({"cmd":")" + command + R"(","topic":"t","target":"bob"})") ==
                       "unknown_command",
                   command);
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    b.say("ann", R"({"cmd":"ack","received":1})");
    same(b.heard_by_all(), {R"(bob {"cmd":"bye","origin":"ann"})"});
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.lose("ann");
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(without_features_their_requests_are_unknown) {
    hub_bench b{features{}};
    b.connect("ann");
    b.connect("old", {.id = "old", .extras = false});
    for (const std::string command : commands_of_features) {
        BOOST_TEST(b.ask("ann", R"({"cmd":")" + command + R"(","topic":"t","target":"old"})") ==
                       "unknown_command",
                   command);
        BOOST_TEST(b.ask("old", R"({"cmd":")" + command + R"(","target":"ann"})") == "Unknown Command",
                   command);
    }
    BOOST_TEST(b.ask("ann", R"({"cmd":"dance"})") == "unknown_command");
    b.say("ann", R"({"cmd":"ack","received":1})");
    b.say("ann", R"({"cmd":"respond","request":1})"); // without an id there is no reply
    same(b.heard_by_all(), {});
}

// --- requests

BOOST_FIXTURE_TEST_CASE(a_request_goes_to_the_feature_that_takes_it_and_to_no_other, world) {
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})") == "ok 1");
    BOOST_TEST(b.ask("ann", R"({"cmd":"leave","topic":"t"})") == "ok 2");
    same(o.take(), {"1 request join", "2 request leave"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"lookup","topic":"t"})") == "unknown_command");
    BOOST_TEST(b.ask("ann", R"({"cmd":"resume"})") == "unknown_command");
    // The codec's objection is told without asking.
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":""})") == "malformed");
    same(o.take(), {});
}

struct listener : feature {
    errc outcome = errc::ok;
    template <class X>
    void on_request(X&, peer_handle, event::respond& e) {
        outcome = e.outcome;
    }
};

// A response that says how the request failed is no faulty one.
BOOST_AUTO_TEST_CASE(a_failed_response_is_handed_on) {
    hub_bench b{features{listener{}}};
    b.connect("ann");
    b.say("ann", R"({"cmd":"respond","request":1,"ok":false})");
    BOOST_TEST(b.get<listener>().outcome == errc::denied);
    same(b.heard_by_all(), {});
}

// Commands of one's own, with all that a context has.
struct post_office : feature {
    std::uint64_t key = 0;

    template <class X>
    static void answer(X& hub, peer_handle to, request_token token, std::string_view json,
                       errc cause = errc::ok, std::string_view text = {}) {
        event::reply said;
        said.token = token;
        said.cause = cause;
        said.text = text;
        said.data.bytes = json;
        hub.reply(to, said);
    }

    template <class X>
    void on_request(X& hub, peer_handle from, event::custom& e) {
        const auto to = hub.find(e.to);
        if (e.command == "where")
            return answer(hub, from, e.token,
                          !to                 ? "\"nowhere\""
                          : hub.is_online(to) ? "\"online\""
                                              : "\"away\"");
        if (e.command == "tell") {
            const auto id = hub.fresh_id();
            event::send news;
            news.id = id.view();
            news.from = hub.id(from);
            news.command = e.command;
            news.data = e.data;
            const auto cause = hub.send(to, news);
            return answer(hub, from, e.token, {}, cause, cause == errc::ok ? "" : "Not told");
        }
        if (e.command == "kick") {
            hub.close(to, errc::denied);
            hub.close(to, errc::denied);
            return hub.reply(from, e.token, errc::ok);
        }
        if (e.command == "later") {
            deferral{hub.late_answers(), key = hub.late_key()}.reply(std::string{e.token.bytes});
            return;
        }
        hub.reply(from, e.token, errc::unknown_command);
    }
    template <class X>
    bool on_verdict(X& hub, detail::late_verdict& late) {
        if (late.key == key) answer(hub, hub.find("ann"), {late.data}, "\"late\"");
        return late.key == key;
    }
};

BOOST_AUTO_TEST_CASE(a_feature_of_ones_own_has_commands_of_its_own) {
    hub_bench b{features{post_office{}}};
    b.connect("ann");
    b.connect("bob");
    BOOST_TEST(b.ask("ann", R"({"cmd":"where","target":"bob"})") == R"(ok "online")");
    BOOST_TEST(b.ask("ann", R"({"cmd":"where","target":"eve"})") == R"(ok "nowhere")");
    BOOST_TEST(b.ask("ann", R"({"cmd":"tell","target":"bob","data":[7]})") == "ok");
    same(b.heard("bob"), {R"({"cmd":"tell","origin":"ann","data":[7]})"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"tell","target":"eve"})") == "offline: Not told");
    b.at("bob").full = true;
    BOOST_TEST(b.ask("ann", R"({"cmd":"tell","target":"bob"})") == "full: Not told");
    BOOST_TEST(b.ended("bob") == errc::slow_consumer);
    b.connect("bob");
    BOOST_TEST(b.ask("ann", R"({"cmd":"kick","target":"bob"})") == "ok");
    BOOST_TEST(b.ended("bob") == errc::denied);
    BOOST_TEST(b.ask("ann", R"({"cmd":"where","target":"bob"})") == R"(ok "nowhere")");
    BOOST_TEST(b.ask("ann", R"({"cmd":"later"})") == R"(ok "late")");
    BOOST_TEST(b.ask("ann", R"({"cmd":"dance"})") == "unknown_command");
}

// --- messages to peers

BOOST_FIXTURE_TEST_CASE(features_are_asked_in_turn_and_told_once_it_is_judged, world) {
    BOOST_TEST(offer("bob") == "ok");
    same(o.take(), {"1 send bob", "2 send bob", "1 sent bob", "2 sent bob"});
    o.senders = politeness::impolite;
    BOOST_TEST(offer("bob") == R"(ok {"polite":false})"); // the sender's own part, and nobody else's
    same(b.heard("bob"), {R"({"cmd":"offer","origin":"ann","data":{"offer":1}})",
                          R"({"cmd":"offer","origin":"ann","data":{"offer":1}})"});
    o.receivers = politeness::polite;
    o.senders = politeness::none;
    BOOST_TEST(offer("bob") == "ok");
    same(b.heard("bob"), {R"({"cmd":"offer","origin":"ann","polite":true,"data":{"offer":1}})"});
    o.senders = politeness::impolite;
    o.take();
    // An undeliverable message was not sent, and says nothing of a part.
    const auto id = std::to_string(b.asked() + 1);
    BOOST_TEST(offer("nobody") == "unknown");
    same(o.take(),
         {"1 send nobody", "2 send nobody", "1 missed " + id + " unknown", "2 missed " + id + " unknown"});
}

BOOST_FIXTURE_TEST_CASE(the_first_refusal_wins, world) {
    o.sending[1] = errc::rate;
    o.sending[2] = errc::full;
    const auto id = std::to_string(b.asked() + 1);
    BOOST_TEST(offer("bob") == "rate");
    same(o.take(), {"1 send bob", "1 missed " + id + " rate", "2 missed " + id + " rate"});
    o.sending[1] = errc::ok;
    BOOST_TEST(offer("bob") == "full");
    same(b.heard("bob"), {});
}

BOOST_FIXTURE_TEST_CASE(a_missed_message_may_be_taken_care_of, world) {
    o.missed[1] = errc::held;
    BOOST_TEST(offer("nobody") == R"(ok {"held":true})");
    BOOST_TEST(o.take().size() == 3u); // the second is not asked
    o.missed[1] = errc::deferred;      // and sees to the reply itself
    BOOST_TEST(offer("nobody") == "");
    o.missed[1] = errc::offline;
    o.missed[2] = errc::forwarded;
    BOOST_TEST(offer("nobody") == "ok");
    o.missed[2] = errc::full;
    BOOST_TEST(offer("nobody") == "full");
    o.take();
    b.say("ann", R"({"cmd":"offer","id":7,"data":{"offer":1}})");
    same(o.take(), {"1 send", "2 send", "1 missed 7 missing_target", "2 missed 7 offline"});
    // It is called by the sender's id, though the hub had one ready for a peer that turned out to have no
    // room.
    b.at("bob").full = true;
    b.say("ann", R"({"cmd":"offer","target":"bob","id":8,"data":{"offer":1}})");
    same(o.take(), {"1 send bob", "2 send bob", "1 missed 8 full", "2 missed 8 offline",
                    "1 close bob slow_consumer", "2 close bob slow_consumer"});
}

// --- peers

BOOST_FIXTURE_TEST_CASE(features_hear_of_peers_in_turn, world) {
    BOOST_TEST(b.connect("eve") == R"({"cmd":"welcome","data":{"id":"eve"}})");
    same(o.take(),
         {"1 enter eve", "2 enter eve", "1 welcome eve", "2 welcome eve", "1 open eve", "2 open eve"});
    b.lose("eve");
    same(o.take(), {"1 close eve lost", "2 close eve lost"});
    b.h.close("bob", errc::denied);
    same(o.take(), {"1 close bob denied", "2 close bob denied"});
    b.settle();
    b.h.stop();
    b.settle();
    same(o.take(), {"1 close ann stopping", "2 close ann stopping"});
}

BOOST_FIXTURE_TEST_CASE(of_two_peers_with_one_id_the_first_is_closed_before_the_second_is_greeted, world) {
    b.at("ann").answers_pings = false;
    BOOST_TEST(b.connect("claimant", {.id = "ann"}) == "");
    same(o.take(), {"1 claim ann", "2 claim ann"});
    b.advance(2s);
    same(o.take(), {"1 close ann pong_timeout", "2 close ann pong_timeout", "1 welcome ann", "2 welcome ann",
                    "1 open ann", "2 open ann"});
}

BOOST_FIXTURE_TEST_CASE(a_feature_may_change_a_welcome, world) {
    o.says = R"([{"urls":"stun:x"}])";
    BOOST_TEST(b.connect("eve").find(R"("urls":"stun:x")") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_feature_may_refuse_a_new_peer, world) {
    o.entering[2] = errc::overloaded;
    b.connect("eve");
    BOOST_TEST(b.ended("eve") == errc::overloaded);
    same(o.take(), {"1 enter eve", "2 enter eve"});
    o.entering[1] = errc::rate;
    b.connect("eve");
    BOOST_TEST(b.ended("eve") == errc::rate);
    same(o.take(), {"1 enter eve"});
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_peer_with_kept_traffic_may_outlive_its_connection, world) {
    auto& hub = b.context();
    const auto ann = b.peer("ann");
    hub.keep_traffic(ann);
    b.say("ann", R"({"cmd":"bye","target":"bob","id":1})");
    b.say("ann", R"({"cmd":"ack","received":1})");
    same(o.take(),
         {"1 received bye", "2 received bye", "1 send bob", "2 send bob", "1 sent bob", "2 sent bob",
          "1 delivery reply", "2 delivery reply", "1 received ack", "2 received ack"});
    b.heard_by_all();

    o.outlives[2] = true;
    b.lose("ann");
    same(o.take(), {"1 loss ann lost", "2 loss ann lost", "1 away ann", "2 away ann"});
    BOOST_TEST((b.h.find("ann") == ann));
    BOOST_TEST(b.h.size() == 2u);
    // The hub can send nothing to a peer that it can keep nothing for, though the peer is there.
    const auto send = [&] { return b.ask("bob", R"({"cmd":"bye","target":"ann"})"); };
    BOOST_TEST(send() == "full");
    o.take();
    o.can_keep[2] = true;
    BOOST_TEST(send() == "ok");
    same(o.take(), {"1 send ann", "2 send ann", "1 can keep bye", "2 can keep bye", "1 sent ann",
                    "2 sent ann", "1 delivery bye", "2 delivery bye"});

    // It comes back with its proof.
    o.back = ann;
    BOOST_TEST(b.connect("again", {.id = "", .token = "proof"}) == "");
    same(o.take(), {"1 return proof", "2 return proof", "1 back ann", "2 back ann", "1 returned ann",
                    "2 returned ann"});
    BOOST_TEST((b.peer("again") == ann));
    BOOST_TEST(send() == "ok");
    same(b.heard("again"), {R"({"cmd":"bye","origin":"bob"})"});
    o.take();
    // So it does while the last connection is still there: then it was never away.
    b.connect("ann", {.id = "", .token = "proof"});
    BOOST_TEST(b.ended("again") == errc::replaced);
    same(o.take(), {"1 return proof", "2 return proof", "1 returned ann", "2 returned ann"});
    o.outlives[2] = false;
    b.lose("ann");
    same(o.take(), {"1 loss ann lost", "2 loss ann lost", "1 close ann lost", "2 close ann lost"});
    BOOST_TEST(!b.h.find("ann"));
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_is_away_can_be_ended_and_keeps_its_id, world) {
    auto& hub = b.context();
    o.outlives[1] = true;
    for (const auto* name : {"ann", "bob"}) {
        hub.keep_traffic(b.peer(name));
        b.lose(name);
    }
    o.take();
    BOOST_TEST(b.h.close("ann", errc::denied));
    same(o.take(), {"1 close ann denied", "2 close ann denied"});
    o.claiming[1] = errc::denied; // a feature may keep the id for it
    b.connect("bob");
    BOOST_TEST(b.ended("bob") == errc::denied);
    same(o.take(), {"1 claim bob"});
    BOOST_TEST(b.h.size() == 1u);
    o.claiming[1] = errc::ok; // nobody is there to answer a ping
    b.connect("bob");
    same(o.take(), {"1 claim bob", "2 claim bob", "1 close bob pong_timeout", "2 close bob pong_timeout",
                    "1 welcome bob", "2 welcome bob", "1 open bob", "2 open bob"});
    BOOST_TEST(b.h.size() == 1u);
}

// Knows the owners of ids.
struct knows_owners {
    errc on_admit(const request& r, admission& a) {
        a.id_verified = r.has_query("owner");
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(claims_with_proof_are_not_asked_about) {
    orders o;
    hub_bench b{features{one{o}, two{o}}, hooks{knows_owners{}}};
    b.connect("ann");
    o.claiming[1] = errc::denied;
    o.take();
    b.connect("owner", {.id = "ann", .target = "/?owner"});
    same(o.take(), {"1 close ann replaced", "2 close ann replaced", "1 welcome ann", "2 welcome ann",
                    "1 open ann", "2 open ann"});
    b.connect("stranger", {.id = "ann"});
    BOOST_TEST(b.ended("stranger") == errc::denied);
    same(o.take(), {"1 claim ann"});
}

// The feature itself ends the holder when it is asked.
struct hasty : feature {
    template <class X>
    errc on_claim(X& hub, peer_handle holder, const admission&) {
        hub.close(holder, errc::denied);
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(a_holder_that_ends_during_its_claim_leaves_a_clear_answer) {
    hub_bench b{features{hasty{}}};
    b.connect("ann");
    b.connect("claimant", {.id = "ann"});
    BOOST_TEST(b.ended("claimant") == errc::id_in_use);
    b.settle();
    BOOST_TEST(b.ended("ann") == errc::denied);
    b.connect("next", {.id = "ann"});
    BOOST_TEST(b.is_open("next"));
}

BOOST_FIXTURE_TEST_CASE(late_answers_are_offered_until_somebody_takes_them, world) {
    auto& hub = b.context();
    const auto answer = [&](const char* text) {
        deferral{hub.late_answers(), hub.late_key()}.reply(text);
        b.settle();
    };
    answer("a");
    o.answers[1] = true;
    answer("b");
    same(o.take(), {"1 verdict a", "2 verdict a", "1 verdict b"});
    BOOST_TEST(hub.late_key() != hub.late_key());
}

BOOST_FIXTURE_TEST_CASE(the_earliest_wish_for_a_tick_counts, world) {
    BOOST_TEST((b.pause() == clock::duration::max()));
    o.due[1] = b.now + 3s;
    BOOST_TEST((b.pause() == 3s));
    o.due[2] = b.now + 2s;
    BOOST_TEST((b.pause() == 2s));
    // Those of the hub too.
    b.at("ann").answers_pings = false;
    o.due[2] = b.now + 2001ms;
    b.connect("claimant", {.id = "ann"});
    o.take();
    BOOST_TEST((b.pause() == 2s));
}

// One ends a peer in a tick, which gives the other, after its turn, something to do.
struct ender : feature {
    template <class X>
    time_point on_tick(X& hub) {
        if (hub.now() < time_point{2h}) return time_point{2h};
        hub.close(hub.find("ann"), errc::denied);
        return time_point::max();
    }
};
struct mourner : feature {
    time_point due = time_point::max();
    template <class X>
    void on_close(X& hub, peer_handle, errc) {
        due = hub.now() + 5s;
    }
    template <class X>
    time_point on_tick(X&) {
        return due;
    }
};

BOOST_AUTO_TEST_CASE(a_deadline_set_by_another_feature_s_tick_is_not_forgotten) {
    hub_bench b{features{mourner{}, ender{}}};
    b.connect("ann");
    BOOST_TEST((b.pause() == 1h));
    b.now += 1h;
    BOOST_TEST((b.pause() == 0s)); // once more, and then
    BOOST_TEST((b.pause() == 5s));
}

// --- a router may be a feature, and comes last

struct own_router : direct_router, feature {
    orders* o;
    explicit own_router(orders& all) : o(&all) {}
    template <class X>
    void on_open(X&, peer_handle, const admission& granted) {
        o->notes.push_back("router opened " + granted.id);
    }
    template <class X, class E>
    errc on_undeliverable(X&, peer_handle, const E&, errc) {
        return errc::held;
    }
    template <class X>
    void on_request(X& hub, peer_handle from, event::info& e) {
        event::reply said;
        said.token = e.token;
        said.data.bytes = "\"router\"";
        hub.reply(from, said);
    }
};

BOOST_AUTO_TEST_CASE(a_router_that_is_a_feature_is_the_last_one) {
    orders o;
    hub_bench b{features{one{o}, two{o}}, own_router{o}};
    b.connect("ann");
    same(o.take(), {"1 enter ann", "2 enter ann", "1 welcome ann", "2 welcome ann", "1 open ann",
                    "2 open ann", "router opened ann"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == R"(ok {"held":true})");
    BOOST_TEST(b.ask("ann", R"({"cmd":"info","target":"bob"})") == R"(ok "router")");
    o.take();
    // It need not have company.
    hub_bench alone{features{}, own_router{o}};
    alone.connect("ann");
    BOOST_TEST(alone.ask("ann", R"({"cmd":"info"})") == R"(ok "router")");
    same(o.take(), {"router opened ann"});
    BOOST_TEST(alone.ask("ann", R"({"cmd":"bye","target":"bob"})") == R"(ok {"held":true})");
    BOOST_TEST(alone.ask("ann", R"({"cmd":"join","topic":"t"})") == "unknown_command");
}

// --- a context and peers that are gone

BOOST_FIXTURE_TEST_CASE(a_context_knows_the_peers_that_are_here, world) {
    auto& hub = b.context();
    const auto bob = b.peer("bob");
    BOOST_TEST((hub.now() == b.now));
    BOOST_TEST((hub.find("bob") == bob && !hub.find("eve")));
    BOOST_TEST(hub.id(bob) == "bob");
    const auto message = hub.fresh_id();
    BOOST_TEST(message.view().size() == 21u);
    b.close("bob");
    event::send e;
    e.command = "x";
    e.id = message.view();
    fanout shared;
    for (const auto gone : {bob, peer_handle{}, peer_handle{9999, 1}}) {
        BOOST_TEST(hub.id(gone) == "");
        BOOST_TEST((!hub.is_online(gone) && !hub.is_away(gone)));
        BOOST_TEST(hub.send(gone, e) == errc::offline);
        BOOST_TEST(hub.broadcast(gone, e, shared));
        hub.reply(gone, {"1"}, errc::ok);
        hub.send_uncounted(gone, e);
        hub.keep_traffic(gone);
        hub.close(gone, errc::denied);
    }
    same(b.heard_by_all(), {});
    hub.reply(b.peer("ann"), {}, errc::ok); // no token, no reply
    same(b.heard_by_all(), {});
    hub.send_uncounted(b.peer("ann"), e);
    BOOST_TEST(b.heard_by_all().size() == 1u);
}

// --- a feature is careless with ids

// Draws ids for messages of its own, between a message and its delivery.
struct chatterbox : feature {
    std::vector<std::string>* ids;
    explicit chatterbox(std::vector<std::string>& all) : ids(&all) {}
    template <class X>
    void on_sent(X& hub, peer_handle, const event::send& e, politeness&) {
        ids->emplace_back(e.id);
        const auto id = hub.fresh_id();
        event::send aside;
        aside.id = id.view();
        aside.command = "aside";
        hub.send(hub.find("eve"), aside);
        ids->emplace_back(id.view());
        ids->emplace_back(e.id);
    }
};

BOOST_AUTO_TEST_CASE(an_id_drawn_meanwhile_leaves_that_of_the_message_alone) {
    std::vector<std::string> ids;
    hub_bench b{features{chatterbox{ids}}};
    for (const auto* name : {"ann", "bob", "eve"}) b.connect(name);
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST_REQUIRE(ids.size() == 3u);
    BOOST_TEST(ids[0] == ids[2]);
    BOOST_TEST(ids[0] != ids[1]);
    const auto in = [&](const std::string& name) {
        const auto& text = b.at(name).buffer; // its last messages
        return text.substr(text.find(R"("id":")") + 6, 21);
    };
    BOOST_TEST(in("bob") == ids[0]);
    BOOST_TEST(in("eve") == ids[1]);
}

// --- the peers that are here: for all calls the same

BOOST_AUTO_TEST_CASE(connected_peers_away_peers_and_functions_are_all_here) {
    hub_bench b{features{resume{}, requests{}}};
    b.connect("online");
    b.connect("away", {.id = "away", .target = "/?resume"});
    b.lose("away");
    BOOST_TEST_REQUIRE(b.h.attach("function", [](call&) {}).has_value());
    std::vector<std::string> ids;
    const auto everybody = [&] {
        ids.clear();
        b.h.for_each([&](std::string_view id, peer_handle who) {
            BOOST_TEST((b.h.find(id) == who));
            BOOST_TEST(b.context().id(who) == id);
            BOOST_TEST(b.h.is_online(who) == (id == "online"));
            ids.emplace_back(id);
        });
        std::sort(ids.begin(), ids.end());
        BOOST_TEST(b.h.size() == ids.size());
        return ids;
    };
    BOOST_TEST(everybody() == (script{"away", "function", "online"}), boost::test_tools::per_element());
    for (const auto* id : {"away", "function", "online"}) {
        BOOST_TEST((b.h.attach(id, [](call&) {}).error() == errc::id_in_use));
        BOOST_TEST(b.h.close(id, errc::denied));
        BOOST_TEST(!b.h.find(id));
        BOOST_TEST(!b.h.close(id, errc::denied));
        BOOST_TEST(b.h.size() == everybody().size());
    }
    BOOST_TEST(b.h.size() == 0u);
    b.settle();
    BOOST_TEST(b.ended("online") == errc::denied);
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
}

// --- returns

template <class... Hs>
struct returns {
    hub_bench<features<resume, topics>, hooks<Hs...>> b;
    explicit returns(hooks<Hs...> chain, const resume_options& o = {})
        : b{features{resume{o}, topics{}}, std::move(chain)} {}
};

BOOST_AUTO_TEST_CASE(the_id_of_an_away_peer_is_its_tokens) {
    returns w{no_hooks{}};
    auto& b = w.b;
    const auto proof = token_in(b.connect("wes", {.id = "wes", .target = "/?resume"}));
    const auto wes = b.peer("wes");
    b.lose("wes");
    b.connect("thief", {.id = "wes"});
    BOOST_TEST(b.ended("thief") == errc::id_in_use);
    b.connect("liar", {.id = "wes", .token = "not the one"});
    BOOST_TEST(b.ended("liar") == errc::id_in_use);
    BOOST_TEST((b.h.find("wes") == wes));
    b.connect("again", {.id = "wes", .target = "/?resume", .token = proof});
    BOOST_TEST((b.peer("again") == wes));
    b.lose("again");
    b.advance(31s); // the window is over
    b.connect("next", {.id = "wes"});
    BOOST_TEST(b.is_open("next"));
}

BOOST_AUTO_TEST_CASE(a_hub_that_yields_away_ids_gives_them_to_any_peer) {
    returns w{no_hooks{}, {.ids_claimable = true}};
    auto& b = w.b;
    const auto proof = token_in(b.connect("wes", {.id = "wes", .target = "/?resume"}));
    b.lose("wes");
    b.connect("next", {.id = "wes"});
    BOOST_TEST((b.h.find("wes") == b.peer("next")));
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
    const auto told = b.connect("late", {.target = "/?resume", .token = proof}); // is a new peer now
    BOOST_TEST(told.find(R"("recovered":false)") != told.npos, told);
    BOOST_TEST((b.peer("late") != b.peer("next")));
}

BOOST_AUTO_TEST_CASE(a_generated_id_gives_way_to_a_resume_token) {
    int n = 0;
    returns w{hooks{generated_id{[&n] { return "robot-" + std::to_string(++n); }}}};
    auto& b = w.b;
    const auto welcome = b.connect("a", {.target = "/?resume"});
    BOOST_TEST(welcome.find(R"("id":"robot-1")") != welcome.npos, welcome);
    const auto robot = b.peer("a");
    b.lose("a");
    const auto again = b.connect("b", {.target = "/?resume", .token = token_in(welcome)});
    BOOST_TEST(again.find(R"("id":"robot-1")") != again.npos, again);
    BOOST_TEST(again.find(R"("recovered":true)") != again.npos, again);
    BOOST_TEST((b.peer("b") == robot));
    const auto other = b.connect("c", {.target = "/?resume", .token = "spent"});
    BOOST_TEST(other.find(R"("id":"robot-3")") != other.npos, other);
}

// Says what the newest connection brought along.
struct badge {
    std::string role;
};
struct gives_badges {
    errc on_admit(const request& r, admission& a) {
        if (const auto role = r.query("role"); !role.empty()) a.attached.put(badge{role});
        if (r.has_query("minutes")) a.valid_for = std::chrono::minutes{std::stoi(r.query("minutes"))};
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(notes_and_validity_are_those_of_the_newest_connection) {
    returns w{hooks{gives_badges{}}};
    auto& b = w.b;
    const auto role = [&](const std::string& id) {
        const auto* const n = b.context().notes_of(b.h.find(id));
        return n == nullptr || n->find<badge>() == nullptr ? "none" : n->find<badge>()->role;
    };
    auto welcome = b.connect("wes", {.id = "wes", .target = "/?resume&role=guest&minutes=1"});
    BOOST_TEST(role("wes") == "guest");
    b.advance(30s);
    b.lose("wes");
    // By the address.
    welcome = b.connect("two",
                        {.id = "wes", .target = "/?resume&role=owner&minutes=2", .token = token_in(welcome)});
    BOOST_TEST(role("wes") == "owner");
    b.advance(40s); // the first minute is over, and no matter
    BOOST_TEST(b.is_open("two"));
    b.lose("two");
    // By a request.
    b.connect("ann", {.id = "ann", .target = "/?role=admin&minutes=3"});
    const auto said = b.ask("ann", R"({"cmd":"resume","token":")" + token_in(welcome) + R"(","received":0})");
    BOOST_TEST(said.starts_with("ok "), said);
    BOOST_TEST(role("wes") == "admin");
    b.advance(179s);
    BOOST_TEST(b.is_open("ann"));
    b.advance(1s);
    BOOST_TEST(b.ended("ann") == errc::expired);
    BOOST_TEST(b.h.size() == 0u);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(requests_open_when_a_connection_resumes_as_another_peer_are_answered_once) {
    hub_bench b{features{resume{}, requests{}}};
    const auto proof = token_in(b.connect("wes", {.id = "wes", .target = "/?resume"}));
    b.lose("wes");
    b.connect("ann");
    b.connect("bob");
    b.say("ann", R"({"cmd":"request","target":"bob","id":1,"data":7})");
    const auto asked = b.heard("bob");
    BOOST_TEST_REQUIRE(asked.size() == 1u);
    b.say("ann", R"({"cmd":"resume","token":")" + proof + R"(","received":0,"id":2})");
    const auto told = b.heard("ann");
    BOOST_TEST_REQUIRE(told.size() == 2u);
    BOOST_TEST(told[0] == R"({"id":1,"ok":false,"data":{"message":"Expired","cause":"expired"}})");
    BOOST_TEST(told[1].starts_with(R"({"id":2,"ok":true,)"), told[1]);
    const auto number = asked[0].substr(asked[0].find(R"("request":)") + 10);
    b.say("bob", R"({"cmd":"respond","id":3,"request":)" +
                     number.substr(0, number.find_first_not_of("0123456789")) + "}");
    same(b.heard("ann"), {}); // too late
    b.advance(1min);
    same(b.heard("ann"), {});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
