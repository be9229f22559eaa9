// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/hooks.hpp>

#include <sigfire/hub/peer_states.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include "support/hub_wires.hpp"
#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace hub_wires;

// A hook with every member, which judges every event, that notes what it is asked. Its answers are up to
// the test.
struct witness {
    struct orders {
        errc admit = errc::ok, message = errc::ok;
        bool deliver = true;
    };
    std::string name;
    script* notes;
    const orders* answer;
    bool tells_outcomes = false;
    std::map<std::uint32_t, std::string> ids = {};

    void note(const std::string& text) const { notes->push_back(name + " " + text); }
    errc on_admit(const request& r, admission& a) {
        note("admit " + std::string(r.target));
        a.id += name;
        return answer->admit;
    }
    void on_open(peer_handle p, const admission& a) {
        note("open " + a.id);
        BOOST_TEST(!ids.contains(p.slot));
        ids[p.slot] = a.id;
    }
    errc on_message(message_context& c, event::incoming& e) {
        BOOST_TEST((c.id().empty() || c.id() == ids.at(c.from().slot)));
        note("message " + std::string(e.command) + " of " + ids.at(c.from().slot));
        return answer->message;
    }
    bool on_deliver(peer_handle to, const event::send& e) {
        note("deliver " + std::string(e.command) + " to " + ids.at(to.slot));
        return answer->deliver;
    }
    void on_outcome(const outcome& o) {
        if (!tells_outcomes) return;
        note("outcome " + (o.peer ? ids.at(o.peer.slot) : "of nobody") + ": " +
             std::string(cause_name(o.cause)));
    }
    void on_close(peer_handle p, errc why) {
        note("close " + ids.at(p.slot) + ": " + std::string(cause_name(why)));
        ids.erase(p.slot);
    }
};

BOOST_AUTO_TEST_SUITE(hook_chains)

struct listens {
    errc on_message(message_context&, event::send&) { return errc::ok; }
};
using bare_hub = hub<local_registry, direct_router, recorder>;
static_assert(sizeof(hub<local_registry, direct_router, recorder, no_log, hooks<listens>>) ==
              sizeof(bare_hub) + sizeof(detail::waiting_lines));

// --- the chain alone

struct two_witnesses {
    script notes;
    witness::orders first, second;
    hooks<witness, witness> chain{witness{"1", &notes, &first}, witness{"2", &notes, &second}};
    peer_handle peer{3, 1};
    admission wish;
    event::send e;
    message_context context{peer, "", time_point{1h}};

    two_witnesses() {
        wish.id = "x";
        e.command = "offer";
    }
    errc admit() {
        std::size_t asked = 0;
        return chain.on_admit({}, wish, asked);
    }
};

BOOST_FIXTURE_TEST_CASE(first_to_last_and_back_at_the_end, two_witnesses) {
    BOOST_TEST((admit() == errc::ok));
    BOOST_TEST(wish.id == "x12");
    chain.on_open(peer, wish);
    BOOST_TEST((chain.on_message(context, e) == errc::ok));
    BOOST_TEST(chain.on_deliver(peer, std::as_const(e)));
    chain.on_outcome({peer, errc::ok}); // nothing that these want to know
    chain.on_close(peer, errc::lost);
    same(notes, {"1 admit ", "2 admit ", "1 open x12", "2 open x12", "1 message offer of x12",
                 "2 message offer of x12", "1 deliver offer to x12", "2 deliver offer to x12",
                 "2 close x12: lost", "1 close x12: lost"});
}

BOOST_FIXTURE_TEST_CASE(the_first_refusal_wins, two_witnesses) {
    chain.on_open(peer, wish);
    notes.clear();
    first = {errc::rate, errc::denied, false};
    BOOST_TEST((admit() == errc::rate));
    BOOST_TEST((chain.on_message(context, e) == errc::denied));
    BOOST_TEST(!chain.on_deliver(peer, std::as_const(e)));
    same(notes, {"1 admit ", "1 message offer of x", "1 deliver offer to x"});
    first = {};
    second = {errc::malformed, errc::too_large, false};
    notes.clear();
    BOOST_TEST((admit() == errc::malformed));
    BOOST_TEST((chain.on_message(context, e) == errc::too_large));
    BOOST_TEST(!chain.on_deliver(peer, std::as_const(e)));
    BOOST_TEST(notes.size() == 6u);
}

