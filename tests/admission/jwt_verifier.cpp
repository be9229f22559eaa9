// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/jwt_verifier.hpp>

#include <sigfire/admission/detail/jws.hpp>
#include <sigfire/admission/token_signer.hpp>

#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace sigfire;
using namespace token_keys;

const std::string hour = R"({"sub":"ann","exp":1700003600})";

std::string claims_with(std::string_view more) {
    return R"({"sub":"ann","exp":1700003600)" + (more.empty() ? "" : "," + std::string{more}) + "}";
}

// The fault of a token with these claims, by a verifier with these options.
token_fault of_claims(const std::string& claims, jwt_verifier_options options = {}, utc_time now = noon) {
    return fault(jwt_verifier{keys_of(secret()), std::move(options)}, token_signer{secret()}.sign(claims),
                 now);
}

// The fault of a token with this header.
token_fault of_header(std::string_view header, std::string_view claims = hour) {
    return fault(jwt_verifier{keys_of(secret())}, token_signer{secret()}.sign_with(header, claims));
}

BOOST_AUTO_TEST_SUITE(jwt_verifier_)

// Lines of a name, a JWK and a token.
BOOST_AUTO_TEST_CASE(it_verifies_the_examples_of_the_standards) {
    std::ifstream file{SIGFIRE_TEST_DIR "/vectors/jws.tsv"};
    std::size_t count = 0;
    for (std::string line, name, jwk, token; std::getline(file, line); ++count) {
        std::istringstream parts{line};
        std::getline(parts, name, '\t');
        std::getline(parts, jwk, '\t');
        std::getline(parts, token, '\t');
        BOOST_TEST_CONTEXT(name) {
            std::string why;
            const auto keys = detail::keys_of_text(jwk, why);
            BOOST_TEST_REQUIRE(keys.size() == 1u, why);
            const auto read = detail::read_jws(token);
            BOOST_TEST_REQUIRE(read.has_value());
            const auto algorithm = detail::jws_algorithm_of(read->algorithm);
            BOOST_TEST_REQUIRE(algorithm.has_value());
            BOOST_TEST(keys[0].verifies(*algorithm, read->signed_part, read->signature));
            // no bit of it may be another
            for (std::size_t i = 0; i < read->signature.size(); ++i) {
                auto changed = read->signature;
                changed[i] = static_cast<char>(changed[i] ^ 0x10);
                BOOST_TEST(!keys[0].verifies(*algorithm, read->signed_part, changed));
            }
            BOOST_TEST(!keys[0].verifies(*algorithm, read->signed_part.substr(1), read->signature));
            BOOST_TEST(!keys[0].verifies(*algorithm, read->signed_part, read->signature + '\0'));
            BOOST_TEST(!keys[0].verifies(*algorithm, read->signed_part, read->signature.substr(1)));
            BOOST_TEST(!keys[0].verifies(*algorithm, read->signed_part, ""));
        }
    }
    BOOST_TEST(count == 7u);
}

BOOST_AUTO_TEST_CASE(the_claims_of_an_example_are_its_own) {
    std::ifstream file{SIGFIRE_TEST_DIR "/vectors/jws.tsv"};
    std::string name, jwk, token;
    std::getline(file, name, '\t'), std::getline(file, jwk, '\t'), std::getline(file, token);
    const utc_time then{1'300'819'379s};
    const auto got = jwt_verifier{keys_of(jwk)}.verify(token, then);
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->issuer == "joe");
    BOOST_TEST(got->subject == "");
    BOOST_TEST((got->expires == then + 61s)); // with the leeway
    BOOST_TEST(detail::json_fields::read(got->claims)->raw("http://example.com/is_root") == "true");
    BOOST_TEST(fault(jwt_verifier{keys_of(jwk)}, token) == token_fault::expired);
}

