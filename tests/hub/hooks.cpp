// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/hooks.hpp>

#include <sigfire/core/log.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"

#include <boost/test/unit_test.hpp>

#include <any>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using script = std::vector<std::string>;

void same(const script& got, const script& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

// The far end of an outlet, which notes what it is told.
struct wire {
    std::string name;
    script* notes = nullptr;
    bool full = false, held = false;
    attachment who;
    std::string welcomed_as;
    errc ended = errc::ok;
};

struct recorder {
    wire* w;

    void note(const std::string& text) const { w->notes->push_back(w->name + " " + text); }
    errc ready(const envelope&) const {
        if (w->full) note("cannot take it");
        return w->full ? errc::full : errc::ok;
    }
    void deliver(const envelope& e) const {
        if (e.what == verb::welcome) {
            w->welcomed_as = e.to;
            note("welcome");
        } else if (e.what == verb::reply) {
            note("reply " + std::string(e.id) + ": " +
                 std::string(e.command.empty() ? to_string(e.status) : e.command) +
                 std::string(e.data.bytes));
        } else {
            note(std::string(e.command) + " from <" + std::string(e.from) + "> " + std::string(e.data.bytes));
        }
    }
    void deliver(const envelope& e, fanout&) const { deliver(e); }
    bool has_room(const envelope&) const { return !w->full; }
    bool ping() const { return true; }
    void hold() const { w->held = true; }
    void release() const { w->held = false; }
    void close(errc why) const {
        w->ended = why;
        note("closed: " + std::string(to_string(why)));
    }
};

// A hook with every member, that notes what it is asked. What it answers is up to the test.
struct witness {
    struct orders {
        errc admit = errc::ok, message = errc::ok;
        bool deliver = true;
    };
    std::string name;
    script* notes;
    const orders* answer;
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
    errc on_message(message_context& c, envelope& e) {
        note("message " + std::string(e.command) + " of " + ids.at(c.from().slot));
        return answer->message;
    }
    bool on_deliver(peer_handle to, const envelope& e) {
        note("deliver " + std::string(e.command) + " to " + ids.at(to.slot));
        return answer->deliver;
    }
    void on_close(peer_handle p, errc why) {
        note("close " + ids.at(p.slot) + ": " + std::string(cause_name(why)));
        ids.erase(p.slot);
    }
};

template <class... Hs>
struct bench {
    script notes;
    std::deque<wire> wires;
    hub<local_registry, direct_router, recorder, no_log, hooks<Hs...>> h;
    time_point now{1h};

    explicit bench(hooks<Hs...> chain) : h({}, {}, {}, {}, std::move(chain)) { h.tick(now); }

    wire& connect(std::string name, const std::string& id) {
        wire& w = wires.emplace_back();
        w.name = std::move(name);
        w.notes = &notes;
        admission wish;
        wish.id = id;
        if (const auto r = h.opened({&w}, wish))
            w.who = *r;
        else
            w.ended = static_cast<errc>(r.error().value());
        return w;
    }
    wire& connect(const std::string& name) { return connect(name, name); }

    void say(wire& w, std::string_view to, std::string_view command = "offer", verb what = verb::send,
             errc status = errc::ok, std::string_view token = "r1") {
        envelope e;
        e.what = what;
        e.id = token;
        e.status = status;
        e.command = command;
        e.to = to;
        e.from = "forged";
        e.data.bytes = "{}";
        h.received(w.who, e);
    }

    script take() { return std::exchange(notes, {}); }
    void pass(clock::duration d) { h.tick(now += d); }
};

BOOST_AUTO_TEST_SUITE(hook_chains)

struct listens {
    errc on_message(message_context&, envelope&) { return errc::ok; }
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
    envelope e;
    message_context context{peer, time_point{1h}};

    two_witnesses() {
        wish.id = "x";
        e.command = "offer";
    }
};

BOOST_FIXTURE_TEST_CASE(first_to_last_and_back_at_the_end, two_witnesses) {
    BOOST_TEST((chain.on_admit({}, wish) == errc::ok));
    BOOST_TEST(wish.id == "x12");
    chain.on_open(peer, wish);
    BOOST_TEST((chain.on_message(context, e) == errc::ok));
    BOOST_TEST(chain.on_deliver(peer, e));
    chain.on_close(peer, errc::lost);
    same(notes, {"1 admit ", "2 admit ", "1 open x12", "2 open x12", "1 message offer of x12",
                 "2 message offer of x12", "1 deliver offer to x12", "2 deliver offer to x12",
                 "2 close x12: lost", "1 close x12: lost"});
}

BOOST_FIXTURE_TEST_CASE(the_first_refusal_wins, two_witnesses) {
    chain.on_open(peer, wish);
    notes.clear();
    first = {errc::rate, errc::denied, false};
    BOOST_TEST((chain.on_admit({}, wish) == errc::rate));
    BOOST_TEST((chain.on_message(context, e) == errc::denied));
    BOOST_TEST(!chain.on_deliver(peer, e));
    same(notes, {"1 admit ", "1 message offer of x", "1 deliver offer to x"});
    first = {};
    second = {errc::malformed, errc::too_large, false};
    notes.clear();
    BOOST_TEST((chain.on_admit({}, wish) == errc::malformed));
    BOOST_TEST((chain.on_message(context, e) == errc::too_large));
    BOOST_TEST(!chain.on_deliver(peer, e));
    BOOST_TEST(notes.size() == 6u);
}

struct only_closes {
    int* count;
    void on_close(peer_handle, errc) { ++*count; }
};

// A chain has what its hooks have, and no more.
static_assert(detail::has_on_close<hooks<only_closes>> && !detail::has_on_open<hooks<only_closes>> &&
              !detail::has_on_admit<hooks<only_closes>> && !detail::has_on_message<hooks<only_closes>> &&
              !detail::has_on_deliver<hooks<only_closes>>);
static_assert(!detail::has_on_close<no_hooks>);

struct move_only {
    std::unique_ptr<int> n;
    errc on_message(message_context&, envelope&) { return *n != 0 ? errc::ok : errc::denied; }
};

BOOST_AUTO_TEST_CASE(hooks_of_different_members_are_mixed) {
    int closes = 0;
    hooks chain{only_closes{&closes}, move_only{std::make_unique<int>(0)}, only_closes{&closes}};
    message_context context{{}, {}};
    envelope e;
    BOOST_TEST((chain.on_message(context, e) == errc::denied));
    chain.on_close({}, errc::lost);
    BOOST_TEST(closes == 2);
}

BOOST_AUTO_TEST_CASE(states_belong_to_a_peer_and_not_to_its_slot) {
    peer_states<std::string> states;
    const peer_handle a{2, 1}, next{2, 2}, b{200, 1};
    BOOST_TEST(states.find(a) == nullptr);
    std::string& first = states.emplace(a, "anna");
    states.emplace(b, 3u, 'b');
    BOOST_TEST(states.find(a) == &first); // growth moves nothing
    BOOST_TEST(*states.find(b) == "bbb");
    BOOST_TEST(states.find(next) == nullptr);
    BOOST_TEST(states.find({}) == nullptr);
    states.erase(next);
    BOOST_TEST(*states.find(a) == "anna");
    states.emplace(next, "nora");
    BOOST_TEST(states.find(a) == nullptr);
    states.erase(a);
    BOOST_TEST(*states.find(next) == "nora");
    states.erase(next);
    states.erase(next);
    BOOST_TEST(states.find(next) == nullptr);
}

// --- in a hub

struct watched : bench<witness> {
    witness::orders answer;
    watched() : bench<witness>{hooks{witness{"h", &notes, &answer}}} {}
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
    say(a, "", "offer", verb::send, errc::missing_target);
    say(a, "c", "dance", verb::other);
    say(a, "c", "offer", verb::send, errc::ok, "");
    same(take(), {"h message offer of a", "a reply r1: Too Many Requests", "h message offer of a",
                  "a reply r1: Too Many Requests", "h message offer of a", "a reply r1: Too Many Requests",
                  "h message dance of a", "a reply r1: Too Many Requests", "h message offer of a"});
    answer.message = errc::ok;
    say(a, "c", "dance", verb::other);
    say(a, "c", "x", verb::welcome);
    say(a, "c", "x", verb::reply);
    same(take(), {"h message dance of a", "a reply r1: Unknown Command"});
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

BOOST_FIXTURE_TEST_CASE(who_is_no_longer_online_is_not_heard, watched) {
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
    errc on_message(message_context& context, envelope& e) {
        BOOST_TEST(e.from == "a");
        BOOST_TEST((context.now() == time_point{1h}));
        if (e.what == verb::other && e.command == "tell") {
            e.what = verb::send;
            e.to = context.keep(std::string(40, 'c'));
            e.command = context.keep("a command that is too long for a small string");
        }
        e.status = errc::ok;
        e.id = context.keep("another token, which nobody asked for");
        e.from = context.keep("somebody else, who did not say it");
        e.data = {};
        e.data.bytes = context.keep(R"({"text":"a payload that is too long for a small string"})");
        return errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(a_message_may_be_changed) {
    bench b{hooks{translator{}}};
    auto& a = b.connect("a");
    b.connect("c", std::string(40, 'c'));
    b.take();
    b.say(a, "", "tell", verb::other, errc::missing_target);
    same(b.take(), {"a reply r1: OK", "c a command that is too long for a small string from <a> "
                                      R"({"text":"a payload that is too long for a small string"})"});
}

// Hands something from admission to the peer's state.
struct rooms {
    script* notes;
    peer_states<std::string> of = {};

    errc on_admit(const request& r, admission& a) {
        a.state = r.query("room");
        return errc::ok;
    }
    void on_open(peer_handle p, const admission& a) { of.emplace(p, std::any_cast<std::string>(a.state)); }
    bool on_deliver(peer_handle to, const envelope& e) { return e.command != *of.find(to); }
    void on_close(peer_handle p, errc) {
        notes->push_back("left " + *of.find(p));
        of.erase(p);
    }
};

BOOST_AUTO_TEST_CASE(what_admission_hands_over_arrives_even_after_a_claim) {
    script left;
    bench b{hooks{rooms{&left}}};
    const auto enter = [&](const std::string& room) -> wire& {
        wire& w = b.wires.emplace_back();
        w.notes = &b.notes;
        w.name = room;
        admission wish;
        wish.id = "x";
        const auto target = "/?room=" + room;
        BOOST_TEST((b.h.admit({"GET", target, {}, {}}, wish) == errc::ok));
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

BOOST_AUTO_TEST_CASE(commands_are_answered_by_name) {
    script called;
    const auto note = [&](const char* name) {
        return [&called, name](message_context&, envelope& e) {
            called.push_back(name + (" " + std::string(e.command)));
            return errc::ok;
        };
    };
    witness::orders answer;
    script seen;
    bench b{
        hooks{commands{
                  {"add", [](message_context& c, envelope&) { return c.reply(R"({"sum":3})"), errc::ok; }},
                  {"thanks", [](message_context& c, envelope&) { return c.reply(), errc::ok; }},
                  {"steal", [](message_context& c, envelope&) { return c.fail("Not \"yours\""); }},
                  {"hurry", [](message_context&, envelope&) { return errc::rate; }},
                  {"offer", note("named")},
                  {"answer", [](message_context& c, envelope&) { return c.reply(), errc::ok; }},
                  {"*", note("any")},
              },
              witness{"h", &seen, &answer}}};
    auto& a = b.connect("a");
    b.connect("c");
    b.take();
    seen.clear();
    const struct {
        const char* command;
        verb what;
        script notes, called, seen;
    } rows[] = {
        {"add", verb::other, {R"(a reply r1: OK{"sum":3})"}, {}, {}},
        {"thanks", verb::other, {"a reply r1: OK"}, {}, {}},
        {"steal", verb::other, {"a reply r1: Not \"yours\""}, {}, {}},
        {"hurry", verb::other, {"a reply r1: Too Many Requests"}, {}, {}},
        {"dance", verb::other, {"a reply r1: OK"}, {"any dance"}, {}},
        {"*", verb::other, {"a reply r1: OK"}, {"any *"}, {}},
        {"", verb::other, {"a reply r1: OK"}, {"any "}, {}},
        {"offer",
         verb::send,
         {"a reply r1: OK", "c offer from <a> {}"},
         {"named offer"},
         {"h message offer of a", "h deliver offer to c"}},
        {"answer", verb::send, {"a reply r1: OK"}, {}, {}},
        {"ice",
         verb::send,
         {"a reply r1: OK", "c ice from <a> {}"},
         {},
         {"h message ice of a", "h deliver ice to c"}},
    };
    for (const auto& row : rows) BOOST_TEST_CONTEXT(row.command) {
            b.say(a, "c", row.command, row.what);
            same(b.take(), row.notes);
            same(std::exchange(called, {}), row.called);
            same(std::exchange(seen, {}), row.seen);
        }
    b.say(a, "c", "steal", verb::other, errc::ok, "");
    same(b.take(), {});
}

BOOST_AUTO_TEST_CASE(without_a_catch_all_unknown_commands_stay_unknown) {
    bench b{hooks{commands{{"add", [](message_context&, envelope&) { return errc::ok; }}}}};
    auto& a = b.connect("a");
    b.take();
    b.say(a, "", "add", verb::other);
    b.say(a, "", "dance", verb::other);
    same(b.take(), {"a reply r1: OK", "a reply r1: Unknown Command"});
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
    std::any* seen;

    errc on_admit(const request& r, admission& a) {
        *seen = std::string{r["X-Name"]};
        if (r.path() == "/busy") return errc::overloaded;
        if (r.path() == "/tea") a.refusal = ending{418, 4418, "I'm a teapot"};
        if (r.path() == "/page") a.refusal = ending{0, 4403, "Members only"};
        if (a.refusal) return errc::denied;
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
        {"/tea", "HTTP/1.1 418 ", "\r\n\r\nI'm a teapot", nullptr},
        {"/busy", "HTTP/1.1 503 ", "\r\n\r\nTry Again Later", nullptr},
        {"/page", "HTTP/1.1 101 ", "", "close:4403:Members only"},
    };
    for (const auto& row : rows) {
        boost::asio::io_context io;
        std::any seen;
        sigfire::server srv{memory::websocket{io}, hooks{doorman{&seen}}};
        memory::basic_peer<framing::websocket<framing::role::client>> p{io};
        p.write(memory::upgrade_request("X-Name: Zoe\r\n", row.target));
        memory::run(io);
        BOOST_TEST_CONTEXT(row.target) {
            BOOST_TEST(std::any_cast<std::string>(seen) == "Zoe");
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
