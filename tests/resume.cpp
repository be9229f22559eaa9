// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/resume.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/topics.hpp>

#include <string>

namespace {

using namespace sigfire;
using namespace hub_world;

std::string token_in(const std::string& text) {
    const std::string_view before = R"("token":")";
    const auto at = text.find(before);
    BOOST_TEST_REQUIRE(at != text.npos, text);
    return text.substr(at + before.size(), 21);
}

// `ann`, who can resume, and `bob`.
struct bench : hub_bench<features<topics, resume>> {
    std::string token;

    explicit bench(resume_options o = {}) : hub_bench{features{topics{}, resume{o}}} {
        connect("ann");
        connect("bob");
        token = token_in(ask("ann", R"({"cmd":"resume"})"));
    }

    std::string send(std::string_view data) {
        return ask("bob", R"({"cmd":"bye","target":"ann","data":)" + std::string{data} + "}");
    }
    static std::string bye(std::string_view data) {
        return R"({"cmd":"bye","origin":"bob","data":)" + std::string{data} + "}";
    }
    // `ann` comes back under another name of a connection; what the reply says, without its new token.
    std::string come_back(const std::string& as, std::string shown, unsigned received) {
        connect(as, {});
        auto said = ask(as, R"({"cmd":"resume","token":")" + shown + R"(","received":)" +
                                std::to_string(received) + "}");
        if (said.starts_with("ok")) {
            token = token_in(said);
            said.erase(said.find(token) - 9, token.size() + 11);
        }
        return said;
    }
};

BOOST_AUTO_TEST_SUITE(resume_tests)

BOOST_AUTO_TEST_CASE(what_was_missed_is_said_once_and_in_order) {
    bench b;
    BOOST_TEST(b.send("1") == "ok");
    same(b.heard("ann"), {bench::bye("1")});
    b.lose("ann");
    BOOST_TEST(b.get<resume>().away_peers() == 1u);
    BOOST_TEST(b.send("2") == "ok");
    BOOST_TEST(b.send("3") == "ok");
    const auto first = b.token;
    BOOST_TEST(b.come_back("ann2", first, 1) ==
               R"(ok {"id":"ann","window":30000,"recovered":true,"received":0})");
    same(b.heard("ann2"), {bench::bye("2"), bench::bye("3")});
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
    BOOST_TEST(b.send("4") == "ok");
    same(b.heard("ann2"), {bench::bye("4")});
    BOOST_TEST((b.token != first && b.token.size() == 21));
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(acknowledged_messages_are_forgotten_and_requests_counted) {
    bench b;
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"nobody"})") == "unknown");
    b.send("1");
    b.say("ann", R"({"cmd":"ack","received":3})");
    b.heard("ann");
    b.lose("ann");
    // It had three, and says so; the two requests were heard.
    BOOST_TEST(b.come_back("ann2", b.token, 3) ==
               R"(ok {"id":"ann","window":30000,"recovered":true,"received":2})");
    same(b.heard("ann2"), {});
    b.lose("ann2");
    // Less than it acknowledged: that is kept no longer.
    BOOST_TEST(b.come_back("ann3", b.token, 2) == R"(ok {"id":"ann","window":30000,"recovered":false})");
}

BOOST_AUTO_TEST_CASE(a_token_is_spent_when_the_new_connection_has_spoken) {
    bench b;
    const auto first = b.token;
    b.lose("ann");
    BOOST_TEST(b.come_back("ann2", first, 0).starts_with("ok"));
    b.lose("ann2"); // its new token was lost on the way: the old one is still good
    BOOST_TEST(b.come_back("ann3", first, 0).starts_with("ok"));
    b.say("ann3", R"({"cmd":"ack","received":0})");
    BOOST_TEST(b.come_back("eve", first, 0) == "expired");
    BOOST_TEST(b.come_back("eve2", "AAAAAAAAAAAAAAAAAAAAA", 0) == "expired");
    BOOST_TEST(b.is_open("ann3"));
    BOOST_TEST(b.come_back("ann4", b.token, 0).starts_with("ok"));
}

BOOST_AUTO_TEST_CASE(the_old_connection_is_replaced_and_its_late_end_is_nothing) {
    bench b;
    BOOST_TEST(b.come_back("ann2", b.token, 0).starts_with("ok"));
    BOOST_TEST(b.ended("ann") == errc::replaced);
    BOOST_TEST(b.send("1") == "ok");
    same(b.heard("ann2"), {bench::bye("1")});
    // Its own token, on its own connection: nobody to take over.
    BOOST_TEST(b.ask("ann2", R"({"cmd":"resume","token":")" + b.token + R"("})") == "expired");
}

BOOST_AUTO_TEST_CASE(the_window_closes) {
    bench b;
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})").starts_with("ok"));
    b.lose("ann");
    b.advance(29999ms);
    BOOST_TEST(b.get<topics>().table().members("t") == 1u);
    BOOST_TEST(b.send("1") == "ok");
    b.advance(1ms);
    BOOST_TEST(b.get<topics>().table().members("t") == 0u);
    BOOST_TEST(b.send("2") == "unknown");
    BOOST_TEST(b.come_back("ann2", b.token, 0) == "expired");
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
    BOOST_TEST(b.h.size() == 2u); // bob, and who came too late
}