BOOST_AUTO_TEST_CASE(each_algorithm_verifies_what_its_key_signed) {
    const struct {
        const std::string &secret, &open;
        std::string_view algorithm;
    } rows[] = {
        {secret(), secret(), "HS256"},         {secret(), secret(), "HS384"},
        {secret(), secret(), "HS512"},         {rsa().secret, rsa().open, "RS256"},
        {rsa().secret, rsa().open, "RS384"},   {rsa().secret, rsa().open, "RS512"},
        {rsa().secret, rsa().open, "PS256"},   {rsa().secret, rsa().open, "PS384"},
        {rsa().secret, rsa().open, "PS512"},   {p256().secret, p256().open, "ES256"},
        {p384().secret, p384().open, "ES384"}, {ed25519().secret, ed25519().open, "EdDSA"},
    };
    for (const auto& by : rows)
        for (const auto& with : rows) BOOST_TEST_CONTEXT(by.algorithm << " by a key of " << with.algorithm) {
                const token_signer signer{by.secret, by.algorithm};
                BOOST_TEST(signer.algorithm() == by.algorithm);
                const auto token = signer.sign(hour);
                const auto got = fault(jwt_verifier{keys_of(with.open)}, token);
                // One key of each kind: every other kind refuses the algorithm before any arithmetic.
                BOOST_TEST(got == (&by.open == &with.open ? token_fault{} : token_fault::algorithm));
            }
}

BOOST_AUTO_TEST_CASE(a_public_key_is_never_a_secret) {
    // the attacker knows the public key, and signs by it as if it were a secret
    for (const auto& open : {rsa().open, p256().open, ed25519().open}) {
        const jwt_verifier verifier{keys_of(open)};
        for (const auto* name : {"HS256", "HS384", "HS512"}) {
            std::string text =
                detail::base64url(R"({"alg":")" + std::string{name} + "\"}") + '.' + detail::base64url(hour);
            const auto algorithm = *detail::jws_algorithm_of(name);
            const auto mac = detail::hmac_of(detail::row(algorithm).digest, open, text);
            BOOST_TEST(fault(verifier, text + '.' + detail::base64url(mac)) == token_fault::algorithm);
        }
    }
}

// A verifier asks first, but the key does not rely on that.
BOOST_AUTO_TEST_CASE(a_key_verifies_by_no_other_algorithm_than_its_own) {
    using enum detail::jws_algorithm;
    const auto only = [](const std::string& text, detail::jws_algorithm a) {
        auto key = keys_of(text).keys()->front();
        key.allow_only(a);
        return key;
    };
    const auto by_rs = token_signer{rsa().secret, "RS512"}.sign_with(R"({"alg":"x"})", hour);
    const auto rs = *detail::read_jws(by_rs);
    BOOST_TEST(keys_of(rsa().open).keys()->front().verifies(rs512, rs.signed_part, rs.signature));
    BOOST_TEST(!only(rsa().open, rs256).verifies(rs512, rs.signed_part, rs.signature));
    const auto by_hs = token_signer{secret(), "HS512"}.sign_with(R"({"alg":"x"})", hour);
    const auto hs = *detail::read_jws(by_hs);
    BOOST_TEST(!only(secret(), hs256).verifies(hs512, hs.signed_part, hs.signature));
    BOOST_TEST(!only(secret(), rs256).allows_any());
    BOOST_TEST(!keys_of(secret()).keys()->front().verifies(es256, hs.signed_part, hs.signature));
}

BOOST_AUTO_TEST_CASE(a_token_says_by_what_it_was_signed_but_the_key_decides) {
    const std::string alg = R"({"alg":)";
    for (const auto* none : {R"("none")", R"("None")", R"("NONE")", R"("")"})
        BOOST_TEST(of_header(alg + none + "}") == token_fault::algorithm);
    BOOST_TEST(of_header("{}") == token_fault::algorithm);
    BOOST_TEST(of_header(alg + R"("HS1"})") == token_fault::algorithm);
    BOOST_TEST(of_header(alg + R"("hs256"})") == token_fault::algorithm);
    BOOST_TEST(of_header(alg + R"("ES512"})") == token_fault::algorithm);
    BOOST_TEST(of_header(alg + R"("RS256"})") == token_fault::algorithm);
    BOOST_TEST(of_header(alg + "256}") == token_fault::malformed);
    BOOST_TEST(of_header(alg + R"("HS512"})") == token_fault::bad_signature); // it is HS256
    BOOST_TEST(of_header(alg + R"("HS256"})") == token_fault{});
    // without a signature
    const auto bare = detail::base64url(R"({"alg":"none"})") + '.' + detail::base64url(hour) + '.';
    BOOST_TEST(fault(jwt_verifier{keys_of(secret())}, bare) == token_fault::algorithm);
    const auto unsigned_token = detail::base64url(R"({"alg":"HS256"})") + '.' + detail::base64url(hour) + '.';
    BOOST_TEST(fault(jwt_verifier{keys_of(secret())}, unsigned_token) == token_fault::bad_signature);
}

