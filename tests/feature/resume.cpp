// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/resume.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

#include <deque>
#include <optional>
#include <set>
#include <string>

namespace {

using namespace hub_world;

// A text with `T` for the token in it.
std::string masked(std::string text) {
    const auto token = token_in(text);
    if (!token.empty()) text.replace(text.find(token), token.size(), "T");
    return text;
}

struct bench : hub_bench<features<topics, requests, sessions, resume>> {
    explicit bench(resume_options options = {})
        : hub_bench{features{topics{}, requests{}, sessions{}, resume{options}}} {
        connect("b");
    }

    // Connects a resumable peer; its token.
    std::string enter(const std::string& name) {
        return token_in(connect(name, {.id = name, .target = "/?resume"}));
    }
    // Continues by the URL on a connection of that name; the welcome.
    std::string come_back(const std::string& name, const std::string& token, unsigned received) {
        return connect(name, {.target = "/?resume=" + token + "&received=" + std::to_string(received)});
    }
    // Says `n` to `to`, from `b`.
    std::string tell(const std::string& to, int n) {
        return ask("b", R"({"cmd":"bye","target":")" + to + R"(","data":{"n":)" + std::to_string(n) + "}}");
    }
    std::size_t away() { return get<resume>().away_peers(); }
};

std::string told(int n) {
    return R"({"cmd":"bye","origin":"b","data":{"n":)" + std::to_string(n) + "}}";
}

// The welcome of a peer that is back.
std::string welcome(const std::string& id, unsigned heard) {
    return R"({"cmd":"welcome","data":{"id":")" + id +
           R"(","resume":{"token":"T","window":30000,"recovered":true,"received":)" + std::to_string(heard) +
           "}}}";
}
std::string bad_welcome(const std::string& id) {
    return R"({"cmd":"welcome","data":{"id":")" + id +
           R"(","resume":{"token":"T","window":30000,"recovered":false}}})";
}

BOOST_AUTO_TEST_SUITE(resume_)

BOOST_AUTO_TEST_CASE(a_peer_asks_to_be_resumable_by_url_or_command) {
    bench b{{.window = 20s}};
    const auto greeting = b.connect("a", {.id = "a", .target = "/?resume"});
    BOOST_TEST(masked(greeting) ==
               R"({"cmd":"welcome","data":{"id":"a","resume":{"token":"T","window":20000}}})");
    const auto reply = b.ask("b", R"({"cmd":"resume"})");
    b.ask("b", R"({"cmd":"dance"})");
    const auto again = b.ask("b", R"({"cmd":"resume"})");
    BOOST_TEST(masked(reply) == R"(ok {"token":"T","window":20000})");
    BOOST_TEST(masked(again) == R"(ok {"token":"T","window":20000})");
    const std::set<std::string> tokens{token_in(greeting), token_in(reply), token_in(again)};
    BOOST_TEST(tokens.size() == 3u);
    // The second replaced the first, and both ends count anew.
    b.lose("b");
    BOOST_TEST(b.away() == 1u);
    b.come_back("x", token_in(reply), 0);
    BOOST_TEST(!(b.peer("x") == b.h.find("b")));
    BOOST_TEST(b.come_back("y", token_in(again), 0).ends_with(R"("recovered":true,"received":0}}})"));
    same(b.heard("y"), {});
    BOOST_TEST((b.peer("y") == b.h.find("b")));
    // peers that know no extras keep their ids
    BOOST_TEST(b.connect("old", {.id = "old", .target = "/?resume", .extras = false}) ==
               R"({"cmd":"welcome","data":{"id":"old"}})");
    BOOST_TEST(b.ask("old", R"({"cmd":"resume"})") == "Unknown Command");
    b.lose("old");
    BOOST_TEST(!b.h.find("old"));
}

BOOST_AUTO_TEST_CASE(a_hub_without_it_has_no_such_command) {
    hub_bench<> plain;
    plain.connect("a", {.id = "a", .target = "/?resume"});
    BOOST_TEST(plain.ask("a", R"({"cmd":"resume"})") == "unknown_command");
    plain.say("a", R"({"cmd":"ack","received":1})");
    hub_bench b{features{topics{}}};
    BOOST_TEST(b.connect("a", {.id = "a", .target = "/?resume=x"}) ==
               R"({"cmd":"welcome","data":{"id":"a"}})");
    BOOST_TEST(b.ask("a", R"({"cmd":"resume","token":"x"})") == "unknown_command");
    b.say("a", R"({"cmd":"ack","received":1})");
    same(b.heard("a"), {});
    b.lose("a");
    BOOST_TEST(!b.h.find("a"));
}

