// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// A peer that resumes, in a hub with features and hooks that know of the peer too: what each of them is told,
// and when.
#include "support/hub_bench.hpp"

#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace hub_world;

// Writes down what hooks are told; refuses what it is told to refuse.
struct witness {
    script* told;
    errc* admits;
    std::chrono::milliseconds* beats;
    bool* delivers;
    std::deque<deferral>* tickets;

    errc on_admit(const request&, admission& a) {
        a.heartbeat_timeout = *beats;
        return told->push_back("admit"), *admits;
    }
    void on_open(peer_handle, const admission& a) { told->push_back("open " + a.id); }
    errc on_message(message_context& c, event::incoming& e) {
        told->push_back("message " + std::string{e.command} + " of " + std::string{c.id()});
        if (e.command != "renegotiate") return errc::ok;
        tickets->push_back(c.defer());
        return errc::deferred;
    }
    bool on_deliver(peer_handle, const event::send& e) {
        return told->push_back("deliver " + std::string{e.command}), *delivers;
    }
    void on_outcome(const outcome& o) { told->push_back("outcome " + std::string{cause_name(o.cause)}); }
    void on_close(peer_handle, errc why) { told->push_back("close " + std::string{cause_name(why)}); }
};

using all_features = features<heartbeat, identity, topics, requests, resume>;

struct world {
    script told{};
    errc admits = errc::ok;
    std::chrono::milliseconds beats{};
    bool delivers = true;
    std::deque<deferral> tickets{};
    hub_bench<all_features, hooks<witness>, mailbox<direct_router>> b{
        all_features{}, hooks{witness{&told, &admits, &beats, &delivers, &tickets}},
        mailbox{direct_router{}, 5s}};
    std::string token{};

    explicit world(std::chrono::milliseconds alive = {}) : beats{alive} {
        token = token_in(b.connect("a", {.id = "a", .target = "/?resume"}));
        beats = {};
        b.connect("b");
        take();
    }
    script take() { return std::exchange(told, {}); }
    void lose_quietly() { b.lose("a"); }
    void lose() {
        take();
        b.lose("a");
        same(take(), {}); // nobody is told
    }
    // On a connection of the same name; whether the peer is the same as before.
    bool come_back(unsigned received = 0) {
        const auto welcome =
            b.connect("a", {.target = "/?received=" + std::to_string(received) + "&resume=" + token});
        if (const auto next = token_in(welcome); !next.empty()) token = next;
        return welcome.find(R"("recovered":true)") != std::string::npos;
    }
    std::string tell(std::string_view command) {
        return b.ask("b", R"({"cmd":")" + std::string{command} + R"(","target":"a"})");
    }
    void beat() {
        event::heartbeat e;
        b.h.received(b.at("a").its_state.who, e);
        b.settle();
    }
};

BOOST_AUTO_TEST_SUITE(combinations)

// --- hooks ---

BOOST_AUTO_TEST_CASE(a_return_is_admitted_and_is_neither_opened_nor_closed) {
    world w;
    w.lose();
    BOOST_TEST(w.come_back());
    same(w.take(), {"admit"});
    w.lose();
    w.b.advance(30s);
    same(w.take(), {"close lost"});
}

BOOST_AUTO_TEST_CASE(a_return_that_a_hook_refuses_leaves_the_peer_away) {
    world w;
    w.lose();
    w.admits = errc::denied;
    BOOST_TEST(!w.come_back());
    BOOST_TEST(w.b.ended("a") == errc::denied);
    BOOST_TEST(w.tell("bye") == "ok");
    w.admits = errc::ok;
    BOOST_TEST(w.come_back());
    same(w.b.heard("a"), {R"({"cmd":"bye","origin":"b"})"});
}

BOOST_AUTO_TEST_CASE(a_delivery_is_judged_when_it_is_sent_and_not_when_it_comes_again) {
    world w;
    w.lose();
    BOOST_TEST(w.tell("bye") == "ok");
    same(w.take(), {"message bye of b", "deliver bye", "outcome ok"});
    w.delivers = false;
    BOOST_TEST(w.tell("session-cancel") == "denied");
    same(w.take(), {"message session-cancel of b", "deliver session-cancel", "outcome denied"});
    BOOST_TEST(w.come_back());
    same(w.take(), {"admit"});
    same(w.b.heard("a"), {R"({"cmd":"bye","origin":"b"})"});
}

BOOST_AUTO_TEST_CASE(a_verdict_about_a_message_of_a_peer_that_is_away_reaches_it_on_return) {
    world w;
    w.b.say("a", R"({"cmd":"renegotiate","target":"b","id":1})");
    w.b.say("a", R"({"cmd":"bye","target":"b","id":2})");
    w.lose_quietly();
    w.tickets.front().refuse(errc::rate);
    w.b.settle();
    same(w.b.heard("b"), {R"({"cmd":"bye","origin":"a"})"});
    BOOST_TEST(w.come_back());
    same(w.b.heard("a"), {R"({"id":1,"ok":false,"data":{"message":"Too Many Requests","cause":"rate"}})",
                          R"({"id":2,"ok":true})"});
}