BOOST_AUTO_TEST_CASE(headers_that_ask_for_more_are_refused) {
    const auto with = [](std::string_view more) {
        return of_header(R"({"alg":"HS256",)" + std::string{more} + "}");
    };
    BOOST_TEST(with(R"("crit":["exp"])") == token_fault::unsupported);
    BOOST_TEST(with(R"("crit":[])") == token_fault::unsupported);
    BOOST_TEST(with(R"("jwk":{"kty":"oct","k":"AA"})") == token_fault::unsupported);
    BOOST_TEST(with(R"("jwk":null)") == token_fault::unsupported);
    BOOST_TEST(with(R"("typ":"dpop+jwt")") == token_fault::unsupported);
    BOOST_TEST(with(R"("typ":"JWTS")") == token_fault::unsupported);
    BOOST_TEST(with(R"("typ":1)") == token_fault::malformed);
    BOOST_TEST(with(R"("kid":1)") == token_fault::malformed);
    BOOST_TEST(with(R"("kid":")" + std::string(257, 'k') + '"') == token_fault::malformed);
    BOOST_TEST(with(R"("alg":"HS256")") == token_fault::malformed); // twice
    BOOST_TEST(with(R"("\u0061lg":"none")") == token_fault::malformed);
    for (const auto* typ : {"JWT", "jwt", "application/jwt", "APPLICATION/AT+JWT", "at+jwt", ""})
        BOOST_TEST(with(R"("typ":")" + std::string{typ} + '"') == token_fault{}, typ);
    BOOST_TEST(with(R"("x5t":"AA","jku":"https://example.org/","other":[1])") == token_fault{}); // unused
}

BOOST_AUTO_TEST_CASE(a_token_has_one_form) {
    const jwt_verifier verifier{keys_of(secret())};
    const auto good = token_signer{secret()}.sign(hour);
    BOOST_TEST_REQUIRE(fault(verifier, good) == token_fault{});
    for (const auto& bad : std::vector<std::string>{
             "", ".", "..", "...", good + ".", "." + good, good + "=", good + " ", " " + good, good + "\n",
             good.substr(0, good.rfind('.')), good.substr(0, good.find('.')) + good.substr(good.rfind('.')),
             good + good, "a." + good, std::string(8193, 'A'), good + std::string(1, '\0')})
        BOOST_TEST(fault(verifier, bad) == token_fault::malformed, bad.substr(0, 200));
    // the last character of the signature has unused bits
    auto twin = good;
    twin.back() = detail::base64url_alphabet[detail::base64url_alphabet.find(twin.back()) + 1];
    BOOST_TEST(fault(verifier, twin) == token_fault::malformed);
    // every changed character is noticed
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        if (good[i] != '.') BOOST_TEST(fault(verifier, changed) != token_fault{}, i);
    }
    // the longest token, and one byte more
    const auto sized = [](std::size_t pad) {
        return token_signer{secret()}.sign_with(R"({"alg":"HS256"})",
                                                claims_with(R"("pad":")" + std::string(pad, 'x') + '"'));
    };
    std::size_t pad = 6000;
    while (sized(pad + 1).size() <= detail::longest_jws) ++pad;
    BOOST_TEST(fault(verifier, sized(pad)) == token_fault{});
    BOOST_TEST(fault(verifier, sized(pad + 2)) == token_fault::malformed);
}

BOOST_AUTO_TEST_CASE(payloads_are_objects_with_claims_of_the_right_type) {
    for (const auto* bad :
         {"", "[]", "1", "null", R"({"exp":1700003600,"exp":1700003600})", R"({"exp":"1700003600"})",
          R"({"exp":1e10})", R"({"exp":-1})", R"({"exp":null})", R"({"exp":1700003600,"sub":1})",
          R"({"exp":1700003600,"iss":["a"]})", R"({"exp":1700003600,"jti":7})",
          R"({"exp":1700003600,"nbf":"x"})", R"({"exp":1700003600,"iat":true})",
          R"({"exp":1700003600,"aud":7})", R"({"exp":1700003600,"aud":["a",7]})",
          "{\"exp\":1700003600,\"sub\":\"\xff\"}", R"({"exp":1700003600,"sub":"\ud800"})"})
        BOOST_TEST(of_claims(bad) == token_fault::malformed, bad);
}

BOOST_AUTO_TEST_CASE(times_count_with_the_leeway) {
    const auto at = [](std::string_view claim, std::chrono::milliseconds when, jwt_verifier_options o = {}) {
        return of_claims("{" + std::string{claim} + "}", std::move(o), utc_time{when});
    };
    BOOST_TEST(at(R"("exp":1000)", 1'059'999ms) == token_fault{});
    BOOST_TEST(at(R"("exp":1000)", 1'060'000ms) == token_fault::expired);
    BOOST_TEST(at(R"("exp":1000.5)", 1'060'000ms) == token_fault{});
    BOOST_TEST(at(R"("exp":1000)", 999'999ms, {.leeway = 0s}) == token_fault{});
    BOOST_TEST(at(R"("exp":1000)", 1'000'000ms, {.leeway = 0s}) == token_fault::expired);
    BOOST_TEST(at(R"("exp":9000,"nbf":1000)", 940'000ms) == token_fault{});
    BOOST_TEST(at(R"("exp":9000,"nbf":1000)", 939'999ms) == token_fault::not_yet);
    BOOST_TEST(at(R"("exp":9000,"iat":1000)", 940'000ms) == token_fault{});
    BOOST_TEST(at(R"("exp":9000,"iat":1000)", 939'999ms) == token_fault::not_yet);
    BOOST_TEST(at(R"("nbf":0)", 0ms) == token_fault::missing_claim);
    BOOST_TEST(at(R"("nbf":0)", 0ms, {.needs_expiry = false}) == token_fault{});
    BOOST_TEST(at(R"("exp":1000)", 2'000'000ms, {.needs_expiry = false}) == token_fault::expired);
    const jwt_verifier_options old{.longest_age = 100s};
    BOOST_TEST(at(R"("exp":9000)", 0ms, old) == token_fault::missing_claim);
    BOOST_TEST(at(R"("exp":9000,"iat":1000)", 1'159'999ms, old) == token_fault{});
    BOOST_TEST(at(R"("exp":9000,"iat":1000)", 1'160'000ms, old) == token_fault::expired);
}

BOOST_AUTO_TEST_CASE(a_token_is_for_this_server) {
    const jwt_verifier_options named{.audiences = {"a", "b"}};
    const auto aud = [&](std::string_view value) {
        return of_claims(claims_with("\"aud\":" + std::string{value}), named);
    };
    BOOST_TEST(aud(R"("a")") == token_fault{});
    BOOST_TEST(aud(R"("b")") == token_fault{});
    BOOST_TEST(aud(R"(["x","b"])") == token_fault{});
    BOOST_TEST(aud(R"("c")") == token_fault::audience);
    BOOST_TEST(aud(R"("A")") == token_fault::audience);
    BOOST_TEST(aud(R"("")") == token_fault::audience);
    BOOST_TEST(aud("[]") == token_fault::audience);
    BOOST_TEST(aud(R"(["ab"])") == token_fault::audience);
    BOOST_TEST(of_claims(hour, named) == token_fault::missing_claim);
    BOOST_TEST(of_claims(hour) == token_fault{});
    BOOST_TEST(of_claims(claims_with(R"("aud":"a")")) == token_fault::audience); // this server has no name
}

BOOST_AUTO_TEST_CASE(a_token_is_of_a_known_issuer) {
    const jwt_verifier_options known{.issuers = {"https://a.example", "b"}};
    BOOST_TEST(of_claims(claims_with(R"("iss":"b")"), known) == token_fault{});
    BOOST_TEST(of_claims(claims_with(R"("iss":"https://a.example")"), known) == token_fault{});
    BOOST_TEST(of_claims(claims_with(R"("iss":"https://a.example/")"), known) == token_fault::issuer);
    BOOST_TEST(of_claims(claims_with(R"("iss":"")"), known) == token_fault::issuer);
    BOOST_TEST(of_claims(hour, known) == token_fault::missing_claim);
    BOOST_TEST(of_claims(claims_with(R"("iss":"anybody")")) == token_fault{});
}

BOOST_AUTO_TEST_CASE(the_key_id_chooses_the_key) {
    const auto jwk = [](std::string_view id, char c) {
        return R"({"kty":"oct",)" + (id.empty() ? "" : R"("kid":")" + std::string{id} + "\",") + R"("k":")" +
               detail::base64url(std::string(32, c)) + "\"}";
    };
    const auto set = [](const std::vector<std::string>& all) {
        std::string text = R"({"keys":[)";
        for (const auto& key : all) text += (text.ends_with('[') ? "" : ",") + key;
        return jwt_verifier{keys_of(text + "]}")};
    };
    const auto two = set({jwk("a", 'a'), jwk("b", 'b')});
    const auto by = [&](std::string_view id, char c) { return token_signer{jwk(id, c)}.sign(hour); };
    BOOST_TEST(fault(two, by("a", 'a')) == token_fault{});
    BOOST_TEST(fault(two, by("b", 'b')) == token_fault{});
    BOOST_TEST(fault(two, by("a", 'b')) == token_fault::bad_signature);
    BOOST_TEST(fault(two, by("c", 'a')) == token_fault::unknown_key);
    BOOST_TEST(fault(two, by("", 'b')) == token_fault{}); // without an id, each key is tried
    BOOST_TEST(fault(two, by("", 'c')) == token_fault::bad_signature);
    const auto mixed = set({jwk("a", 'a'), jwk("", 'n')});
    BOOST_TEST(fault(mixed, by("z", 'n')) == token_fault{}); // a key without an id may be any
    BOOST_TEST(fault(mixed, by("z", 'a')) == token_fault::bad_signature);
    BOOST_TEST(fault(jwt_verifier{key_set{}}, by("a", 'a')) == token_fault::unknown_key);
}

BOOST_AUTO_TEST_CASE(a_zero_is_no_signature) {
    const auto forged = [](const std::string& header, std::size_t size) {
        return detail::base64url(header) + '.' + detail::base64url(hour) + '.' +
               detail::base64url(std::string(size, '\0'));
    };
    BOOST_TEST(fault(jwt_verifier{keys_of(p256().open)}, forged(R"({"alg":"ES256"})", 64)) ==
               token_fault::bad_signature);
    BOOST_TEST(fault(jwt_verifier{keys_of(p384().open)}, forged(R"({"alg":"ES384"})", 96)) ==
               token_fault::bad_signature);
    BOOST_TEST(fault(jwt_verifier{keys_of(ed25519().open)}, forged(R"({"alg":"EdDSA"})", 64)) ==
               token_fault::bad_signature);
    BOOST_TEST(fault(jwt_verifier{keys_of(rsa().open)}, forged(R"({"alg":"RS256"})", 256)) ==
               token_fault::bad_signature);
    // an ECDSA signature in DER is in the wrong form
    const auto token = token_signer{p256().secret}.sign(hour);
    const auto read = detail::read_jws(token);
    const auto der = detail::der_of_ecdsa(read->signature, 32);
    BOOST_TEST(fault(jwt_verifier{keys_of(p256().open)},
                     std::string{read->signed_part} + '.' + detail::base64url(der)) ==
               token_fault::bad_signature);
}

BOOST_AUTO_TEST_CASE(openssl_keeps_no_error_of_ours) {
    ERR_clear_error();
    const jwt_verifier verifier{keys_of(rsa().open)};
    auto token = token_signer{rsa().secret}.sign(hour);
    token[token.size() - 40] = token[token.size() - 40] == 'A' ? 'B' : 'A';
    BOOST_TEST(fault(verifier, token) == token_fault::bad_signature);
    BOOST_TEST(ERR_peek_error() == 0u);
}

BOOST_AUTO_TEST_CASE(threads_verify_while_keys_change) {
    const auto keys = keys_of(secret());
    const jwt_verifier verifier{keys};
    const auto token = token_signer{secret()}.sign(hour);
    std::thread other{[&] {
        for (int i = 0; i < 100; ++i) keys.replace(secret());
    }};
    for (int i = 0; i < 100; ++i) BOOST_TEST(fault(verifier, token) == token_fault{});
    other.join();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
