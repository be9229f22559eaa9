// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/token_signer.hpp>

#include <sigfire/admission/detail/jws.hpp>

#include "support/token_keys.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace token_keys;

// RFC 8037, appendix A.1
const std::string ed25519_jwk =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
    R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

std::string wrong(const std::string& key, std::string_view algorithm = {}) {
    try {
        token_signer{key, algorithm};
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return {};
}

BOOST_AUTO_TEST_SUITE(token_signer_)

BOOST_AUTO_TEST_CASE(it_signs_the_example_of_rfc_8037) {
    BOOST_TEST(token_signer{ed25519_jwk}.sign_with(R"({"alg":"EdDSA"})", "Example of Ed25519 signing") ==
               "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
               "09PGcvMg3AIbQR6dWb"
               "hijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    BOOST_TEST(token_signer{ed25519_jwk}.public_jwk() ==
               R"({"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
}

BOOST_AUTO_TEST_CASE(the_header_names_algorithm_type_and_key) {
    const auto header = [](const std::string& token) { return detail::read_jws(token)->header; };
    BOOST_TEST(header(token_signer{secret()}.sign("{}")) == R"({"alg":"HS256","typ":"JWT"})");
    BOOST_TEST(header(token_signer{rsa().secret, "PS384"}.sign("{}", "")) == R"({"alg":"PS384"})");
    const auto jwk = R"({"kty":"oct","kid":"k\"1","alg":"HS512","k":")" + detail::base64url(secret()) + "\"}";
    BOOST_TEST(header(token_signer{jwk}.sign("{}", "x", "{}")) ==
               R"({"alg":"HS512","typ":"x","kid":"k\"1","jwk":{}})");
}

BOOST_AUTO_TEST_CASE(a_public_key_is_what_verifies) {
    for (const auto& pair : {p256(), p384(), ed25519()}) {
        const token_signer signer{pair.secret};
        BOOST_TEST(fault(jwt_verifier{keys_of(signer.public_jwk())}, signer.sign(R"({"exp":1700000001})")) ==
                   token_fault{});
    }
    BOOST_TEST(token_signer{secret()}.public_jwk() == "");
    BOOST_TEST(token_signer{rsa().secret}.public_jwk() == "");
}

BOOST_AUTO_TEST_CASE(private_jwks_sign) {
    // RFC 7515, appendix A.3.1
    const std::string es256 =
        R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
        R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";
    const token_signer signer{es256};
    BOOST_TEST(signer.algorithm() == "ES256");
    BOOST_TEST(fault(jwt_verifier{keys_of(signer.public_jwk())}, signer.sign(R"({"exp":1700000001})")) ==
               token_fault{});
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_sign_says_why) {
    const std::string cannot = "sigfire: the key cannot sign: ";
    BOOST_TEST(wrong(std::string(31, 'x')) == cannot + "a secret has less than 32 bytes");
    BOOST_TEST(wrong(rsa().open) == cannot + "the PEM text contains no private key without a password");
    BOOST_TEST(wrong("{}") == cannot + "it is no JWK with a secret, or with a private EC or Ed25519 key");
    BOOST_TEST(wrong(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})") ==
               cannot + "it is no JWK with a secret, or with a private EC or Ed25519 key");
    BOOST_TEST(wrong(rsa().secret, "ES256") == cannot + "the algorithm does not fit the key");
    BOOST_TEST(wrong(secret(), "HS1") == cannot + "the algorithm does not fit the key");
    BOOST_TEST(wrong(std::string(40, 'x'), "HS384") == cannot + "the algorithm does not fit the key");
    BOOST_TEST(wrong(pem_of(EVP_RSA_gen(1024)).secret) ==
               cannot + "an RSA key has 1024 bits, not 2048 to 8192");
    BOOST_TEST(wrong(pem_of(EVP_EC_gen("P-521")).secret) ==
               cannot + "an EC key is on neither P-256 nor P-384");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