struct only_closes {
    int* count;
    void on_close(peer_handle, errc) { ++*count; }
};

// A chain has what its hooks have, and no more.
static_assert(detail::has_on_close<hooks<only_closes>> && !detail::has_on_open<hooks<only_closes>> &&
              !detail::has_on_admit<hooks<only_closes>> && !detail::has_on_message<hooks<only_closes>> &&
              !detail::has_on_deliver<hooks<only_closes>> && !detail::has_on_outcome<hooks<only_closes>>);
static_assert(!detail::has_on_close<no_hooks> && !detail::has_on_outcome<no_hooks>);

// A chain judges, and is asked about, just those events that one of its hooks names.
struct judge_of_joins {
    errc on_message(message_context&, event::join&) { return errc::rate; }
    bool on_deliver(peer_handle, const event::publish&) { return false; }
};
struct judge_of_all {
    errc on_message(message_context&, event::incoming&) { return errc::ok; }
    bool on_deliver(peer_handle, const auto&) { return true; }
};
static_assert(detail::judges<hooks<judge_of_joins>, event::join> &&
              !detail::judges<hooks<judge_of_joins>, event::send> &&
              detail::judges<hooks<judge_of_joins, judge_of_all>, event::send>);
static_assert(detail::filters<hooks<judge_of_joins>, event::publish> &&
              !detail::filters<hooks<judge_of_joins>, event::send> &&
              detail::filters<hooks<judge_of_joins, judge_of_all>, event::presence>);

BOOST_AUTO_TEST_CASE(a_hook_judges_the_events_that_it_names) {
    hooks chain{judge_of_all{}, judge_of_joins{}};
    message_context context{{}, {}, {}};
    event::join join;
    event::send say;
    BOOST_TEST((chain.on_message(context, join) == errc::rate));
    BOOST_TEST((chain.on_message(context, say) == errc::ok));
    BOOST_TEST(!chain.on_deliver({}, event::publish{}));
    BOOST_TEST(chain.on_deliver({}, event::send{}));
}

struct move_only {
    std::unique_ptr<int> n;
    errc on_message(message_context&, event::send&) { return *n != 0 ? errc::ok : errc::denied; }
};

BOOST_AUTO_TEST_CASE(hooks_of_different_members_are_mixed) {
    int closes = 0;
    hooks chain{only_closes{&closes}, move_only{std::make_unique<int>(0)}, only_closes{&closes}};
    message_context context{{}, {}, {}};
    event::send e;
    BOOST_TEST((chain.on_message(context, e) == errc::denied));
    chain.on_close({}, errc::lost);
    BOOST_TEST(closes == 2);
}

// --- in a hub

struct watched : hooked<witness> {
    witness::orders answer;
    watched() : hooked<witness>{hooks{witness{"h", &notes, &answer}}} {}
};

BOOST_FIXTURE_TEST_CASE(a_peer_is_welcomed_then_opened_and_closed_once, watched) {
    auto& a = connect("a", "");
    same(take(), {"a welcome", "h open " + a.welcomed_as});
    auto& c = connect("c");
    h.closed(c.who, errc::lost);
    h.closed(c.who, errc::lost);
    h.close(a.who, errc::malformed);
    h.closed(a.who, errc::closed);
    same(take(), {"c welcome", "h open c", "h close c: lost", "a closed: Bad Request",
                  "h close " + a.welcomed_as + ": malformed"});
    connect("d");
    connect("e");
    take();
    h.close("e", errc::denied);
    h.stop();
    same(take(),
         {"e closed: Denied", "h close e: denied", "d closed: Server Stopping", "h close d: stopping"});
}

