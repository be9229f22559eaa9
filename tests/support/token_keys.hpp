// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/token_key.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/admission/token_signer.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include <openssl/pem.h>

namespace sigfire::inline v0_1 {

inline std::ostream& operator<<(std::ostream& out, token_fault f) {
    return out << to_string(f);
}

} // namespace sigfire::inline v0_1

/// Keys that are made once for each run, and tokens that they sign.
namespace token_keys {

using namespace sigfire;
using namespace std::chrono_literals;

/// The time of most tests.
inline const utc_time noon{1'700'000'000s};

struct pem_pair {
    std::string secret, open;
};

inline pem_pair pem_of(EVP_PKEY* key) {
    const auto text = [](auto write) {
        const detail::bio_chain_ptr out{BIO_new(BIO_s_mem())};
        BOOST_TEST_REQUIRE(write(out.get()) == 1);
        char* bytes = nullptr;
        const auto size = BIO_get_mem_data(out.get(), &bytes);
        return std::string{bytes, static_cast<std::size_t>(size)};
    };
    const detail::evp_key_ptr held{key};
    BOOST_TEST_REQUIRE(key != nullptr);
    return {
        text([&](BIO* b) { return PEM_write_bio_PrivateKey(b, key, nullptr, nullptr, 0, nullptr, nullptr); }),
        text([&](BIO* b) { return PEM_write_bio_PUBKEY(b, key); })};
}

inline const pem_pair& rsa() {
    static const auto pair = pem_of(EVP_RSA_gen(2048));
    return pair;
}
inline const pem_pair& p256() {
    static const auto pair = pem_of(EVP_EC_gen("P-256"));
    return pair;
}
inline const pem_pair& p384() {
    static const auto pair = pem_of(EVP_EC_gen("P-384"));
    return pair;
}
inline const pem_pair& ed25519() {
    static const auto pair = pem_of(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    return pair;
}
inline const std::string& secret() {
    static const std::string text = "sixty-four bytes are enough for the longest digest: 0123456789ab";
    return text;
}

inline key_set keys_of(const std::string& text) {
    key_set keys;
    BOOST_TEST_REQUIRE((keys.replace(text) == errc::ok));
    return keys;
}

/// The fault of a token, or `token_fault{}`.
inline token_fault fault(const auto& verifier, std::string_view token, utc_time now = noon) {
    const auto got = verifier.verify(token, now);
    return got ? token_fault{} : fault_of(got.error());
}

} // namespace token_keys