BOOST_AUTO_TEST_CASE(missed_messages_come_again_once_and_in_order) {
    bench b;
    const auto token = b.enter("a");
    for (int n = 1; n <= 3; ++n) BOOST_TEST(b.tell("a", n) == "ok");
    BOOST_TEST(b.ask("a", R"({"cmd":"join","topic":"t"})") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(b.heard("a").size() == 3u);
    b.lose("a");
    BOOST_TEST(b.away() == 1u);
    BOOST_TEST(b.tell("a", 5) == "ok");
    BOOST_TEST((b.h.send("a", "news", "6") == errc::ok));
    BOOST_TEST(masked(b.come_back("a", token, 2)) == welcome("a", 1));
    same(b.heard("a"),
         {told(3),
          R"({"id":)" + std::to_string(b.asked() - 1) + R"(,"ok":true,"data":{"topic":"t","members":1}})",
          told(5), R"({"cmd":"news","data":6})"});
    BOOST_TEST(b.away() == 0u);
    BOOST_TEST(b.tell("a", 7) == "ok");
    same(b.heard("a"), {told(7)});
    BOOST_TEST((b.peer("a") == b.h.find("a")));
}

BOOST_AUTO_TEST_CASE(by_command_the_new_connection_becomes_the_old_peer) {
    bench b;
    const auto token = token_in(b.ask("b", R"({"cmd":"resume"})"));
    b.connect("c");
    BOOST_TEST(b.ask("b", R"({"cmd":"join","topic":"t"})") == R"(ok {"topic":"t","members":1})");
    b.lose("b");
    BOOST_TEST(b.ask("c", R"({"cmd":"session-start","target":"b"})") == R"(ok {"polite":false})");
    b.connect("x");
    BOOST_TEST(b.ask("x", R"({"cmd":"join","topic":"u"})") == R"(ok {"topic":"u","members":1})");
    BOOST_TEST(masked(b.ask("x", R"({"cmd":"resume","token":")" + token + R"(","received":1})")) ==
               R"(ok {"id":"b","token":"T","window":30000,"recovered":true,"received":1})");
    same(b.heard("x"), {R"({"cmd":"session-start","origin":"c","polite":true})"});
    BOOST_TEST((b.peer("x") == b.h.find("b")));
    // The id that the connection had is given up, with all that belonged to it.
    BOOST_TEST(!b.h.find("x"));
    BOOST_TEST(b.ask("c", R"({"cmd":"lookup","topic":"u"})") == "unknown");
    BOOST_TEST(b.ask("c", R"({"cmd":"lookup","topic":"t"})") == R"(ok {"count":1,"members":[{"id":"b"}]})");
    BOOST_TEST(b.ask("x", R"({"cmd":"session-accept","target":"c"})") == "ok");
    same(b.heard("c"), {R"({"cmd":"session-accept","origin":"b"})"});
    b.close("x");
    BOOST_TEST(!b.h.find("b"));
    same(b.heard("c"), {R"({"cmd":"bye","origin":"b","data":{"cause":"closed"}})"});
}

BOOST_AUTO_TEST_CASE(both_ends_count_the_same) {
    bench b;
    const auto token = b.enter("a");
    b.connect("c");
    // counted: requests with an id, however they end; not: the rest
    b.say("a", R"({"cmd":"join","topic":"t","id":1})");
    b.say("a", R"({"cmd":"dance","id":"2"})");
    b.say("a", R"({"cmd":"bye","target":"nobody","id":3})");
    b.say("a", R"({"cmd":"ack","received":0})");
    b.say("a", R"({"cmd":"ack","received":0,"id":4})");
    b.say("a", R"({"cmd":"respond","request":9})");
    b.say("a", R"({"cmd":"respond","request":9,"id":5})");
    b.say("a", R"({"cmd":"dance"})");
    b.say("a", R"({"cmd":"resume","id":6,"token":"nonsense"})"); // its refusal is not counted either
    BOOST_TEST(b.heard("a").size() == 5u);
    b.lose("a");
    BOOST_TEST(masked(b.come_back("a", token, 4)) == welcome("a", 4));
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(acknowledged_messages_are_kept_no_longer) {
    bench b;
    auto token = b.enter("a");
    for (int n = 1; n <= 4; ++n) b.tell("a", n);
    b.say("a", R"({"cmd":"ack","received":3})");
    // less, again, and a text that is no number: nothing
    for (const auto* junk : {"1", "3", "-1", "\"4\"", "4.0", "[4]", "null", "18446744073709551616"})
        b.say("a", R"({"cmd":"ack","received":)" + std::string{junk} + "}");
    b.say("a", R"({"cmd":"ack"})");
    b.heard("a");
    b.lose("a");
    const auto greeting = b.come_back("a", token, 3);
    BOOST_TEST(masked(greeting) == welcome("a", 0));
    same(b.heard("a"), {told(4)});
    b.lose("a");
    // It can't have got less than it said it had.
    token = token_in(greeting);
    BOOST_TEST(masked(b.come_back("a", token, 2)) == bad_welcome("a"));
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(a_peer_that_counted_too_many_messages_has_missed_something) {
    bench b;
    const auto token = b.enter("a");
    b.tell("a", 1);
    b.say("a", R"({"cmd":"ack","received":99})");
    b.lose("a");
    b.tell("a", 2);
    const auto greeting = b.come_back("a", token, 3);
    BOOST_TEST(masked(greeting) == bad_welcome("a"));
    // From here both count anew.
    b.heard("a");
    b.tell("a", 3);
    b.ask("a", R"({"cmd":"dance"})");
    b.lose("a");
    b.tell("a", 4);
    b.heard("a");
    BOOST_TEST(masked(b.come_back("a", token_in(greeting), 1)) == welcome("a", 1));
    same(b.heard("a"), {R"({"id":)" + std::to_string(b.asked() - 1) +
                            R"(,"ok":false,"data":{"message":"Unknown Command","cause":"unknown_command"}})",
                        told(4)});
}

BOOST_AUTO_TEST_CASE(a_token_is_spent_when_the_new_connection_has_said_anything) {
    bench b;
    const auto first = b.enter("a");
    b.lose("a");
    b.tell("a", 1);
    const auto second = token_in(b.come_back("a", first, 0));
    same(b.heard("a"), {told(1)});
    b.say("a", R"({"cmd":"ack","received":1})");
    b.lose("a");
    b.tell("a", 2);
    const auto other = b.come_back("x", first, 0);
    BOOST_TEST(other.find(R"("id":"a")") == other.npos);
    BOOST_TEST(other.ends_with(R"("window":30000,"recovered":false}}})"));
    BOOST_TEST(masked(b.come_back("a", second, 1)) == welcome("a", 0));
    same(b.heard("a"), {told(2)});
}

BOOST_AUTO_TEST_CASE(a_token_is_still_good_if_its_successor_was_lost_on_the_way) {
    bench b;
    const auto first = b.enter("a");
    b.lose("a");
    b.tell("a", 1);
    const auto second = token_in(b.come_back("a", first, 0));
    b.heard("a"); // all of it lost
    b.lose("a");
    b.tell("a", 2);
    b.connect("x");
    const auto reply = b.ask("x", R"({"cmd":"resume","token":")" + first + R"(","received":0})");
    BOOST_TEST(masked(reply) == R"(ok {"id":"a","token":"T","window":30000,"recovered":true,"received":0})");
    same(b.heard("x"), {told(1), told(2)});
    // The one that was never seen is good for nothing.
    b.lose("x");
    const auto other = b.come_back("y", second, 0);
    BOOST_TEST(other.find(R"("id":"a")") == other.npos);
    // Nor is it the end: the newest, or once more the first.
    BOOST_TEST(masked(b.come_back("z", token_in(reply), 2)) == welcome("a", 0));
    b.lose("z");
    const auto last = b.come_back("z", token_in(reply), 2);
    BOOST_TEST(masked(last) == welcome("a", 0));
    b.say("z", R"({"cmd":"ack","received":2})");
    b.lose("z");
    BOOST_TEST(masked(b.come_back("z", token_in(last), 2)) == welcome("a", 0));
}

BOOST_AUTO_TEST_CASE(a_peer_that_did_not_hear_of_a_loss_is_told_again) {
    bench b{{.messages = 2}};
    const auto first = b.enter("a");
    for (int n = 1; n <= 4; ++n) b.tell("a", n);
    b.heard("a");
    b.lose("a");
    BOOST_TEST(masked(b.come_back("a", first, 1)) == bad_welcome("a"));
    b.tell("a", 5);
    b.tell("a", 6);
    b.heard("a"); // lost on the way
    b.lose("a");
    const auto greeting = b.come_back("a", first, 1); // counts from an older beginning
    BOOST_TEST(masked(greeting) == bad_welcome("a"));
    same(b.heard("a"), {});
    b.tell("a", 7);
    b.lose("a");
    b.heard("a");
    BOOST_TEST(masked(b.come_back("a", token_in(greeting), 0)) == welcome("a", 0));
    same(b.heard("a"), {told(7)});
}

BOOST_AUTO_TEST_CASE(a_token_that_is_none_ends_in_expired_and_changes_nothing) {
    bench b;
    const auto token = b.enter("a");
    const auto mine = token_in(b.ask("b", R"({"cmd":"resume"})"));
    b.lose("a");
    b.connect("x");
    for (const std::string& bad :
         {std::string{R"("")"}, std::string{R"("?")"}, '"' + token.substr(1) + '"', '"' + token + "A\"",
          '"' + std::string(300, 'x') + '"', std::string{"5"}, std::string{R"(["t"])"}, std::string{"true"}})
        BOOST_TEST(b.ask("x", R"({"cmd":"resume","received":0,"token":)" + bad + "}") == "expired", bad);
    BOOST_TEST((b.h.find("x") == b.peer("x"))); // it is still the same peer
    BOOST_TEST(b.away() == 1u);
    BOOST_TEST(b.ask("b", R"({"cmd":"resume","token":")" + mine + "\"}") == "expired"); // it is that one
    b.lose("b");
    BOOST_TEST(masked(b.come_back("b", mine, 0)) == welcome("b", 0));
    // an id that is another's goes before a token
    const auto other = b.connect("y", {.id = "y", .target = "/?resume=" + token});
    BOOST_TEST(masked(other) == bad_welcome("y"));
    BOOST_TEST(masked(b.connect("a", {.id = "a", .target = "/?resume=" + token})) == welcome("a", 0));
    // a welcome that says so is good for next time
    b.lose("y");
    BOOST_TEST(masked(b.come_back("y", token_in(other), 0)) == welcome("y", 0));
    // without an id there is no reply, and no resume
    b.say("x", R"({"cmd":"resume"})");
    BOOST_TEST(b.ended("x") == errc::missing_id);
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_come_back_in_time_is_gone_for_good) {
    bench b{{.window = 30s}};
    const auto token = b.enter("a");
    BOOST_TEST(b.ask("b", R"({"cmd":"session-start","target":"a"})") == R"(ok {"polite":false})");
    b.lose("a");
    b.advance(10s);
    const auto greeting = b.come_back("a", token, 1);
    BOOST_TEST(masked(greeting) == welcome("a", 0));
    b.say("a", R"({"cmd":"session-accept","target":"b","id":1})");
    b.heard_by_all();
    b.lose("a");
    BOOST_TEST((b.pause() == 30s)); // the first absence is over
    b.advance(29s);
    same(b.heard("b"), {});
    BOOST_TEST(b.away() == 1u);
    BOOST_TEST((b.pause() == 1s));
    b.advance(1s);
    same(b.heard("b"), {R"({"cmd":"bye","origin":"a","data":{"cause":"lost"}})"});
    BOOST_TEST(b.away() == 0u);
    BOOST_TEST(!b.h.find("a"));
    BOOST_TEST(b.tell("a", 1) == "unknown");
    BOOST_TEST((b.pause() == clock::duration::max()));
    b.connect("x");
    BOOST_TEST(b.ask("x", R"({"cmd":"resume","received":2,"token":")" + token_in(greeting) + "\"}") ==
               "expired");
    const auto other = b.connect("a", {.id = "a", .target = "/?received=2&resume=" + token_in(greeting)});
    BOOST_TEST(masked(other) == bad_welcome("a")); // somebody new of that id
}

BOOST_AUTO_TEST_CASE(a_second_absence_has_its_own_time) {
    bench b{{.window = 30s}};
    const auto token = b.enter("a");
    b.enter("c");
    b.lose("c");
    b.lose("a"); // waits behind the other one, also when it is back
    b.advance(10s);
    b.come_back("a", token, 0);
    b.lose("a");
    b.advance(20s);
    BOOST_TEST(!b.h.find("c"));
    BOOST_TEST(!!b.h.find("a"));
    BOOST_TEST(b.away() == 1u);
    b.advance(10s);
    BOOST_TEST(!b.h.find("a"));
}

BOOST_AUTO_TEST_CASE(only_connections_that_broke_are_waited_for) {
    for (const auto why :
         {errc::lost, errc::pong_timeout, errc::slow_consumer, errc::overloaded, errc::tls_failed}) {
        bench b;
        const auto token = b.enter("a");
        b.close("a", why);
        BOOST_TEST(b.away() == 1u, cause_name(why));
        BOOST_TEST(masked(b.come_back("a", token, 0)) == welcome("a", 0));
    }
    for (const auto why : {errc::closed, errc::protocol_violation, errc::malformed, errc::bad_utf8,
                           errc::flood, errc::denied, errc::too_large}) {
        bench b;
        const auto token = b.enter("a");
        b.close("a", why);
        BOOST_TEST(b.away() == 0u, cause_name(why));
        BOOST_TEST(!b.h.find("a"));
        BOOST_TEST(b.come_back("x", token, 0).ends_with(R"("recovered":false}}})"));
    }
    bench b;
    b.enter("a");
    b.h.close("a", errc::denied); // nor those that the hub ends
    b.settle();
    BOOST_TEST(b.away() == 0u);
    bench never{{.window = 0ms}};
    never.enter("a");
    never.lose("a");
    BOOST_TEST(!never.h.find("a"));
    b.lose("b"); // which did not ask
    BOOST_TEST(b.h.size() == 0u);
}

BOOST_AUTO_TEST_CASE(messages_kept_for_a_peer_that_is_away_are_limited) {
    bench b{{.messages = 2}};
    const auto token = b.enter("a");
    b.tell("a", 1);
    b.lose("a");
    BOOST_TEST(b.tell("a", 2) == "ok");
    BOOST_TEST(b.tell("a", 3) == "full");
    BOOST_TEST(b.ask("b", R"({"cmd":"session-start","target":"a"})") == "full");
    BOOST_TEST(b.ask("b", R"({"cmd":"request","target":"a"})") == "full");
    BOOST_TEST((b.h.send("a", "news") == errc::full));
    b.heard("a");
    const auto greeting = b.come_back("a", token, 1);
    BOOST_TEST(masked(greeting) == welcome("a", 0));
    same(b.heard("a"), {told(2)});
    b.lose("a"); // with one that it has not acknowledged
    BOOST_TEST(b.tell("a", 4) == "ok");
    BOOST_TEST(b.tell("a", 5) == "full");
    BOOST_TEST(masked(b.come_back("a", token_in(greeting), 2)) == welcome("a", 0));
    same(b.heard("a"), {told(4)});
}

BOOST_AUTO_TEST_CASE(bytes_kept_for_a_peer_that_is_away_are_limited) {
    bench b{{.bytes = 1000}};
    const auto token = b.enter("a");
    b.lose("a");
    const auto say = [&](std::size_t size) {
        return b.ask("b", R"({"cmd":"bye","target":"a","data":")" + std::string(size, 'x') + "\"}");
    };
    // However near to the bound: an `ok` message is kept, and a kept one is not lost to the next.
    std::size_t kept = 0;
    for (const std::size_t size :
         {400u, 1000u, 900u, 600u, 500u, 450u, 420u, 400u, 380u, 360u, 340u, 300u, 200u, 100u, 50u, 1u}) {
        const auto reply = say(size);
        kept += reply == "ok";
        BOOST_TEST((reply == "ok" || reply == "full"));
    }
    BOOST_TEST(kept > 1u);
    BOOST_TEST(masked(b.come_back("a", token, 0)) == welcome("a", 0));
    BOOST_TEST(b.heard("a").size() == kept);
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_here_and_does_not_acknowledge_may_miss_the_oldest) {
    bench b{{.messages = 2}};
    const auto token = b.enter("a");
    for (int n = 1; n <= 4; ++n) BOOST_TEST(b.tell("a", n) == "ok");
    b.heard("a");
    b.lose("a");
    const auto greeting = b.come_back("a", token, 2); // it has the ones that are kept no longer
    BOOST_TEST(masked(greeting) == welcome("a", 0));
    same(b.heard("a"), {told(3), told(4)});
    b.tell("a", 5);
    b.heard("a");
    b.lose("a");
    BOOST_TEST(masked(b.come_back("a", token_in(greeting), 2)) == bad_welcome("a"));
    same(b.heard("a"), {});
}

