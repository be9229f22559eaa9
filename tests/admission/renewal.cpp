// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/renewal.hpp>

#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/token_signer.hpp>
#include <sigfire/feature/resume.hpp>

#include "support/hub_bench.hpp"
#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace hub_world;
using token_keys::secret, token_keys::keys_of;

std::string token(std::string_view sub, int seconds, std::string_view more = {}) {
    return token_signer{secret()}.sign(R"({"sub":")" + std::string{sub} + R"(","exp":)" +
                                       std::to_string(1'700'000'000 + seconds) + std::string{more} + "}");
}

// A note that another hook attaches.
struct other_note {
    int value;
};
struct other_hook {
    errc on_admit(const request&, admission& a) {
        a.attached.put(other_note{7});
        return errc::ok;
    }
};

using gate_type = jwt<jwt_verifier>;
using bench = hub_bench<features<resume, renewal<gate_type>>, hooks<other_hook, gate_type>, direct_router,
                        counting_json, granted>;

struct world {
    utc_time utc = token_keys::noon;
    gate_type gate;
    bench b;

    explicit world(jwt_options options = {})
        : gate{jwt_verifier{keys_of(secret()), {.leeway = 0s}}, with_clock(std::move(options))},
          b{features{resume{}, renewal{gate}}, hooks{other_hook{}, gate}} {}

    jwt_options with_clock(jwt_options options) {
        options.now = [this] { return utc; };
        return options;
    }
    void advance(std::chrono::milliseconds d) {
        utc += d;
        b.advance(d);
    }
    void connect(const std::string& name, const std::string& with, const std::string& more = {}) {
        BOOST_TEST(!b.connect(name, {.target = "/?token=" + with + more}).empty());
    }
    std::string renew(const std::string& name, const std::string& with) {
        return b.ask(name, R"({"cmd":"authenticate","data":{"token":")" + with + R"("}})");
    }
};

BOOST_AUTO_TEST_SUITE(renewal_)

BOOST_AUTO_TEST_CASE(a_peer_ends_when_its_token_does) {
    world w;
    w.connect("ann", token("ann", 100));
    w.advance(99'999ms);
    BOOST_TEST(w.b.is_open("ann"));
    w.advance(1ms);
    BOOST_TEST((w.b.ended("ann") == errc::expired));
    // a code by which no client comes back with the same token
    const auto how = codec::json{}.end(errc::expired, {true});
    BOOST_TEST((how.close_code == 4402 && how.text == "Expired"));
    BOOST_TEST(codec::json{}.end(errc::expired, {false}).close_code == 4402);
}

BOOST_AUTO_TEST_CASE(a_fresh_token_lets_it_stay) {
    world w;
    w.connect("ann", token("ann", 100));
    w.advance(90s);
    BOOST_TEST(w.renew("ann", token("ann", 200)) == "ok");
    w.advance(109'999ms);
    BOOST_TEST(w.b.is_open("ann"));
    w.advance(1ms);
    BOOST_TEST((w.b.ended("ann") == errc::expired));
}

BOOST_AUTO_TEST_CASE(a_shorter_token_counts_too) {
    world w;
    w.connect("ann", token("ann", 100));
    BOOST_TEST(w.renew("ann", token("ann", 10)) == "ok");
    w.advance(10s);
    BOOST_TEST((w.b.ended("ann") == errc::expired));
}

BOOST_AUTO_TEST_CASE(the_grants_are_those_of_the_newest_token) {
    world w;
    w.connect("ann", token("ann", 100, R"(,"sigfire":{"targets":["bob"]})"));
    w.connect("bob", token("bob", 1000));
    const auto send = [&] { return w.b.ask("ann", R"({"cmd":"bye","target":"bob"})"); };
    BOOST_TEST(send() == "ok");
    BOOST_TEST(w.renew("ann", token("ann", 100, R"(,"sigfire":{"targets":[]})")) == "ok");
    BOOST_TEST(send() == "denied");
    BOOST_TEST(w.renew("ann", token("ann", 100)) == "ok");
    BOOST_TEST(send() == "ok");
    // what other hooks have attached stays
    const auto* const other = w.b.context().notes_of(w.b.peer("ann"))->find<other_note>();
    BOOST_TEST_REQUIRE(other != nullptr);
    BOOST_TEST(other->value == 7);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_refused_changes_nothing) {
    world w;
    w.connect("ann", token("ann", 100, R"(,"sigfire":{"targets":["bob"]})"));
    w.connect("bob", token("bob", 1000));
    const auto says = [](std::string_view cause, std::string_view text) {
        return std::string{cause} + ": " + std::string{text};
    };
    BOOST_TEST(w.renew("ann", token("eve", 900)) == says("denied", "Token for Another Peer"));
    BOOST_TEST(w.renew("ann", token("ann", 900, R"(,"iss":"i")")) ==
               says("denied", "Token for Another Peer"));
    BOOST_TEST(w.renew("ann", token("ann", 900, R"(,"sigfire":{"id":"x"})")) ==
               says("denied", "Token for Another Peer"));
    BOOST_TEST(w.renew("ann", token("ann", 0)) == says("expired", "Token Expired"));
    BOOST_TEST(w.renew("ann", token("ann", 900) + ".") == says("malformed", "Token Malformed"));
    BOOST_TEST(w.renew("ann", token("ann", 900, R"(,"sigfire":{"x":1})")) ==
               says("denied", "Token Grants Invalid"));
    BOOST_TEST(w.renew("ann", token_signer{std::string(32, 'x')}.sign(R"({"sub":"ann","exp":1700000900})")) ==
               says("denied", "Token Signature Invalid"));
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"bye","target":"ann"})") != "denied");
    w.advance(99'999ms);
    BOOST_TEST(w.b.is_open("ann"));
    w.advance(1ms);
    BOOST_TEST((w.b.ended("ann") == errc::expired));
}

BOOST_AUTO_TEST_CASE(a_subject_that_is_no_id_must_be_the_same_too) {
    world w{{.subject_is_id = false}};
    w.connect("p", token("ann", 100));
    BOOST_TEST(w.renew("p", token("bob", 200)) == "denied: Token for Another Peer");
    BOOST_TEST(w.renew("p", token("ann", 200)) == "ok");
}

BOOST_AUTO_TEST_CASE(requests_without_a_token_are_malformed) {
    world w;
    w.connect("ann", token("ann", 100));
    for (const auto* data : {"", R"(,"data":{})", R"(,"data":{"token":""})", R"(,"data":{"token":7})",
                             R"(,"data":7)", R"(,"data":{"token":"a\u0062c"})"})
        BOOST_TEST(w.b.ask("ann", R"({"cmd":"authenticate")" + std::string{data} + "}") == "malformed", data);
    w.b.say("ann", R"({"cmd":"authenticate","data":{"token":"x"}})");
    BOOST_TEST((w.b.ended("ann") == errc::missing_id));
}

BOOST_AUTO_TEST_CASE(without_the_feature_there_is_no_such_command) {
    hub_bench b{features<>{}};
    b.connect("ann");
    BOOST_TEST(b.ask("ann", R"({"cmd":"authenticate","data":{"token":"x"}})") == "unknown_command");
}

BOOST_AUTO_TEST_CASE(a_token_for_one_use_renews_once) {
    world w{{.single_use = true}};
    w.connect("ann", token("ann", 100, R"(,"jti":"1")"));
    BOOST_TEST(w.renew("ann", token("ann", 100, R"(,"jti":"1")")) == "denied: Token Used Before");
    BOOST_TEST(w.renew("ann", token("ann", 200, R"(,"jti":"2")")) == "ok");
    BOOST_TEST(w.renew("ann", token("ann", 200, R"(,"jti":"2")")) == "denied: Token Used Before");
    // a token for another peer is not used up
    BOOST_TEST(w.renew("ann", token("bob", 200, R"(,"jti":"3")")) == "denied: Token for Another Peer");
    w.connect("bob", token("bob", 200, R"(,"jti":"3")"));
}

BOOST_AUTO_TEST_CASE(a_peer_that_resumes_has_the_terms_of_its_newest_token) {
    world w;
    const auto connect = [&](const std::string& name, const std::string& with, const std::string& resume) {
        return w.b.connect(name, {.target = "/?token=" + with + "&resume=" + resume});
    };
    const auto first = connect("ann", token("ann", 100, R"(,"sigfire":{"targets":[]})"), "");
    w.connect("bob", token("bob", 1000));
    w.b.lose("ann");
    w.advance(10s);
    const auto back = connect("again", token("ann", 200), token_in(first) + "&received=0");
    BOOST_TEST(back.find(R"("recovered":true)") != back.npos, back);
    BOOST_TEST(w.b.ask("again", R"({"cmd":"bye","target":"bob"})") == "ok");
    w.advance(90s); // the first token has expired
    BOOST_TEST(w.b.is_open("again"));
    w.advance(100s);
    BOOST_TEST((w.b.ended("again") == errc::expired));
}

BOOST_AUTO_TEST_CASE(nobody_resumes_by_the_token_of_another) {
    world w;
    const auto first = w.b.connect("ann", {.target = "/?token=" + token("ann", 100) + "&resume="});
    w.b.lose("ann");
    const auto eve =
        w.b.connect("eve", {.target = "/?token=" + token("eve", 100) + "&resume=" + token_in(first)});
    BOOST_TEST(eve.find(R"("id":"eve")") != eve.npos, eve);
    BOOST_TEST(eve.find(R"("recovered":true)") == eve.npos, eve);
}

BOOST_AUTO_TEST_CASE(nobody_resumes_by_a_command_past_the_id_of_the_own_token) {
    world w;
    const auto first = w.b.connect("ann", {.target = "/?token=" + token("ann", 100) + "&resume="});
    w.b.lose("ann");
    w.connect("eve", token("eve", 100));
    const auto resume = R"({"cmd":"resume","received":0,"token":")" + token_in(first) + "\"}";
    BOOST_TEST(w.b.ask("eve", resume) == "expired");
    BOOST_TEST(w.b.context().id(w.b.peer("eve")) == "eve");
    // ann herself still returns, by her URL
    const auto back = w.b.connect(
        "again", {.target = "/?token=" + token("ann", 100) + "&resume=" + token_in(first) + "&received=0"});
    BOOST_TEST(back.find(R"("recovered":true)") != back.npos, back);
}

BOOST_AUTO_TEST_CASE(a_token_without_an_id_leaves_the_command_to_resume) {
    world w{{.subject_is_id = false}};
    const auto first = w.b.connect("p", {.target = "/?token=" + token("ann", 100) + "&resume="});
    w.b.lose("p");
    w.connect("q", token("ann", 100));
    const auto said = w.b.ask("q", R"({"cmd":"resume","received":0,"token":")" + token_in(first) + "\"}");
    BOOST_TEST(said.find(R"("recovered":true)") != said.npos, said);
}

// A renewer that answers in odd ways.
struct odd {
    errc answer;
    errc renew(std::string_view, const notes*, admission& a) {
        a.valid_for = 1ms;
        return answer;
    }
};
static_assert(Renewer<odd> && Renewer<gate_type> && !Renewer<other_hook>);

BOOST_AUTO_TEST_CASE(a_verdict_that_is_no_answer_is_a_refusal) {
    const std::pair<errc, std::string_view> rows[] = {
        {errc::deferred, "denied"}, {errc::held, "denied"}, {errc::rate, "rate"}, {errc::overloaded, "full"}};
    for (const auto& [answer, told] : rows) {
        hub_bench b{features{renewal{odd{answer}}}};
        b.connect("ann");
        BOOST_TEST(b.ask("ann", R"({"cmd":"authenticate","data":{"token":"x"}})") == told);
        b.advance(1s);
        BOOST_TEST(b.is_open("ann"));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
