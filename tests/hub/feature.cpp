// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/feature.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// A feature with every member, that notes what it is asked. What it answers is up to the test.
struct orders {
    script notes;
    errc sending[3] = {}, missed[3] = {errc::unknown, errc::unknown, errc::unknown};
    politeness role = politeness::none;
    bool outlives[3] = {}, can_keep[3] = {}, answers[3] = {};
    peer_handle back;
    time_point due[3] = {time_point::max(), time_point::max(), time_point::max()};

    script take() { return std::exchange(notes, {}); }
};

template <int N, verb V>
struct witness : feature {
    orders* o;

    explicit witness(orders& all) : o(&all) {}

    void note(std::string_view what, std::string_view about = {}) {
        o->notes.push_back(std::to_string(N) + " " + std::string{what} + (about.empty() ? "" : " ") +
                           std::string{about});
    }

    static constexpr bool takes(verb v) noexcept { return v == V; }
    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        BOOST_TEST(desk.id(from) == e.from);
        note("received", e.command);
        desk.reply(from, e.id, errc::ok, std::to_string(N));
    }
    template <class D>
    errc sending(D& desk, peer_handle from, envelope& e) {
        BOOST_TEST(desk.id(from) == e.from);
        note("sending", e.to);
        if (N == 1) e.role = o->role;
        return o->sending[N];
    }
    template <class D>
    void sent(D&, peer_handle, envelope& e) {
        note("sent", e.to);
    }
    template <class D>
    errc missed(D&, peer_handle, const envelope& e, errc cause) {
        note("missed", std::string{e.id} + " " + std::string{cause_name(cause)});
        return o->missed[N] == errc::unknown ? cause : o->missed[N];
    }
    template <class D>
    peer_handle returning(D&, const admission& a) {
        note("returning", a.token);
        return N == 2 ? o->back : peer_handle{};
    }
    template <class D>
    void returned(D& desk, peer_handle p, const admission&) {
        note("returned", desk.id(p));
    }
    template <class D>
    void greeting(D& desk, peer_handle p, const admission&, envelope& welcome) {
        BOOST_TEST(desk.id(p) == welcome.to);
        note("greeting", welcome.to);
        welcome.data.bytes = welcome.data.bytes.empty() ? "[1]" : "[1,2]";
    }
    template <class D>
    void opened(D& desk, peer_handle p, const admission& granted) {
        BOOST_TEST(desk.id(p) == granted.id);
        note("opened", granted.id);
    }
    template <class D>
    bool outlives(D& desk, peer_handle p, errc why) {
        note("outlives", std::string{desk.id(p)} + " " + std::string{cause_name(why)});
        return o->outlives[N];
    }
    template <class D>
    void away(D& desk, peer_handle p) {
        BOOST_TEST((desk.is_away(p) && !desk.is_online(p)));
        note("away", desk.id(p));
    }
    template <class D>
    void back(D& desk, peer_handle p) {
        BOOST_TEST((!desk.is_away(p) && desk.is_online(p)));
        note("back", desk.id(p));
    }
    template <class D>
    void closed(D& desk, peer_handle p, errc why) {
        BOOST_TEST(!desk.is_online(p));
        BOOST_TEST((desk.find(desk.id(p)) != p));
        envelope e;
        BOOST_TEST(desk.send(p, e) == errc::offline);
        note("closed", std::string{desk.id(p)} + " " + std::string{cause_name(why)});
    }
    template <class D>
    void heard(D&, peer_handle, const envelope& e) {
        note("heard", e.command);
    }
    template <class D>
    bool can_keep(D&, peer_handle, const envelope& e) {
        note("can keep", e.command);
        return o->can_keep[N];
    }
    template <class D>
    void keep(D&, peer_handle, const envelope& e) {
        note("keep", e.what == verb::reply ? "reply" : e.command);
    }
    template <class D>
    bool answered(D&, detail::late_answer& late) {
        note("answered", late.text);
        return o->answers[N];
    }
    template <class D>
    time_point tick(D&) {
        return o->due[N];
    }
};