BOOST_AUTO_TEST_CASE(news_that_cannot_be_kept_are_not_missed_unknowingly) {
    for (const std::string what : {"nothing", "a reply", "a session's end", "a session's time-out"}) {
        bench b{{.messages = 1}};
        b.connect("c");
        const auto token = b.enter("a");
        unsigned heard = 0;
        if (what == "a reply") {
            b.say("a", R"({"cmd":"request","target":"c","id":1})");
        } else if (what != "nothing") {
            b.ask("a", R"({"cmd":"session-start","target":"c"})");
            b.say("a", R"({"cmd":"ack","received":1})");
            heard = 1;
        }
        b.advance(5s);
        b.lose("a");
        BOOST_TEST(b.tell("a", 1) == "ok"); // now there is no room
        b.heard("a");
        if (what == "a session's end") b.lose("c");
        b.advance(26s);
        BOOST_TEST(masked(b.come_back("a", token, heard)) ==
                       (what == "nothing" ? welcome("a", 0) : bad_welcome("a")),
                   what);
        BOOST_TEST(b.heard("a").size() == (what == "nothing" ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(a_loss_of_messages_is_not_concealed) {
    bench b{{.messages = 1}};
    const auto token = b.enter("a");
    b.say("a", R"({"cmd":"request","target":"b","id":1})");
    b.lose("a");
    b.tell("a", 1);
    b.advance(10s); // a reply, for which there is no room
    const auto greeting = b.come_back("a", token, 2);
    BOOST_TEST(masked(greeting) == bad_welcome("a"));
    b.heard("a");
    b.lose("a");
    BOOST_TEST(b.tell("a", 2) == "ok"); // it is kept for again
    BOOST_TEST(masked(b.come_back("a", token_in(greeting), 0)) == welcome("a", 0));
    same(b.heard("a"), {told(2)});
}

BOOST_AUTO_TEST_CASE(publications_that_may_be_dropped_are_and_end_nobody) {
    bench b{{.messages = 1}};
    const auto token = b.enter("a");
    for (const auto* name : {"a", "b"}) b.ask(name, R"({"cmd":"join","topic":"t"})");
    const std::string vague = R"({"cmd":"publish","topic":"t","volatile":true})";
    b.at("a").full = true;
    BOOST_TEST(b.ask("b", vague) == "ok");
    BOOST_TEST(b.is_open("a"));
    BOOST_TEST(b.get<topics>().dropped() == 1u);
    b.at("a").full = false;
    BOOST_TEST(b.ask("b", vague) == "ok");
    BOOST_TEST(b.heard("a").size() == 1u);
    b.say("a", R"({"cmd":"ack","received":2})");
    b.lose("a");
    BOOST_TEST(b.ask("b", vague) == "ok");
    BOOST_TEST(b.ask("b", vague) == "ok"); // no room
    BOOST_TEST(b.get<topics>().dropped() == 2u);
    BOOST_TEST(masked(b.come_back("a", token, 2)) == welcome("a", 1));
    BOOST_TEST(b.heard("a").size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_old_connection_is_closed_and_its_late_input_does_nothing) {
    bench b;
    const auto token = b.enter("a");
    b.tell("a", 1);
    b.heard("a");
    const auto old = b.at("a").its_state.who;
    b.connect("x");
    const auto reply = b.ask("x", R"({"cmd":"resume","received":0,"token":")" + token + "\"}");
    BOOST_TEST(masked(reply) == R"(ok {"id":"a","token":"T","window":30000,"recovered":true,"received":0})");
    same(b.heard("x"), {told(1)});
    BOOST_TEST(b.ended("a") == errc::replaced); // and the hub has heard that it is closed
    BOOST_TEST((b.h.find("a") == b.peer("x")));
    // a message on its way on it, its pong, its end
    std::string text = R"({"cmd":"bye","target":"b","id":1})";
    codec::json::state extras{true};
    BOOST_TEST((b.codec.decode({text, message_type::text}, extras, [&](auto& e) {
        auto who = old;
        b.h.received(who, e);
    }) == errc::ok));
    b.h.alive(old);
    b.h.close(old, errc::malformed);
    b.h.closed(old, errc::lost);
    same(b.heard_by_all(), {});
    BOOST_TEST((b.h.find("a") == b.peer("x")));
    BOOST_TEST(b.tell("a", 2) == "ok");
    same(b.heard("x"), {told(2)});
    // by URL, too
    BOOST_TEST(masked(b.come_back("y", token_in(reply), 1)) == welcome("a", 0));
    BOOST_TEST(b.ended("x") == errc::replaced);
    same(b.heard("y"), {told(2)});
    b.lose("y");
    BOOST_TEST(b.away() == 1u);
}

BOOST_AUTO_TEST_CASE(topics_sessions_and_requests_of_a_peer_that_is_away_live_on) {
    bench b;
    const auto token = b.enter("a");
    for (const auto* name : {"a", "b"}) b.ask(name, R"({"cmd":"join","topic":"t"})");
    b.ask("a", R"({"cmd":"set","topic":"t","data":{"key":"k","value":1}})");
    b.ask("b", R"({"cmd":"session-start","target":"a"})");
    b.ask("a", R"({"cmd":"session-accept","target":"b"})");
    b.say("a", R"({"cmd":"request","target":"b","id":1})");
    b.say("b", R"({"cmd":"request","target":"a","id":2})");
    b.heard_by_all();
    b.lose("a");
    b.say("b", R"({"cmd":"request","target":"a","id":3,"data":"late"})");
    b.say("b", R"({"cmd":"respond","request":1,"data":"answer"})");
    b.say("b", R"({"cmd":"publish","topic":"t","id":4,"data":"p"})");
    same(b.heard("b"), {R"({"id":4,"ok":true})"});
    BOOST_TEST(b.ask("b", R"({"cmd":"lookup","topic":"t"})") ==
               R"(ok {"count":2,"members":[{"id":"a","away":true},{"id":"b"}]})");
    BOOST_TEST(b.ask("b", R"({"cmd":"unset","topic":"t","data":{"key":"k"}})") == "denied");
    BOOST_TEST(b.ask("b", R"({"cmd":"session-start","target":"a"})") == "session_exists");
    b.advance(9s);
    BOOST_TEST(masked(b.come_back("a", token, 5)) == welcome("a", 4));
    same(b.heard("a"), {R"({"cmd":"request","origin":"b","request":3,"data":"late"})",
                        R"({"id":1,"ok":true,"data":"answer"})",
                        R"({"cmd":"publish","origin":"b","topic":"t","data":"p"})"});
    b.say("a", R"({"cmd":"respond","request":2,"data":2})");
    b.say("a", R"({"cmd":"respond","request":3,"data":3})");
    same(b.heard("b"), {R"({"id":2,"ok":true,"data":2})", R"({"id":3,"ok":true,"data":3})"});
    BOOST_TEST(b.ask("a", R"({"cmd":"session-end","target":"b"})") == "ok");
}

BOOST_AUTO_TEST_CASE(the_id_of_a_peer_that_is_away_is_its_tokens) {
    bench b;
    const auto token = b.enter("a");
    b.ask("b", R"({"cmd":"session-start","target":"a"})");
    b.heard("a");
    b.lose("a");
    BOOST_TEST(b.connect("x", {.id = "a"}).empty()); // without the token
    BOOST_TEST(b.ended("x") == errc::id_in_use);
    same(b.heard("b"), {});
    BOOST_TEST(b.away() == 1u);
    BOOST_TEST(masked(b.connect("a", {.id = "a", .target = "/?received=1&resume=" + token})) ==
               welcome("a", 0));
    b.lose("a");
    b.advance(30s);
    BOOST_TEST(!b.connect("x", {.id = "a"}).empty());
}

BOOST_AUTO_TEST_CASE(the_id_of_a_peer_that_is_silent_is_its_tokens_too) {
    bench b;
    auto token = b.enter("a");
    b.at("a").answers_pings = false;
    const auto refused = [&] {
        BOOST_TEST(b.connect("x", {.id = "a"}).empty());
        BOOST_TEST(b.ended("x") == errc::id_in_use);
        BOOST_TEST(b.connect("x", {.id = "a", .target = "/?resume"}).empty());
        BOOST_TEST(b.ended("x") == errc::id_in_use);
        BOOST_TEST(b.connect("x", {.id = "a", .target = "/?resume=stale"}).empty());
        BOOST_TEST(b.ended("x") == errc::id_in_use);
        b.advance(3s);
    };
    refused();
    BOOST_TEST(b.is_open("a")); // it was not even asked
    token = token_in(b.come_back("y", token, 0));
    BOOST_TEST(!token.empty());
    refused();
    // A peer that became resumable by a request.
    b.connect("c");
    b.at("c").answers_pings = false;
    BOOST_TEST(b.ask("c", R"({"cmd":"resume"})").starts_with("ok "));
    b.connect("d", {.id = "c"});
    BOOST_TEST(b.ended("d") == errc::id_in_use);
    BOOST_TEST(b.is_open("c"));
}

BOOST_AUTO_TEST_CASE(without_a_window_an_id_can_be_claimed) {
    bench b{{.window = 0s}};
    b.enter("a");
    b.at("a").answers_pings = false;
    b.connect("x", {.id = "a"});
    BOOST_TEST(b.at("x").held);
    b.advance(2s);
    BOOST_TEST((b.h.find("a") == b.peer("x")));
}

BOOST_AUTO_TEST_CASE(a_hub_may_yield_the_id_of_a_peer_that_is_away) {
    hub_bench b{features{sessions{}, resume{{.ids_claimable = true}}}};
    b.connect("b");
    const auto token = token_in(b.connect("a", {.id = "a", .target = "/?resume"}));
    b.ask("b", R"({"cmd":"session-start","target":"a"})");
    b.heard("a");
    b.lose("a");
    b.connect("a"); // nobody is there to defend it
    same(b.heard("a"), {R"({"cmd":"welcome","data":{"id":"a"}})"});
    same(b.heard("b"), {R"({"cmd":"bye","origin":"a","data":{"cause":"pong_timeout"}})"});
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
    BOOST_TEST(
        b.connect("x", {.target = "/?received=1&resume=" + token}).ends_with(R"("recovered":false}}})"));
    BOOST_TEST((b.h.find("a") == b.peer("a")));
}

BOOST_AUTO_TEST_CASE(a_claimant_gets_the_id_when_the_connection_breaks_and_not_when_it_is_replaced) {
    bench b{{.ids_claimable = true}};
    const auto token = b.enter("a");
    b.at("a").answers_pings = false;
    b.connect("x", {.id = "a"});
    BOOST_TEST(b.at("x").held);
    const auto greeting = b.come_back("y", token, 0); // the token proves more than a claim
    BOOST_TEST(masked(greeting) == welcome("a", 0));
    BOOST_TEST(b.ended("x") == errc::id_in_use);
    BOOST_TEST(b.ended("a") == errc::replaced);
    b.at("y").answers_pings = false;
    b.connect("x", {.id = "a"});
    b.lose("y");
    same(b.heard("x"), {R"({"cmd":"welcome","data":{"id":"a"}})"});
    BOOST_TEST(!b.at("x").held);
    BOOST_TEST(b.away() == 0u);
    BOOST_TEST(b.come_back("z", token_in(greeting), 0).ends_with(R"("recovered":false}}})"));
}

BOOST_AUTO_TEST_CASE(messages_from_a_mailbox_are_counted) {
    hub_bench b{features{resume{}}, mailbox{direct_router{}, 5s}};
    b.connect("b");
    b.ask("b", R"({"cmd":"bye","target":"a"})");
    const auto token = token_in(b.connect("a", {.id = "a", .target = "/?resume"}));
    b.heard("a");
    b.lose("a");
    BOOST_TEST(masked(b.connect("a", {.target = "/?received=0&resume=" + token})) == welcome("a", 0));
    same(b.heard("a"), {R"({"cmd":"bye","origin":"b"})"});
}

BOOST_AUTO_TEST_CASE(hooks_see_one_peer_and_late_verdicts_find_it_away) {
    struct hook {
        script* events;
        std::deque<deferral>* tickets;
        void on_open(peer_handle, const admission& a) { events->push_back("open " + a.id); }
        errc on_message(message_context& c, event::send& e) {
            if (e.command != "renegotiate") return errc::ok;
            tickets->push_back(c.defer());
            return errc::deferred;
        }
        void on_close(peer_handle, errc why) { events->push_back(std::string{cause_name(why)}); }
    };
    script events;
    std::deque<deferral> tickets;
    hub_bench b{features{resume{}}, hooks{hook{&events, &tickets}}};
    b.connect("b");
    auto token = token_in(b.connect("a", {.id = "a", .target = "/?resume"}));
    b.say("a", R"({"cmd":"renegotiate","target":"b","id":1})");
    b.say("a", R"({"cmd":"bye","target":"b","id":2})"); // waits behind it
    b.lose("a");
    tickets.front().pass();
    b.settle();
    same(b.heard("b"), {R"({"cmd":"renegotiate","origin":"a"})", R"({"cmd":"bye","origin":"a"})"});
    BOOST_TEST(masked(b.connect("a", {.target = "/?resume=" + token})) == welcome("a", 2));
    same(b.heard("a"), {R"({"id":1,"ok":true})", R"({"id":2,"ok":true})"});
    same(std::exchange(events, {}), {"open b", "open a"});
    b.connect("x");
    b.lose("a");
    token = token_in(b.connect("a", {.target = "/?received=2&resume=" + token}));
    b.ask("x", R"({"cmd":"resume","received":2,"token":")" + token + "\"}");
    same(std::exchange(events, {}), {"open x", "replaced"}); // of the id that it gives up
    b.lose("x");
    b.advance(30s);
    same(events, {"lost"});
}

// Keeps the traffic of peers with ids that begin with a k, and waits for them as long as it takes.
struct keeper : feature {
    std::size_t heard = 0, delivered = 0;

    template <class X>
    void on_open(X& hub, peer_handle peer, const admission& granted) {
        if (granted.id.starts_with("k")) hub.keep_traffic(peer);
    }
    template <class X>
    bool on_connection_lost(X& hub, peer_handle peer, errc) {
        return hub.id(peer).starts_with("k");
    }
    template <class X>
    void on_received(X&, peer_handle, const event::incoming&, bool) {
        ++heard;
    }
    template <class X, class E>
    bool can_keep(X& hub, peer_handle peer, const E&) {
        return hub.id(peer).starts_with("k");
    }
    template <class X, class E>
    void on_delivery(X&, peer_handle, const E&) {
        ++delivered;
    }
};

template <class F>
void two_keep_traffic(F parts) {
    hub_bench b{std::move(parts)};
    b.connect("b");
    const auto tell = [&](const std::string& to) {
        return b.ask("b", R"({"cmd":"bye","target":")" + to + "\"}");
    };
    // one that only the other feature keeps
    b.connect("k");
    BOOST_TEST(b.ask("k", R"({"cmd":"bye","target":"b"})") == "ok");
    b.say("k", R"({"cmd":"ack","received":1})");
    BOOST_TEST(tell("k") == "ok");
    b.lose("k");
    BOOST_TEST(b.template get<resume>().away_peers() == 0u);
    BOOST_TEST(tell("k") == "ok");
    BOOST_TEST((b.h.send("k", "news") == errc::ok));
    b.advance(1h);
    BOOST_TEST(!!b.h.find("k"));
    BOOST_TEST(b.h.close("k", errc::denied));
    BOOST_TEST(tell("k") == "unknown");
    // one that both keep
    const auto token = token_in(b.connect("ka", {.id = "ka", .target = "/?resume"}));
    BOOST_TEST(tell("ka") == "ok");
    b.heard("ka");
    b.lose("ka");
    BOOST_TEST(b.template get<resume>().away_peers() == 1u);
    BOOST_TEST(tell("ka") == "ok");
    BOOST_TEST(masked(b.connect("ka", {.target = "/?received=1&resume=" + token})) == welcome("ka", 0));
    same(b.heard("ka"), {R"({"cmd":"bye","origin":"b"})"});
    BOOST_TEST(b.template get<resume>().away_peers() == 0u);
    BOOST_TEST(b.template get<keeper>().heard > 0u);
    BOOST_TEST(b.template get<keeper>().delivered > 3u);
    b.close("ka", errc::closed);
}

BOOST_AUTO_TEST_CASE(another_feature_may_keep_traffic_too) {
    two_keep_traffic(features{resume{}, keeper{}});
    two_keep_traffic(features{keeper{}, resume{}});
}

BOOST_AUTO_TEST_CASE(a_stop_ends_peers_that_are_away) {
    bench b;
    const auto token = b.enter("a");
    b.enter("c");
    b.tell("a", 1);
    b.lose("a");
    b.h.stop();
    BOOST_TEST(b.h.size() == 0u);
    BOOST_TEST(b.away() == 0u);
    b.h.closed(b.at("c").its_state.who, errc::lost); // is waited for no more
    b.settle();
    BOOST_TEST(b.away() == 0u);
    BOOST_TEST(b.come_back("a", token, 0).empty());
    BOOST_TEST(b.ended("a") == errc::stopping);
    BOOST_TEST((b.pause() == clock::duration::max()));
}

BOOST_AUTO_TEST_CASE(a_peer_continues_on_another_listener) {
    // Two kinds of listener: each has a codec of its own, and the hub does not know which is which.
    codec::json plain, configured{{.rtc_configuration = R"({"iceServers":[]})"}};
    hub<local_registry, direct_router, any_channel, no_log, no_hooks, features<resume>> h;
    h.tick(time_point{1h});
    conversation said;
    std::deque<connection> all;
    const auto open = [&](const codec::json& codec, const std::string& name, admission wish) -> connection& {
        auto& c = all.emplace_back();
        c.name = name;
        c.heard = &said;
        c.its_state.codec.extras = true;
        c.its_state.who = h.opened(any_channel{channel{c, codec}}, wish).value();
        return c;
    };
    admission wish;
    wish.id = "a", wish.resumable = true;
    auto& first = open(plain, "first", wish);
    wish.token = token_in(said.back().second);
    BOOST_TEST((h.send("a", "news", "1") == errc::ok));
    h.closed(first.its_state.who, errc::lost);
    BOOST_TEST((h.send("a", "news", "2") == errc::ok));
    wish.id = {}, wish.received = 1;
    said.clear();
    open(configured, "second", wish);
    BOOST_TEST_REQUIRE(said.size() == 2u);
    BOOST_TEST(said[0].first == "second");
    BOOST_TEST(said[0].second.find(R"("data":{"id":"a","configuration":{"iceServers":[]},"resume":{)") !=
               std::string::npos);
    BOOST_TEST(said[1].second.ends_with(R"("cmd":"news","data":2})"));
    BOOST_TEST((h.send("a", "news", "3") == errc::ok));
    BOOST_TEST(said.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
