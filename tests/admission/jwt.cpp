// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/jwt.hpp>

#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/token_signer.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"
#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace token_keys;

const auto always_noon = [] { return noon; };

jwt<jwt_verifier> gate(jwt_options options = {}) {
    if (!options.now) options.now = always_noon;
    return jwt{jwt_verifier{keys_of(secret())}, std::move(options)};
}

std::string token(std::string_view more = R"("sub":"ann")", std::string_view exp = "1700000100") {
    return token_signer{secret()}.sign(R"({"exp":)" + std::string{exp} + (more.empty() ? "" : ",") +
                                       std::string{more} + "}");
}

struct outcome_of {
    errc cause;
    admission a;
    std::string text;
};

outcome_of admit(auto& hook, std::string_view with, admission a = {}) {
    const std::string field = "Bearer " + std::string{with};
    const header h{"Authorization", field};
    request r{"GET", "/", {}, {}};
    if (!with.empty()) r.headers = {&h, 1};
    const errc cause = hook.on_admit(r, a);
    auto text = a.refused_as ? a.refused_as->text : std::string{};
    return {cause, std::move(a), std::move(text)};
}

outcome_of admit(std::string_view with, jwt_options options = {}, admission a = {}) {
    auto hook = gate(std::move(options));
    return admit(hook, with, std::move(a));
}

static_assert(Hook<jwt<jwt_verifier>>);
static_assert(!hooks<jwt<jwt_verifier>>::can_defer);

BOOST_AUTO_TEST_SUITE(jwt_)

BOOST_AUTO_TEST_CASE(a_token_gives_id_time_and_grants) {
    const auto got = admit(token(R"("sub":"ann","iss":"i","jti":"t1","sigfire":{"targets":["bob"]})"));
    BOOST_TEST((got.cause == errc::ok));
    BOOST_TEST(got.a.id == "ann");
    BOOST_TEST(got.a.id_verified);
    BOOST_TEST(!got.a.refused_as);
    BOOST_TEST((got.a.valid_for == 160s)); // with the leeway
    const auto* const g = got.a.attached.find<grants>();
    BOOST_TEST_REQUIRE(g != nullptr);
    BOOST_TEST((g->subject == "ann" && g->issuer == "i" && g->token_id == "t1" && g->id == "ann"));
    BOOST_TEST((g->targets == std::vector<std::string>{"bob"}));
}