using one = witness<1, verb::join>;
using two = witness<2, verb::leave>;

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
    static_assert(!decltype(chain)::has<witness<3, verb::set>> && !features<>::has<one>);
    static_assert(decltype(chain)::takes(verb::join) && decltype(chain)::takes(verb::leave));
    static_assert(!decltype(chain)::takes(verb::set) && !features<>::takes(verb::join));
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
    same(o.take(), {"1 received join", "2 received leave"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"lookup","topic":"t"})") == "unknown_command");
    BOOST_TEST(b.ask("ann", R"({"cmd":"resume"})") == "unknown_command");
    // What the codec has against it is said without asking.
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":""})") == "malformed");
    same(o.take(), {});
}

struct listener : feature {
    errc status = errc::ok;
    static constexpr bool takes(verb v) noexcept { return v == verb::respond; }
    template <class D>
    void received(D&, peer_handle, envelope& e) {
        status = e.status;
    }
};

// Of a response the status is what the other side says.
BOOST_AUTO_TEST_CASE(a_failed_response_is_handed_on) {
    hub_bench b{features{listener{}}};
    b.connect("ann");
    b.say("ann", R"({"cmd":"respond","request":1,"ok":false})");
    BOOST_TEST(b.get<listener>().status == errc::denied);
    same(b.heard_by_all(), {});
}

