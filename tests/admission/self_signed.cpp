// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/self_signed.hpp>

#include <sigfire/admission/token_signer.hpp>
#include <sigfire/hub/hooks.hpp>

#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace token_keys;

static_assert(Hook<self_signed>);

const std::string claims = R"({"aud":"wss://here","iat":1700000000,"jti":"1"})";

struct admitted {
    errc cause;
    admission a;
    std::string text;
};

struct world {
    utc_time now = noon;
    self_signed hook;

    explicit world(std::size_t remembered = 1000)
        : hook{{.audiences = {"wss://here", "here"}, .remembered_tokens = remembered, .now = [this] {
                    return now;
                }}} {}

    admitted admit(const std::string& token, admission a = {}) {
        const auto target = "/?token=" + token;
        const errc cause = hook.on_admit({"GET", target, {}, {}}, a);
        auto text = a.refused_as ? a.refused_as->text : std::string{};
        return {cause, std::move(a), std::move(text)};
    }
    admitted by(const std::string& key, std::string_view with = claims) {
        const token_signer signer{key};
        return admit(signer.sign(with, "self+jwt", signer.public_jwk()));
    }
};

BOOST_AUTO_TEST_SUITE(self_signed_)

// RFC 8037, appendices A.2 and A.3
BOOST_AUTO_TEST_CASE(the_thumbprint_is_that_of_the_standard) {
    const auto jwk = detail::json_fields::read(
        R"({"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"any","crv":"Ed25519","kty":"OKP"})");
    BOOST_TEST(detail::jwk_thumbprint(*jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    BOOST_TEST(detail::jwk_thumbprint(*detail::json_fields::read(R"({"kty":"oct","k":"AA"})")) == "");
}

BOOST_AUTO_TEST_CASE(a_key_is_an_id) {
    world w;
    const auto ed = w.by(ed25519().secret), ec = w.by(p256().secret);
    for (const auto* got : {&ed, &ec}) {
        BOOST_TEST((got->cause == errc::ok), got->text);
        BOOST_TEST(got->a.id.size() == 43u);
        BOOST_TEST(got->a.id_verified);
        BOOST_TEST((got->a.valid_for == 0ms));
        BOOST_TEST(got->a.attached.find<grants>()->subject == got->a.id);
    }
    BOOST_TEST(ed.a.id != ec.a.id); // and the same `jti` of another key is another
    const auto again = w.by(ed25519().secret, R"({"aud":["x","here"],"iat":1700000001,"jti":"2"})");
    BOOST_TEST((again.cause == errc::ok && again.a.id == ed.a.id));
}

BOOST_AUTO_TEST_CASE(a_token_is_good_once_and_for_its_time) {
    world w;
    const token_signer signer{ed25519().secret};
    const auto token = signer.sign(claims, "self+jwt", signer.public_jwk());
    BOOST_TEST((w.admit(token).cause == errc::ok));
    BOOST_TEST(w.admit(token).text == "Token Used Before");
    BOOST_TEST(w.by(ed25519().secret).text == "Token Used Before"); // the same `jti`
    w.now = noon + 59'999ms;
    BOOST_TEST(w.admit(token).text == "Token Used Before");
    w.now = noon + 60s;
    BOOST_TEST(w.admit(token).text == "Token Expired");
    const auto at = [&](std::string_view iat) {
        return w.by(p256().secret, R"({"aud":"here","jti":"9","iat":)" + std::string{iat} + "}");
    };
    w.now = noon;
    BOOST_TEST(at("1700000060.001").text == "Token Not Yet Valid");
    BOOST_TEST(at("1699999940").text == "Token Expired");
    BOOST_TEST((at("1700000060").cause == errc::ok));
    w.now = noon + 119'999ms; // a token of the future is remembered as long as it is good
    BOOST_TEST(at("1700000060").text == "Token Used Before");
}

BOOST_AUTO_TEST_CASE(claims_and_header_are_complete) {
    world w;
    const auto with = [&](std::string_view c) { return w.by(ed25519().secret, c).text; };
    BOOST_TEST(with(R"({"iat":1700000000,"jti":"1"})") == "Token Lacks a Claim");
    BOOST_TEST(with(R"({"aud":"here","jti":"1"})") == "Token Lacks a Claim");
    BOOST_TEST(with(R"({"aud":"here","iat":1700000000})") == "Token Lacks a Claim");
    BOOST_TEST(with(R"({"aud":"here","iat":1700000000,"jti":""})") == "Token Lacks a Claim");
    BOOST_TEST(with(R"({"aud":"there","iat":1700000000,"jti":"1"})") == "Token for Another Audience");
    BOOST_TEST(with(R"({"aud":7,"iat":1700000000,"jti":"1"})") == "Token Malformed");
    BOOST_TEST(with(R"({"aud":"here","iat":"now","jti":"1"})") == "Token Malformed");
    BOOST_TEST(with(R"({"aud":"here","iat":1700000000,"jti":")" + std::string(129, 'x') + "\"}") ==
               "Token Malformed");
    const token_signer signer{ed25519().secret};
    const auto header = [&](std::string_view typ, std::string_view jwk) {
        return w.admit(signer.sign(claims, typ, jwk)).text;
    };
    BOOST_TEST(header("JWT", signer.public_jwk()) == "Token Header Not Supported");
    BOOST_TEST(header("", signer.public_jwk()) == "Token Header Not Supported");
    BOOST_TEST(header("self+jwt", "") == "Token Header Not Supported");
    BOOST_TEST(header("self+jwt", "7") == "Token Header Not Supported");
    BOOST_TEST(header("self+jwt", token_signer{p256().secret}.public_jwk()) == "Token Algorithm Not Allowed");
    BOOST_TEST(
        header("self+jwt",
               token_signer{pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")).secret}.public_jwk()) ==
        "Token Signature Invalid");
    // a private key has no place in a token
    auto own = signer.public_jwk();
    own.insert(1, R"("d":"AA",)");
    BOOST_TEST(header("self+jwt", own) == "Token Header Not Supported");
    BOOST_TEST(w.admit("").text == "Token Missing");
    BOOST_TEST(w.admit("a.b").text == "Token Malformed");
}

BOOST_AUTO_TEST_CASE(only_signatures_by_a_key_pair_count) {
    world w;
    const auto jwk = R"({"kty":"oct","k":")" + detail::base64url(secret()) + "\"}";
    BOOST_TEST(w.admit(token_signer{secret()}.sign(claims, "self+jwt", jwk)).text ==
               "Token Algorithm Not Allowed");
    // a secret under the name of another algorithm
    BOOST_TEST(w.admit(token_signer{secret()}.sign_with(
                           R"({"alg":"EdDSA","typ":"self+jwt","jwk":)" + jwk + "}", claims))
                   .text == "Token Algorithm Not Allowed");
    const token_signer p384_signer{p384().secret};
    BOOST_TEST(w.admit(p384_signer.sign(claims, "self+jwt", p384_signer.public_jwk())).text ==
               "Token Algorithm Not Allowed");
}

BOOST_AUTO_TEST_CASE(a_peer_gets_no_other_id_than_it_asks_for) {
    world w;
    const token_signer signer{ed25519().secret};
    admission asked;
    asked.id = "ann";
    BOOST_TEST(w.admit(signer.sign(claims, "self+jwt", signer.public_jwk()), asked).text ==
               "Token for Another Peer");
}

BOOST_AUTO_TEST_CASE(memory_is_bounded) {
    world w{2};
    const auto number = [&](int n, int iat = 1'700'000'000) {
        return w.by(p256().secret, R"({"aud":"here","iat":)" + std::to_string(iat) + R"(,"jti":")" +
                                       std::to_string(n) + "\"}");
    };
    BOOST_TEST((number(1).cause == errc::ok));
    BOOST_TEST((number(2).cause == errc::ok));
    const auto full = number(3);
    BOOST_TEST((full.cause == errc::overloaded && full.a.refused_as->http_status == 503));
    BOOST_TEST(number(1).text == "Token Used Before"); // nothing is forgotten
    w.now += 60s;
    BOOST_TEST((number(3, 1'700'000'060).cause == errc::ok));
}

BOOST_AUTO_TEST_CASE(a_server_has_a_name) {
    BOOST_CHECK_THROW(self_signed{self_signed_options{}}, std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