BOOST_AUTO_TEST_CASE(the_id_is_that_of_the_grants_or_the_subject_or_drawn) {
    BOOST_TEST(admit(token(R"("sub":"ann","sigfire":{"id":"desk"})")).a.id == "desk");
    const auto subject = admit(token(), {.subject_is_id = false});
    BOOST_TEST((subject.cause == errc::ok));
    BOOST_TEST(subject.a.id == "");
    BOOST_TEST(!subject.a.id_verified);
    BOOST_TEST(subject.a.attached.find<grants>()->subject == "ann");
    const auto nobody = admit(token(""));
    BOOST_TEST((nobody.cause == errc::ok));
    BOOST_TEST((nobody.a.id.empty() && !nobody.a.id_verified));
    BOOST_TEST(admit(token(R"("sub":")" + std::string(256, 'x') + '"')).a.id.size() == 256u);
    const auto longer = admit(token(R"("sub":")" + std::string(257, 'x') + '"'));
    BOOST_TEST((longer.cause == errc::denied));
    BOOST_TEST(longer.text == "Token Grants Invalid");
    BOOST_TEST((admit(token(R"("sub":")" + std::string(257, 'x') + '"'), {.subject_is_id = false}).cause ==
                errc::ok));
}

BOOST_AUTO_TEST_CASE(a_peer_gets_no_other_id_than_it_asks_for) {
    admission asked;
    asked.id = "bob";
    const auto other = admit(token(), {}, asked);
    BOOST_TEST((other.cause == errc::denied));
    BOOST_TEST(other.text == "Token for Another Peer");
    BOOST_TEST(!other.a.attached.find<grants>());
    asked.id = "ann";
    BOOST_TEST((admit(token(), {}, asked).cause == errc::ok));
    asked.id = "drawn";
    asked.id_generated = true; // nobody asked for it
    const auto drawn = admit(token(), {}, asked);
    BOOST_TEST((drawn.cause == errc::ok));
    BOOST_TEST((drawn.a.id == "ann" && !drawn.a.id_generated));
    // a token without an id leaves what others have given
    asked.id = "bob";
    asked.id_generated = false;
    const auto own = admit(token(""), {}, asked);
    BOOST_TEST((own.cause == errc::ok && own.a.id == "bob" && !own.a.id_verified));
}

BOOST_AUTO_TEST_CASE(refusals_name_the_fault_and_never_the_token) {
    const struct {
        std::string with;
        errc cause;
        std::string_view text;
    } rows[] = {
        {"", errc::denied, "Token Missing"},
        {"nonsense", errc::malformed, "Token Malformed"},
        {token(R"("sub":"ann")", "1600000000"), errc::expired, "Token Expired"},
        {token(R"("sub":"ann","nbf":1800000000)"), errc::denied, "Token Not Yet Valid"},
        {token(R"("sub":"ann","aud":"elsewhere")"), errc::denied, "Token for Another Audience"},
        {token(R"("sub":"ann","sigfire":{"target":[]})"), errc::denied, "Token Grants Invalid"},
        {token(R"("sub":"ann","sigfire":7)"), errc::denied, "Token Grants Invalid"},
        {token_signer{std::string(64, 'x')}.sign(R"({"exp":1700000100})"), errc::denied,
         "Token Signature Invalid"},
        {token_signer{secret()}.sign_with(R"({"alg":"none"})", "{}"), errc::denied,
         "Token Algorithm Not Allowed"},
    };
    for (const auto& row : rows) {
        const auto got = admit(row.with);
        BOOST_TEST((got.cause == row.cause), row.text);
        BOOST_TEST(got.text == row.text);
        BOOST_TEST_REQUIRE(got.a.refused_as.has_value());
        BOOST_TEST(got.a.refused_as->http_status == 401u);
        BOOST_TEST(got.a.refused_as->close_code == 4401);
        BOOST_TEST((got.a.id.empty() && !got.a.id_verified && got.a.attached.empty()));
    }
}

BOOST_AUTO_TEST_CASE(validity_is_the_shortest_that_anybody_gave) {
    admission a;
    a.valid_for = 5s;
    BOOST_TEST((admit(token(), {}, a).a.valid_for == 5s));
    a.valid_for = 500s;
    BOOST_TEST((admit(token(), {}, a).a.valid_for == 160s));
    // in the last millisecond there still is a time
    BOOST_TEST((admit(token(R"("sub":"ann")", "1699999940.001")).a.valid_for == 1ms));
    jwt endless{jwt_verifier{keys_of(secret()), {.needs_expiry = false}}, {.now = always_noon}};
    BOOST_TEST((admit(endless, token_signer{secret()}.sign("{}")).a.valid_for == 0ms));
}

BOOST_AUTO_TEST_CASE(the_metadata_of_the_grants_is_that_of_the_record) {
    const auto got = admit(token(R"("sub":"ann","sigfire":{"metadata":{"name":"Ann"}})"));
    BOOST_TEST(got.a.metadata == R"({"name":"Ann"})");
    BOOST_TEST((got.a.metadata_wire == wire_id::json));
    admission a;
    a.metadata = "{}";
    BOOST_TEST(admit(token(), {}, a).a.metadata == "{}");
}

BOOST_AUTO_TEST_CASE(the_claim_can_have_another_name) {
    const auto got = admit(token(R"("sub":"ann","video":{"targets":[]},"sigfire":7)"), {.claim = "video"});
    BOOST_TEST((got.cause == errc::ok));
    BOOST_TEST(got.a.attached.find<grants>()->targets->empty());
}

BOOST_AUTO_TEST_CASE(a_token_for_one_use_is_good_once) {
    auto now = noon;
    auto hook = gate({.single_use = true, .remembered_tokens = 2, .now = [&] { return now; }});
    auto copy = hook; // for another thread
    const auto once = token(R"("sub":"ann","jti":"1")");
    BOOST_TEST((admit(hook, once).cause == errc::ok));
    BOOST_TEST(admit(copy, once).text == "Token Used Before");
    BOOST_TEST(admit(hook, token()).text == "Token Lacks a Claim");
    BOOST_TEST(admit(hook, token(R"("jti":")" + std::string(513, 'x') + '"')).text == "Token Malformed");
    // another issuer has ids of its own
    BOOST_TEST((admit(hook, token(R"("iss":"i","jti":"1")")).cause == errc::ok));
    const auto full = admit(hook, token(R"("jti":"3")"));
    BOOST_TEST((full.cause == errc::overloaded));
    BOOST_TEST((full.a.refused_as->http_status == 503 && full.a.refused_as->close_code == 1013));
    BOOST_TEST((full.a.refused_as->retry_after == 10s));
    now += 160s; // the first two have expired
    BOOST_TEST(admit(hook, once).text == "Token Expired");
    BOOST_TEST((admit(hook, token(R"("jti":"3")", "1700001000")).cause == errc::ok));
    BOOST_TEST((admit(hook, token(R"("jti":"4")", "1700001000")).cause == errc::ok));
}

BOOST_AUTO_TEST_CASE(a_token_that_is_refused_is_not_used_up) {
    auto hook = gate({.single_use = true});
    const auto once = token(R"("sub":"ann","jti":"1")");
    admission asked;
    asked.id = "bob";
    BOOST_TEST(admit(hook, once, asked).text == "Token for Another Peer");
    BOOST_TEST((admit(hook, once).cause == errc::ok));
}

BOOST_AUTO_TEST_CASE(without_a_clock_it_is_now) {
    jwt hook{jwt_verifier{keys_of(secret())}};
    BOOST_TEST(admit(hook, token(R"("sub":"ann")", "1600000000")).text == "Token Expired");
    BOOST_TEST((admit(hook, token(R"("sub":"ann")", "9999999999")).cause == errc::ok));
}

// A verifier of another library.
struct stranger {
    result<verified_token> verify(std::string_view t, utc_time now) {
        if (t != "known") return token_fault::bad_signature;
        verified_token out;
        out.subject = "ann";
        out.expires = now + 1s;
        out.claims = "{}";
        return out;
    }
};

BOOST_AUTO_TEST_CASE(any_verifier_will_do) {
    jwt hook{stranger{}};
    BOOST_TEST(admit(hook, "known").a.id == "ann");
    BOOST_TEST((admit(hook, "known").a.valid_for == 1s));
    BOOST_TEST(admit(hook, "other").text == "Token Signature Invalid");
}

using client_peer = memory::basic_peer<framing::websocket<framing::role::client>>;

BOOST_AUTO_TEST_CASE(a_page_is_let_in_by_header_query_or_subprotocol) {
    boost::asio::io_context io;
    server srv{memory::websocket{io}, hooks{gate()}, granted{}};
    const auto answer = [&](std::string head, std::string target) {
        client_peer p{io};
        p.write(memory::upgrade_request(head, target));
        memory::run(io);
        auto status = p.read_header();
        return status.starts_with("HTTP/1.1 101 ") ? p.events().at(0) : status + p.read();
    };
    const auto good = token();
    for (const auto& got :
         {answer("Authorization: Bearer " + good + "\r\n", "/"), answer("", "/?token=" + good),
          answer("Sec-WebSocket-Protocol: sigfire.v1.json, bearer." + good + "\r\n", "/")})
        BOOST_TEST(got.ends_with(R"("data":{"id":"ann"}})"), got);
    const auto bad = answer("", "/?token=" + good + "x");
    BOOST_TEST(bad.starts_with("HTTP/1.1 401 "), bad);
    BOOST_TEST(bad.find(good) == bad.npos);
}

BOOST_AUTO_TEST_CASE(a_page_can_read_why_it_is_refused) {
    boost::asio::io_context io;
    server srv{memory::websocket{io}, hooks{gate({.refuse_after_upgrade = true})}};
    client_peer p{io};
    p.write(memory::upgrade_request("", "/?token=x"));
    memory::run(io);
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
    const auto events = p.events();
    BOOST_TEST_REQUIRE(events.size() == 1u);
    BOOST_TEST(events[0].find("4401") != std::string::npos, events[0]);
    BOOST_TEST(events[0].find("Token Malformed") != std::string::npos, events[0]);
}

BOOST_AUTO_TEST_CASE(the_newest_connection_of_a_token_has_its_id) {
    boost::asio::io_context io;
    server srv{memory::websocket{io}, hooks{gate()}};
    client_peer first{io}, second{io};
    for (auto* p : {&first, &second}) {
        p->write(memory::upgrade_request("Authorization: Bearer " + token() +
                                         "\r\nSec-WebSocket-Protocol: "
                                         "sigfire.v1.json\r\n"));
        memory::run(io);
        p->read_header();
    }
    BOOST_TEST(first.events().back().find("4601") != std::string::npos);
    BOOST_TEST(second.events().at(0).ends_with(R"("data":{"id":"ann"}})"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