BOOST_FIXTURE_TEST_CASE(of_two_peers_with_one_id_the_first_is_closed_before_the_second_is_opened, watched) {
    connect("holder", "x");
    auto& claimant = connect("claimant", "x");
    take();
    say(claimant, "x");
    same(take(), {});
    pass(2s);
    same(take(),
         {"holder closed: No Pong in Time", "h close x: pong_timeout", "claimant welcome", "h open x"});
    // A claimant that is refused, or leaves, was never there.
    auto& late = connect("late", "x");
    h.alive(claimant.who);
    h.closed(late.who, errc::id_in_use);
    pass(1s); // or the holder would not be asked again
    auto& later = connect("later", "x");
    h.closed(later.who, errc::lost);
    same(take(), {"late closed: ID In Use"});
    // Nor was one that the stop refused.
    connect("last", "x");
    h.stop();
    same(take(), {"claimant closed: Server Stopping", "h close x: stopping", "last closed: Server Stopping"});
}

BOOST_FIXTURE_TEST_CASE(a_message_is_judged_before_anything_else_is_done_with_it, watched) {
    auto& a = connect("a");
    connect("c");
    take();
    say(a, "c");
    same(take(), {"h message offer of a", "h deliver offer to c", "a reply r1: OK", "c offer from <a> {}"});
    answer.message = errc::rate;
    say(a, "c");
    say(a, "nobody");
    say(a, "", "offer", "r1", errc::missing_target);
    say<event::custom>(a, "c", "dance");
    say(a, "c", "offer", "");
    same(take(), {"h message offer of a", "a reply r1: Too Many Requests", "h message offer of a",
                  "a reply r1: Too Many Requests", "h message offer of a", "a reply r1: Too Many Requests",
                  "h message dance of a", "a reply r1: Too Many Requests", "h message offer of a"});
    answer.message = errc::ok;
    say<event::custom>(a, "c", "dance");
    say<event::join>(a, "", "join");
    say<event::ping>(a, "", "ping");
    same(take(), {"h message dance of a", "a reply r1: Unknown Command", "h message join of a",
                  "a reply r1: Unknown Command", "h message ping of a", "a reply r1: OK"});
    // Acknowledgements and resumes are none of its business.
    say<event::ack>(a, "", "ack", "");
    say<event::resume>(a, "", "resume");
    same(take(), {"a reply r1: Unknown Command"});
}

BOOST_FIXTURE_TEST_CASE(a_delivery_may_be_refused, watched) {
    auto &a = connect("a"), &c = connect("c");
    take();
    answer.deliver = false;
    c.full = true; // is not even asked
    say(a, "c");
    BOOST_TEST((h.send("c", "news") == errc::denied));
    same(take(),
         {"h message offer of a", "h deliver offer to c", "a reply r1: Denied", "h deliver news to c"});
    answer.deliver = true;
    say(a, "c");
    same(take(), {"h message offer of a", "h deliver offer to c", "c cannot take it",
                  "a reply r1: Peer Cannot Take More"});
}

struct faulty_filter {
    bool on_deliver(peer_handle, const event::send& e) {
        if (e.command == "faulty") throw std::runtime_error{"no"};
        return e.command != "forbidden";
    }
};

BOOST_AUTO_TEST_CASE(a_filter_that_throws_costs_the_message_in_hand) {
    bench<direct_router, no_log, hooks<faulty_filter>> b{{}, {}, hooks{faulty_filter{}}};
    auto& a = b.connect("a");
    b.connect("c");
    b.take();
    for (const auto* command : {"faulty", "forbidden", "fine"}) b.say(a, "c", command);
    same(b.take(),
         {"a reply r1: Internal Server Error", "a reply r1: Denied", "a reply r1: OK", "c fine from <a> {}"});
    BOOST_TEST((b.h.send("c", "faulty") == errc::internal_error));
    BOOST_TEST((b.h.send("c", "forbidden") == errc::denied));
}

