// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/observe/call_trace.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/admission/rate_limit.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/sessions.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace hub_world;
using namespace std::chrono_literals;

// Refuses what a test wants to be refused, or defers it.
struct censor {
    errc* verdict;
    std::string* of;
    std::vector<deferral>* tickets;

    errc on_message(message_context& c, event::send& e) {
        if (e.command != *of) return errc::ok;
        if (*verdict == errc::deferred) tickets->push_back(c.defer());
        return *verdict;
    }
};

std::chrono::system_clock::time_point present{};

mailbox_limits only_offers() {
    mailbox_limits l;
    l.accepts = [](const event::send& e) { return e.command == "offer"; };
    return l;
}

struct calls {
    call_trace trace{{.now = [] { return present += 1ms; }}};
    errc verdict = errc::ok;
    std::string censored;
    std::vector<deferral> tickets;
    hub_bench<features<sessions>, hooks<call_trace, censor>, mailbox<>> b{
        features{sessions{}}, hooks{trace, censor{&verdict, &censored, &tickets}},
        mailbox{direct_router{}, 5s, only_offers()}};

    void refuses(std::string command, errc why) {
        censored = std::move(command);
        verdict = why;
    }
    void say(const std::string& from, const std::string& command, const std::string& to) {
        static int n = 0;
        const auto data = command == "offer" || command == "answer" ? R"(,"data":{")" + command + R"(":1})"
                          : command == "ice"                        ? R"(,"data":{"candidate":1})"
                                                                    : "";
        b.say(from, R"({"cmd":")" + command + R"(","target":")" + to + R"(","id":)" + std::to_string(++n) +
                        data + "}");
    }
    void both() { b.connect("ann"), b.connect("bob"); }
    void call() {
        both();
        say("ann", "offer", "bob");
    }
    void answered() {
        call();
        say("bob", "answer", "ann");
    }
    void complete() {
        answered();
        say("ann", "ice", "bob");
        say("bob", "ice", "ann");
    }
    call_report why() const { return trace.why("ann", "bob"); }
};

struct fault {
    const char* name;
    std::function<void(calls&)> inject;
    call_finding finding;
    errc cause = errc::ok;
};

using enum call_finding;

const std::vector<fault> faults{
    {"nobody is there", [](calls&) {}, caller_not_seen},
    {"only the called peer is there", [](calls& c) { c.b.connect("bob"); }, caller_not_seen},
    {"the caller is gone before it calls", [](calls& c) { c.both(), c.b.lose("ann"); }, caller_gone,
     errc::lost},
    {"the caller does not call", [](calls& c) { c.both(); }, no_call},
    {"the caller calls another peer",
     [](calls& c) {
         c.both(), c.b.connect("eve");
         c.say("ann", "offer", "eve");
     },
     no_call},
    {"only the other side calls", [](calls& c) { c.both(), c.say("bob", "offer", "ann"); }, no_call},
    {"the called peer never came", [](calls& c) { c.b.connect("ann"), c.say("ann", "session-start", "bob"); },
     called_not_seen, errc::unknown},
    {"the called peer is gone",
     [](calls& c) {
         c.both(), c.b.lose("bob");
         c.say("ann", "session-start", "bob");
     },
     called_gone, errc::lost},
    {"the called peer went properly",
     [](calls& c) {
         c.both(), c.b.close("bob");
         c.say("ann", "session-start", "bob");
     },
     called_gone, errc::closed},
    {"a rule denies the offer", [](calls& c) { c.refuses("offer", errc::denied), c.call(); }, call_failed,
     errc::denied},
    {"a limit refuses the offer", [](calls& c) { c.refuses("offer", errc::rate), c.call(); }, call_failed,
     errc::rate},
    {"the offer has no description",
     [](calls& c) {
         c.both();
         c.b.say("ann", R"({"cmd":"offer","target":"bob","id":1})");
     },
     call_failed, errc::missing_offer},
    {"the called peer has no room",
     [](calls& c) { c.both(), c.b.at("bob").full = true, c.say("ann", "offer", "bob"); }, call_failed,
     errc::full},
    {"a rule still decides", [](calls& c) { c.refuses("offer", errc::deferred), c.call(); }, call_waits},
    {"the offer waits in the mailbox", [](calls& c) { c.b.connect("ann"), c.say("ann", "offer", "bob"); },
     call_waits},
    {"the called peer does not answer", [](calls& c) { c.call(); }, not_answered},
    {"the called peer breaks down before its answer", [](calls& c) { c.call(), c.b.lose("bob"); },
     called_gone, errc::lost},
    {"the caller breaks down before the answer", [](calls& c) { c.call(), c.b.lose("ann"); }, caller_hung_up,
     errc::lost},
    {"the caller changes its mind", [](calls& c) { c.call(), c.say("ann", "bye", "bob"); }, caller_hung_up},
    {"the called peer does not want to",
     [](calls& c) {
         c.both();
         c.say("ann", "session-start", "bob"), c.say("bob", "session-reject", "ann");
     },
     rejected},
    {"a rule denies the answer", [](calls& c) { c.refuses("answer", errc::denied), c.answered(); },
     answer_failed, errc::denied},
    {"no candidates at all", [](calls& c) { c.answered(); }, no_candidates},
    {"no candidates of the caller", [](calls& c) { c.answered(), c.say("bob", "ice", "ann"); },
     no_caller_candidates},
    {"no candidates of the called peer", [](calls& c) { c.answered(), c.say("ann", "ice", "bob"); },
     no_called_candidates},
    {"a limit refuses candidates", [](calls& c) { c.refuses("ice", errc::rate), c.complete(); },
     candidates_failed, errc::rate},
    {"the called peer breaks down after its answer", [](calls& c) { c.answered(), c.b.lose("bob"); },
     called_dropped, errc::lost},
    {"the caller breaks down after the answer", [](calls& c) { c.complete(), c.b.lose("ann"); },
     caller_dropped, errc::lost},
    {"the call is over", [](calls& c) { c.complete(), c.say("bob", "bye", "ann"); }, ended},
    {"the peers cannot reach each other", [](calls& c) { c.complete(); }, complete},
    {"the session is accepted and no offer comes",
     [](calls& c) {
         c.both();
         c.say("ann", "session-start", "bob"), c.say("bob", "session-accept", "ann");
     },
     no_offer},
    {"the session has an offer and no answer",
     [](calls& c) {
         c.both();
         c.say("ann", "session-start", "bob"), c.say("bob", "session-accept", "ann");
         c.say("ann", "offer", "bob");
     },
     not_answered},
    {"a second call fails after a good one",
     [](calls& c) {
         c.complete(), c.say("ann", "bye", "bob");
         c.refuses("offer", errc::denied), c.say("ann", "offer", "bob");
     },
     call_failed, errc::denied},
    {"the called peer came back and the next call is good",
     [](calls& c) {
         c.call(), c.b.lose("bob"), c.b.connect("bob");
         c.say("ann", "offer", "bob"), c.say("bob", "answer", "ann");
         c.say("ann", "ice", "bob"), c.say("bob", "ice", "ann");
     },
     complete},
};

} // namespace