BOOST_AUTO_TEST_CASE(a_return_by_request_is_a_message_to_no_hook_and_closes_the_id_that_it_gives_up) {
    world w;
    w.lose();
    BOOST_TEST(w.tell("bye") == "ok");
    w.b.connect("x");
    w.take();
    const auto reply = w.b.ask("x", R"({"cmd":"resume","received":0,"token":")" + w.token + "\"}");
    BOOST_TEST(reply.starts_with("ok "), reply);
    same(w.take(), {"close replaced"});
    same(w.b.heard("x"), {R"({"cmd":"bye","origin":"b"})"});
    w.b.say("x", R"({"cmd":"bye","target":"b","id":1})");
    BOOST_TEST(w.take().front() == "message bye of a");
}

// --- heartbeats ---

BOOST_AUTO_TEST_CASE(a_peer_that_is_away_sends_no_heartbeat_and_ends_when_one_is_due) {
    world w{10s};
    w.b.advance(6s);
    w.beat();
    w.lose();
    w.b.advance(9s);
    BOOST_TEST(w.come_back());
    w.b.advance(999ms);
    BOOST_TEST(w.b.is_open("a"));
    w.b.advance(1ms); // its new connection is no heartbeat
    BOOST_TEST(w.b.ended("a") == errc::pong_timeout);
    same(w.take(), {"admit", "close pong_timeout"});
    BOOST_TEST(!w.come_back()); // another peer has that id now, or none

    world other{10s};
    other.lose();
    other.b.advance(10s); // within the window of 30 s
    same(other.take(), {"close pong_timeout"});
    BOOST_TEST(!other.b.h.find("a"));
    BOOST_TEST(other.b.get<resume>().away_peers() == 0u);
    BOOST_TEST(other.b.get<heartbeat>().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_returns_and_beats_stays) {
    world w{10s};
    w.lose();
    w.b.advance(9s);
    BOOST_TEST(w.come_back());
    for (int i = 0; i < 5; ++i) {
        w.beat();
        w.b.advance(9s);
    }
    BOOST_TEST(w.b.is_open("a"));
    w.lose();
    w.b.advance(30s);
    BOOST_TEST(w.b.get<heartbeat>().size() == 0u);
}

// --- mailbox ---

BOOST_AUTO_TEST_CASE(
    a_message_for_a_peer_that_is_away_is_kept_by_resume_and_one_for_its_next_namesake_by_the_mailbox) {
    world w;
    w.lose();
    BOOST_TEST(w.tell("bye") == "ok"); // its own
    w.b.advance(30s);
    w.take();
    BOOST_TEST(w.tell("bye") == R"(ok {"held":true})");
    BOOST_TEST(!w.come_back());
    // The peer that comes with the old token is a stranger: nothing of the old one's comes to it.
    BOOST_TEST(w.b.heard("a").empty());
    w.b.connect("next", {.id = "a"});
    same(w.b.heard("next"), {R"({"cmd":"bye","origin":"b"})"});
}

BOOST_AUTO_TEST_CASE(a_message_in_the_mailbox_that_expires_while_its_sender_is_away_is_told_on_return) {
    world w;
    BOOST_TEST(w.b.ask("a", R"({"cmd":"bye","target":"absent"})") == R"(ok {"held":true})");
    w.lose_quietly();
    w.b.advance(5s);
    BOOST_TEST(w.come_back(1));
    const auto got = w.b.heard("a");
    BOOST_TEST_REQUIRE(got.size() == 1u);
    BOOST_TEST(got[0].starts_with(R"({"cmd":"expired","origin":"absent")"), got[0]);
}

// --- identity ---

BOOST_AUTO_TEST_CASE(a_resumable_peer_is_not_taken_over_by_the_token_of_a_namesake) {
    world w;
    w.lose();
    BOOST_TEST(w.b.connect("thief", {.id = "a", .token = "t"}).empty());
    BOOST_TEST(w.b.ended("thief") == errc::id_in_use);
    BOOST_TEST(w.come_back());
}

BOOST_AUTO_TEST_CASE(the_token_of_a_resume_goes_before_the_proof_of_an_id) {
    world w;
    w.b.connect("first", {.id = "x", .token = "t"});
    w.b.connect("second", {.id = "x", .token = "t"});
    BOOST_TEST(w.b.ended("first") == errc::replaced);
    BOOST_TEST(w.b.is_open("second"));
    w.lose_quietly();
    BOOST_TEST(w.come_back());
    BOOST_TEST((w.b.h.find("a") == w.b.peer("a")));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