// It names a peer that is leaving, of which the hooks were told that it has gone.
struct late_router {
    static inline peer_handle target;
    template <class Registry, class To>
    errc route(const Registry&, peer_handle, const event::send&, To to) const {
        to(target);
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(nobody_is_asked_about_deliveries_to_a_peer_that_is_leaving) {
    script asked;
    witness::orders answer;
    bench<late_router, no_log, hooks<witness>> b{{}, {}, hooks{witness{"h", &asked, &answer}}};
    auto &a = b.connect("a"), &c = b.connect("c");
    late_router::target = c.who.peer;
    b.h.close("c", errc::denied);
    b.connect("c2", "c"); // another peer has its id by now
    b.take();
    asked.clear();
    b.say(a, "c");
    same(b.take(), {"a reply r1: Peer Offline"});
    same(asked, {"h message offer of a"});
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_is_no_longer_online_is_not_heard, watched) {
    auto& a = connect("a");
    connect("c");
    h.close("a", errc::denied);
    take();
    say(a, "c");
    h.closed(a.who, errc::denied);
    say(a, "c");
    same(take(), {});
}

// Rewrites what it gets; nothing of it lives anywhere but in the context.
struct translator {
    errc on_message(message_context& context, event::send& e) {
        BOOST_TEST(context.id() == "a");
        BOOST_TEST((context.now() == time_point{1h}));
        e.to = context.keep(std::string(40, 'c'));
        e.command = context.keep("a command that is too long for a small string");
        e.fault = errc::ok;
        e.token.bytes = context.keep("another token, which nobody asked for");
        e.from = context.keep("somebody else, who did not say it");
        e.data = {};
        e.data.bytes = context.keep(R"({"text":"a payload that is too long for a small string"})");
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(a_message_may_be_changed) {
    hooked b{hooks{translator{}}};
    auto& a = b.connect("a");
    b.connect("c", std::string(40, 'c'));
    b.take();
    b.say(a, "", "tell", "r1", errc::missing_target);
    same(b.take(), {"a reply r1: OK", "c a command that is too long for a small string from <a> "
                                      R"({"text":"a payload that is too long for a small string"})"});
}

// Hands something from admission to the peer's state.
struct room {
    std::string name;
};
struct rooms {
    script* left;
    peer_states<std::string> of = {};

    errc on_admit(const request& r, admission& a) {
        a.attached.put(room{r.query("room")});
        return errc::ok;
    }
    void on_open(peer_handle p, const admission& a) { of.emplace(p, a.attached.find<room>()->name); }
    bool on_deliver(peer_handle to, const event::send& e) { return e.command != *of.find(to); }
    void on_close(peer_handle p, errc) {
        left->push_back("left " + *of.find(p));
        of.erase(p);
    }
};

BOOST_AUTO_TEST_CASE(notes_of_an_admission_arrive_even_after_a_claim) {
    script left;
    hooked b{hooks{rooms{&left}}};
    const auto enter = [&](const std::string& name) -> wire& {
        wire& w = b.add(name);
        admission wish;
        wish.id = "x";
        const auto target = "/?room=" + name;
        std::size_t asked = 0;
        BOOST_TEST((b.h.admit({"GET", target, {}, {}}, wish, asked) == errc::ok));
        w.who = *b.h.opened({&w}, wish);
        return w;
    };
    auto &red = enter("red"), &blue = enter("blue");
    b.h.closed(red.who, errc::lost);
    BOOST_TEST((b.h.send("x", "blue") == errc::denied));
    BOOST_TEST((b.h.send("x", "red") == errc::ok));
    auto& green = enter("green");
    b.h.closed(green.who, errc::lost); // a claimant in vain
    b.h.closed(blue.who, errc::closed);
    BOOST_TEST(b.h.size() == 0u);
    same(left, {"left red", "left blue"});
}

// Each hook has notes of a type of its own, and finds those of the others.
struct age {
    int years;
};
struct notes_age {
    errc on_admit(const request&, admission& a) {
        a.attached.put(age{7});
        return errc::ok;
    }
};
struct notes_name {
    errc on_admit(const request&, admission& a) {
        BOOST_TEST(a.attached.find<room>() == nullptr);
        BOOST_TEST(a.attached.find<age>()->years == 7);
        a.attached.put(room{"kitchen"});
        a.attached.put(age{8}); // takes the place of the older one
        return errc::ok;
    }
};
struct reads_both {
    std::string* seen;
    void on_open(peer_handle, const admission& a) {
        const auto* const where = a.attached.find<room>();
        *seen =
            where == nullptr ? "nothing" : where->name + " " + std::to_string(a.attached.find<age>()->years);
    }
};

BOOST_AUTO_TEST_CASE(several_hooks_keep_notes_of_their_own) {
    std::string seen;
    hooked b{hooks{notes_age{}, notes_name{}, reads_both{&seen}}};
    admission wish;
    wish.id = "a";
    std::size_t asked = 0;
    BOOST_TEST((b.h.admit({}, wish, asked) == errc::ok));
    auto& a = b.connect("a", wish);
    BOOST_TEST(seen == "kitchen 8");
    const auto* kept = b.h.context().notes_of(a.who.peer);
    BOOST_TEST_REQUIRE((kept != nullptr && kept->find<room>() != nullptr));
    BOOST_TEST(kept->find<age>()->years == 8);
    BOOST_TEST(kept->find<int>() == nullptr);
    BOOST_TEST(b.h.context().notes_of({}) == nullptr);
    const auto gone = a.who.peer;
    b.h.closed(a.who, errc::lost);
    BOOST_TEST(b.h.context().notes_of(gone) == nullptr);
    // The next one in that slot has none of them.
    auto& e = b.connect("e");
    BOOST_TEST(e.who.peer.slot == gone.slot);
    BOOST_TEST(seen == "nothing");
    BOOST_TEST(b.h.context().notes_of(e.who.peer) == nullptr);
}

// --- outcomes

struct accountant : hooked<witness> {
    witness::orders answer;
    accountant() : hooked<witness>{hooks{witness{"h", &notes, &answer, true}}} {}
    script outcomes() {
        script out;
        for (auto& n : take())
            if (n.starts_with("h outcome ")) out.push_back(n.substr(10));
        return out;
    }
};

BOOST_FIXTURE_TEST_CASE(each_request_has_one_outcome_and_each_refusal, accountant) {
    auto &a = connect("a"), &c = connect("c");
    take();
    say(a, "c");
    say(a, "nobody", "offer", ""); // a request that wants no reply ends too
    say<event::custom>(a, "", "dance");
    say<event::ping>(a, "", "ping");
    say<event::ack>(a, "", "ack", "");
    c.full = true;
    say(a, "c");
    answer.message = errc::rate;
    say(a, "c");
    answer = {.deliver = false};
    say(a, "c");
    say(a, "c", "offer", std::string(257, 't'));
    same(outcomes(), {"a: ok", "a: unknown", "a: unknown_command", "a: ok", "a: full", "a: rate", "a: denied",
                      "a: malformed"});

    connect("d", std::string(257, 'x'));
    h.refused("192.0.2.1", errc::forbidden_origin);
    connect("late", "a");
    connect("later", "a");
    h.alive(a.who);
    h.stop();
    connect("last", "e");
    same(outcomes(), {"of nobody: malformed", "of nobody: forbidden_origin", "of nobody: id_in_use",
                      "of nobody: id_in_use", "of nobody: stopping"});
}

BOOST_FIXTURE_TEST_CASE(verdicts_that_promise_more_are_refusals, watched) {
    auto& a = connect("a");
    take();
    answer.message = errc::deferred;
    say(a, "c");
    same(take(), {"h message offer of a", "a reply r1: Denied"});
}

// --- in a server

struct doorman {
    std::string* seen;

    errc on_admit(const request& r, admission& a) {
        *seen = r["X-Name"];
        std::string why = "I'm a ";
        why += "teapot of a length that no small string has room for";
        if (r.path() == "/busy") return errc::overloaded;
        if (r.path() == "/tea") a.refused_as = refusal{418, 4418, why}; // owns its text
        if (r.path() == "/page") a.refused_as = refusal{0, 4403, "Members only"};
        if (r.path() == "/throws") {
            a.refused_as = refusal{418, 4418, "Not what happened"};
            throw std::runtime_error{"no"};
        }
        if (a.refused_as) return errc::denied;
        a.id = r["X-Name"];
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(an_upgrade_is_let_in_or_refused) {
    const struct {
        const char* target;
        std::string_view begin, end;
        const char* event;
    } rows[] = {
        {"/", "HTTP/1.1 101 ", "", R"(text:{"id":)"},
        {"/tea", "HTTP/1.1 418 ", "\r\n\r\nI'm a teapot of a length that no small string has room for",
         nullptr},
        {"/busy", "HTTP/1.1 503 ", "\r\n\r\nTry Again Later", nullptr},
        {"/throws", "HTTP/1.1 500 ", "\r\n\r\nInternal Server Error", nullptr},
        {"/page", "HTTP/1.1 101 ", "", "close:4403:Members only"},
    };
    for (const auto& row : rows) {
        boost::asio::io_context io;
        std::string seen;
        sigfire::server srv{memory::websocket{io}, hooks{doorman{&seen}}};
        memory::basic_peer<framing::websocket<framing::role::client>> p{io};
        p.write(memory::upgrade_request("X-Name: Zoe\r\n", row.target));
        memory::run(io);
        BOOST_TEST_CONTEXT(row.target) {
            BOOST_TEST(seen == "Zoe");
            if (row.event == nullptr) {
                const auto answer = p.read();
                BOOST_TEST(answer.starts_with(row.begin), answer);
                BOOST_TEST(answer.ends_with(row.end), answer);
                continue;
            }
            BOOST_TEST(p.read_header().starts_with(row.begin));
            const auto events = p.events();
            BOOST_TEST_REQUIRE(events.size() == 1u);
            BOOST_TEST(events[0].starts_with(row.event), events[0]);
            if (row.target == std::string_view{"/"})
                BOOST_TEST(events[0].ends_with(R"("data":{"id":"Zoe"}})"));
        }
        std::size_t online = 99;
        srv.post([&](auto& hub) { online = hub.size(); });
        memory::run(io);
        BOOST_TEST(online == (row.target == std::string_view{"/"} ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(over_a_loopback) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    script notes;
    witness::orders answer;
    sigfire::server srv{net, hooks{witness{"h", &notes, &answer}}};
    script heard;
    auto ann = net.connect();
    ann.on_message([&](message m) { heard.emplace_back(m.view()); });
    const auto run = [&] {
        io.restart();
        io.poll();
    };
    run();
    auto bob = net.connect(); // wants the same id, and waits for it
    bob.on_message([&](message m) { heard.emplace_back("bob " + std::string{m.view()}); });
    run();
    ann.send(R"({"cmd":"offer","target":"h","id":"1","data":{"offer":1}})");
    run();
    same(notes, {"h admit ", "h open h", "h admit ", "h message offer of h"});
    BOOST_TEST(heard.back() ==
               R"({"id":"1","ok":false,"data":{"message":"Can't Send to Yourself","cause":"self"}})");
    answer.message = errc::denied;
    ann.send(R"({"cmd":"dance","target":"h","id":"2"})");
    run();
    BOOST_TEST(heard.back() == R"({"id":"2","ok":false,"data":{"message":"Denied","cause":"denied"}})");

    answer.admit = errc::denied;
    errc ended = errc::ok;
    auto eve = net.connect();
    eve.on_closed([&](const ending&, errc why) { ended = why; });
    run();
    BOOST_TEST((ended == errc::denied));
    BOOST_TEST(notes.back() == "h admit ");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