BOOST_AUTO_TEST_SUITE(call_traces)

BOOST_AUTO_TEST_CASE(faults_are_named) {
    for (const auto& f : faults) BOOST_TEST_CONTEXT(f.name) {
            calls c;
            f.inject(c);
            const auto r = c.why();
            BOOST_TEST(to_string(r.finding) == to_string(f.finding));
            BOOST_TEST(to_string(r.cause) == to_string(f.cause));
            BOOST_TEST(!r.text().empty());
        }
    BOOST_TEST(faults.size() >= 25u);
}

BOOST_AUTO_TEST_CASE(steps_have_times_and_results) {
    calls c;
    c.answered();
    c.refuses("ice", errc::denied);
    c.say("ann", "ice", "bob");
    const auto r = c.why();
    BOOST_TEST_REQUIRE(r.steps.size() == 5u);
    BOOST_TEST((r.steps[0].what == call_step::opened && !r.steps[0].by_called));
    BOOST_TEST((r.steps[1].what == call_step::opened && r.steps[1].by_called));
    BOOST_TEST((r.steps[2].kind == signal_kind::offer && !r.steps[2].by_called && !r.steps[2].pending));
    BOOST_TEST((r.steps[3].kind == signal_kind::answer && r.steps[3].by_called));
    BOOST_TEST((r.steps[4].kind == signal_kind::candidate && r.steps[4].cause == errc::denied));
    for (std::size_t i = 1; i < r.steps.size(); ++i) BOOST_TEST((r.steps[i - 1].at < r.steps[i].at));
    BOOST_TEST(r.text() == "The server did not deliver all ICE candidates. Cause: Denied.");
    // The same call, seen from the other side.
    BOOST_TEST((c.trace.why("bob", "ann").finding == no_call));
    BOOST_TEST(c.trace.why("bob", "ann").steps.size() == 5u);
}

BOOST_AUTO_TEST_CASE(deferred_messages_get_their_results) {
    calls c;
    c.refuses("offer", errc::deferred);
    c.call();
    c.say("ann", "ice", "bob"); // waits behind it
    BOOST_TEST((c.why().steps[2].pending && c.why().steps[3].pending));
    c.tickets.at(0).refuse(errc::denied);
    c.b.advance(1ms);
    BOOST_TEST(!c.why().steps[2].pending);
    BOOST_TEST((c.why().steps[2].cause == errc::denied));
    BOOST_TEST(!c.why().steps[3].pending);
    BOOST_TEST((c.why().steps[3].cause == errc::ok));
}

BOOST_AUTO_TEST_CASE(the_oldest_steps_are_forgotten) {
    call_trace t{{.steps = 10, .refusals = 3, .now = [] { return present += 1ms; }}};
    hub_bench b{features{}, hooks{t}};
    b.connect("ann"), b.connect("bob"), b.connect("eve");
    for (int i = 0; i < 100; ++i) BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(t.why("ann", "bob").steps.size() == 10u);
    for (int i = 0; i < 8; ++i) BOOST_TEST(b.ask("eve", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(t.why("ann", "bob").steps.size() == 2u);
    for (const auto* remote : {"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.1"})
        b.h.refused(remote, errc::forbidden_origin);
    BOOST_TEST_REQUIRE(t.refusals().size() == 3u);
    BOOST_TEST(t.refusals()[0].remote == "192.0.2.1");
    BOOST_TEST(t.refusals()[1].remote == "192.0.2.3");
    BOOST_TEST(t.refusals("192.0.2.1").size() == 2u);
    BOOST_TEST(t.refusals("192.0.2.1", 1).size() == 1u);
    BOOST_TEST((t.refusals("192.0.2.3").at(0).cause == errc::forbidden_origin));
    BOOST_TEST(t.refusals("192.0.2.2").empty());
}

BOOST_AUTO_TEST_CASE(a_long_call_is_told_from_its_latest_steps) {
    calls c;
    c.complete();
    for (int i = 0; i < 3000; ++i) c.say("ann", "ice", "bob");
    BOOST_TEST(c.why().steps.size() <= 1000u);
    c.say("ann", "bye", "bob");
    c.refuses("offer", errc::denied), c.say("ann", "offer", "bob");
    BOOST_TEST((c.why().finding == call_failed));
}

BOOST_AUTO_TEST_SUITE_END()