// Commands of one's own, with all that a desk has.
struct post_office : feature {
    bool knows_late = false;
    std::uint64_t key = 0;
    static constexpr bool takes(verb v) noexcept { return v == verb::other; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        const auto to = desk.find(e.to);
        if (e.command == "where") {
            const auto* const what = !to ? "nowhere" : desk.is_online(to) ? "online" : "away";
            return desk.reply(from, e.id, errc::ok, '"' + std::string{what} + '"');
        }
        if (e.command == "tell") {
            const std::string token{e.id};
            e.what = verb::notice;
            e.id = desk.fresh_id();
            const auto cause = desk.send(to, e);
            return desk.reply(from, token, cause, {}, cause == errc::ok ? "" : "Not told");
        }
        if (e.command == "kick") {
            desk.close(to, errc::denied);
            desk.close(to, errc::denied);
            return desk.reply(from, e.id, errc::ok);
        }
        if (e.command == "later") {
            const std::string token{e.id};
            deferral{desk.late_answers(), key = desk.late_key()}.reply(token);
            return;
        }
        desk.reply(from, e.id, errc::unknown_command);
    }
    template <class D>
    bool answered(D& desk, detail::late_answer& late) {
        if (late.key == key) desk.reply(desk.find("ann"), late.text, errc::ok, "\"late\"");
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
    same(o.take(), {"1 sending bob", "2 sending bob", "1 sent bob", "2 sent bob"});
    o.role = politeness::impolite;
    BOOST_TEST(offer("bob") == R"(ok {"polite":false})");
    BOOST_TEST(b.heard("bob").size() == 2u);
    o.take();
    // What cannot be delivered was not sent, and says nothing of a part.
    const auto id = std::to_string(b.asked() + 1);
    BOOST_TEST(offer("nobody") == "unknown");
    same(o.take(), {"1 sending nobody", "2 sending nobody", "1 missed " + id + " unknown",
                    "2 missed " + id + " unknown"});
}

BOOST_FIXTURE_TEST_CASE(the_first_refusal_wins, world) {
    o.sending[1] = errc::rate;
    o.sending[2] = errc::full;
    const auto id = std::to_string(b.asked() + 1);
    BOOST_TEST(offer("bob") == "rate");
    same(o.take(), {"1 sending bob", "1 missed " + id + " rate", "2 missed " + id + " rate"});
    o.sending[1] = errc::ok;
    BOOST_TEST(offer("bob") == "full");
    same(b.heard("bob"), {});
}

BOOST_FIXTURE_TEST_CASE(what_is_missed_may_be_taken_care_of, world) {
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
    same(o.take(), {"1 sending", "2 sending", "1 missed 7 missing_target", "2 missed 7 offline"});
    // It is called by the sender's id, though the hub had one ready for who turned out to have no room.
    b.at("bob").full = true;
    b.say("ann", R"({"cmd":"offer","target":"bob","id":8,"data":{"offer":1}})");
    same(o.take(), {"1 sending bob", "2 sending bob", "1 missed 8 full", "2 missed 8 offline",
                    "1 closed bob slow_consumer", "2 closed bob slow_consumer"});
}

// --- peers

BOOST_FIXTURE_TEST_CASE(features_hear_of_peers_in_turn, world) {
    BOOST_TEST(b.connect("eve") == R"({"cmd":"welcome","data":{"id":"eve","resume":[1,2]}})");
    same(o.take(), {"1 greeting eve", "2 greeting eve", "1 opened eve", "2 opened eve"});
    b.lose("eve");
    same(o.take(), {"1 closed eve lost", "2 closed eve lost"});
    b.h.close("bob", errc::denied);
    same(o.take(), {"1 closed bob denied", "2 closed bob denied"});
    b.settle();
    b.h.stop();
    b.settle();
    same(o.take(), {"1 closed ann stopping", "2 closed ann stopping"});
}

BOOST_FIXTURE_TEST_CASE(of_two_peers_with_one_id_the_first_is_closed_before_the_second_is_greeted, world) {
    b.at("ann").answers_pings = false;
    BOOST_TEST(b.connect("claimant", {.id = "ann"}) == "");
    same(o.take(), {});
    b.advance(2s);
    same(o.take(), {"1 closed ann pong_timeout", "2 closed ann pong_timeout", "1 greeting ann",
                    "2 greeting ann", "1 opened ann", "2 opened ann"});
}

BOOST_FIXTURE_TEST_CASE(a_peer_whose_traffic_is_kept_may_outlive_its_connection, world) {
    auto desk = b.desk_of_hub();
    const auto ann = b.peer("ann");
    desk.keep_traffic(ann);
    b.say("ann", R"({"cmd":"bye","target":"bob","id":1})");
    b.say("ann", R"({"cmd":"ack","received":1})");
    same(o.take(), {"1 heard bye", "2 heard bye", "1 sending bob", "2 sending bob", "1 sent bob",
                    "2 sent bob", "1 keep reply", "2 keep reply", "1 heard ack", "2 heard ack"});
    b.heard_by_all();

    o.outlives[2] = true;
    b.lose("ann");
    same(o.take(), {"1 outlives ann lost", "2 outlives ann lost", "1 away ann", "2 away ann"});
    BOOST_TEST((b.h.find("ann") == ann));
    BOOST_TEST(b.h.size() == 2u);
    // Who can be kept nothing for can be sent nothing, though it is there.
    const auto send = [&] { return b.ask("bob", R"({"cmd":"bye","target":"ann"})"); };
    BOOST_TEST(send() == "full");
    o.take();
    o.can_keep[2] = true;
    BOOST_TEST(send() == "ok");
    same(o.take(), {"1 sending ann", "2 sending ann", "1 can keep bye", "2 can keep bye", "1 sent ann",
                    "2 sent ann", "1 keep bye", "2 keep bye"});

    // It comes back with what proves it.
    o.back = ann;
    BOOST_TEST(b.connect("again", {.id = "", .token = "proof"}) == "");
    same(o.take(), {"1 returning proof", "2 returning proof", "1 back ann", "2 back ann", "1 returned ann",
                    "2 returned ann"});
    BOOST_TEST((b.peer("again") == ann));
    BOOST_TEST(send() == "ok");
    same(b.heard("again"), {R"({"cmd":"bye","origin":"bob"})"});
    o.take();
    // So it does while the last connection is still there: then it was never away.
    b.connect("ann", {.id = "", .token = "proof"});
    BOOST_TEST(b.ended("again") == errc::replaced);
    same(o.take(), {"1 returning proof", "2 returning proof", "1 returned ann", "2 returned ann"});
    o.outlives[2] = false;
    b.lose("ann");
    same(o.take(), {"1 outlives ann lost", "2 outlives ann lost", "1 closed ann lost", "2 closed ann lost"});
    BOOST_TEST(!b.h.find("ann"));
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_is_away_can_be_ended_and_gives_way_to_who_claims_its_id, world) {
    auto desk = b.desk_of_hub();
    o.outlives[1] = true;
    for (const auto* name : {"ann", "bob"}) {
        desk.keep_traffic(b.peer(name));
        b.lose(name);
    }
    o.take();
    BOOST_TEST(b.h.close("ann", errc::denied));
    same(o.take(), {"1 closed ann denied", "2 closed ann denied"});
    b.connect("bob");
    same(o.take(), {"1 closed bob pong_timeout", "2 closed bob pong_timeout", "1 greeting bob",
                    "2 greeting bob", "1 opened bob", "2 opened bob"});
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(late_answers_are_offered_until_somebody_takes_them, world) {
    auto desk = b.desk_of_hub();
    const auto answer = [&](const char* text) {
        deferral{desk.late_answers(), desk.late_key()}.reply(text);
        b.settle();
    };
    answer("a");
    o.answers[1] = true;
    answer("b");
    same(o.take(), {"1 answered a", "2 answered a", "1 answered b"});
    BOOST_TEST(desk.late_key() != desk.late_key());
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
    BOOST_TEST((b.pause() == 2s));
}

// One ends a peer in a tick, which gives the other, who had its turn, something to do.
struct ender : feature {
    template <class D>
    time_point tick(D& desk) {
        if (desk.now() < time_point{2h}) return time_point{2h};
        desk.close(desk.find("ann"), errc::denied);
        return time_point::max();
    }
};
struct mourner : feature {
    time_point due = time_point::max();
    template <class D>
    void closed(D& desk, peer_handle, errc) {
        due = desk.now() + 5s;
    }
    template <class D>
    time_point tick(D&) {
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
    template <class D>
    void opened(D&, peer_handle, const admission& granted) {
        o->notes.push_back("router opened " + granted.id);
    }
    template <class D>
    errc missed(D&, peer_handle, const envelope&, errc) {
        return errc::held;
    }
    static constexpr bool takes(verb v) noexcept { return v == verb::info; }
    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        desk.reply(from, e.id, errc::ok, "\"router\"");
    }
};

BOOST_AUTO_TEST_CASE(a_router_that_is_a_feature_is_the_last_one) {
    orders o;
    hub_bench b{features{one{o}, two{o}}, own_router{o}};
    b.connect("ann");
    same(o.take(), {"1 greeting ann", "2 greeting ann", "1 opened ann", "2 opened ann", "router opened ann"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == R"(ok {"held":true})");
    BOOST_TEST(b.ask("ann", R"({"cmd":"info","target":"bob"})") == R"(ok "router")");
    // It need not have company.
    hub_bench alone{features{}, own_router{o}};
    alone.connect("ann");
    BOOST_TEST(alone.ask("ann", R"({"cmd":"info"})") == R"(ok "router")");
    BOOST_TEST(alone.ask("ann", R"({"cmd":"join","topic":"t"})") == "unknown_command");
}

// --- what a desk says of who is gone

BOOST_FIXTURE_TEST_CASE(a_desk_knows_who_is_here, world) {
    auto desk = b.desk_of_hub();
    const auto bob = b.peer("bob");
    BOOST_TEST((desk.now() == b.now));
    BOOST_TEST((desk.find("bob") == bob && !desk.find("eve")));
    BOOST_TEST(desk.id(bob) == "bob");
    BOOST_TEST(desk.fresh_id().size() == 21u);
    b.close("bob");
    envelope e;
    e.what = verb::notice;
    e.command = "x";
    const std::string id(21, 'm');
    e.id = id;
    fanout shared;
    for (const auto gone : {bob, peer_handle{}, peer_handle{9999, 1}}) {
        BOOST_TEST(desk.id(gone) == "");
        BOOST_TEST((!desk.is_online(gone) && !desk.is_away(gone)));
        BOOST_TEST(desk.send(gone, e) == errc::offline);
        BOOST_TEST(desk.spread(gone, e, shared));
        desk.reply(gone, "1", errc::ok);
        desk.send_uncounted(gone, e);
        desk.keep_traffic(gone);
        desk.close(gone, errc::denied);
    }
    same(b.heard_by_all(), {});
    desk.reply(b.peer("ann"), "", errc::ok); // no token, no reply
    same(b.heard_by_all(), {});
    desk.send_uncounted(b.peer("ann"), e);
    BOOST_TEST(b.heard_by_all().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