BOOST_AUTO_TEST_CASE(only_a_broken_connection_is_waited_for) {
    for (const auto why : {errc::closed, errc::protocol_violation, errc::denied}) {
        bench b;
        b.close("ann", why);
        BOOST_TEST(b.send("1") == "unknown");
    }
    for (const auto why : {errc::lost, errc::pong_timeout, errc::slow_consumer, errc::overloaded}) {
        bench b;
        b.close("ann", why);
        BOOST_TEST(b.send("1") == "ok");
    }
    bench none{{.window = 0ms}};
    none.lose("ann");
    BOOST_TEST(none.send("1") == "unknown");
}

BOOST_AUTO_TEST_CASE(bounds_end_in_full_or_in_the_truth) {
    bench b{{.messages = 2}};
    b.lose("ann");
    BOOST_TEST(b.send("1") == "ok");
    BOOST_TEST(b.send("2") == "ok");
    BOOST_TEST(b.send("3") == "full");
    BOOST_TEST(b.come_back("ann2", b.token, 0).ends_with(R"("recovered":true,"received":0})"));
    same(b.heard("ann2"), {bench::bye("1"), bench::bye("2")});
    // While it is here nobody waits for it: the oldest are taken for received.
    b.say("ann2", R"({"cmd":"ack","received":2})");
    for (int i = 0; i < 5; ++i) BOOST_TEST(b.send("4") == "ok");
    b.lose("ann2");
    BOOST_TEST(b.come_back("ann3", b.token, 3) == R"(ok {"id":"ann","window":30000,"recovered":false})");
    b.heard("ann3");
    BOOST_TEST(b.send("5") == "ok");
    b.lose("ann3");
    // Both count from the beginning again.
    BOOST_TEST(b.come_back("ann4", b.token, 0).ends_with(R"("recovered":true,"received":0})"));
    same(b.heard("ann4"), {bench::bye("5")});
    bench small{{.bytes = 400}};
    small.lose("ann");
    BOOST_TEST(small.send("\"" + std::string(500, 'x') + "\"") == "full");
}

BOOST_AUTO_TEST_CASE(a_url_asks_and_proves_too) {
    bench b;
    const auto welcome = b.connect("cid", {.id = "cid", .target = "/?resume"});
    const auto token = token_in(welcome);
    BOOST_TEST(welcome == R"({"cmd":"welcome","data":{"id":"cid","resume":{"token":")" + token +
                              R"(","window":30000}}})");
    BOOST_TEST(b.ask("bob", R"({"cmd":"bye","target":"cid"})") == "ok");
    b.lose("cid");
    BOOST_TEST(b.ask("bob", R"({"cmd":"bye","target":"cid","data":2})") == "ok");
    const auto back = b.connect("cid2", {.id = {}, .target = "/?resume=" + token + "&received=1"});
    BOOST_TEST(back == R"({"cmd":"welcome","data":{"id":"cid","resume":{"token":")" + token_in(back) +
                           R"(","window":30000,"recovered":true,"received":0}}})");
    same(b.heard("cid2"), {bench::bye("2")});
    // A token of nobody: a new peer, who is told.
    const auto fresh = b.connect("eve", {.id = "eve", .target = "/?resume=nonsense"});
    BOOST_TEST(fresh == R"({"cmd":"welcome","data":{"id":"eve","resume":{"token":")" + token_in(fresh) +
                            R"(","window":30000,"recovered":false}}})");
    // Somebody's token under another id is no proof.
    const auto other = b.connect("eve2", {.id = "eve2", .target = "/?resume=" + token_in(back)});
    BOOST_TEST(other.find(R"("id":"eve2")") != other.npos);
    BOOST_TEST(b.is_open("cid2"));
}

BOOST_AUTO_TEST_CASE(who_claims_the_id_of_one_who_is_away_gets_it) {
    bench b;
    b.lose("ann");
    b.connect("ann3", {.id = "ann"});
    BOOST_TEST(b.is_open("ann3"));
    BOOST_TEST(b.come_back("ann2", b.token, 0) == "expired");
    BOOST_TEST(b.send("1") == "ok");
    same(b.heard("ann3"), {bench::bye("1")});
}

BOOST_AUTO_TEST_CASE(a_claim_while_it_is_here_is_settled_by_its_return) {
    bench b;
    b.at("ann"); // half open: it will not answer the ping
    b.connections.at("ann").pinged = false;
    BOOST_TEST(b.come_back("ann2", b.token, 0).starts_with("ok"));
    BOOST_TEST(b.ended("ann") == errc::replaced);
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(asking_again_starts_anew) {
    bench b;
    b.send("1");
    b.heard("ann");
    const auto first = b.token;
    b.token = token_in(b.ask("ann", R"({"cmd":"resume"})"));
    b.send("2");
    b.lose("ann");
    BOOST_TEST(b.come_back("x", first, 0) == "expired");
    BOOST_TEST(b.come_back("ann2", b.token, 0).starts_with("ok"));
    same(b.heard("ann2"), {bench::bye("2")});
    b.h.stop();
    BOOST_TEST(b.h.size() == 0u);
}

BOOST_AUTO_TEST_CASE(stopping_waits_for_nobody) {
    bench b;
    b.lose("ann");
    b.h.stop();
    BOOST_TEST(b.h.size() == 0u);
    BOOST_TEST(b.get<resume>().away_peers() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
