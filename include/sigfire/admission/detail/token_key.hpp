// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/hmac.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/// Keys and signatures of tokens by OpenSSL.
namespace sigfire::inline v0_1::detail {

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037).
enum class jws_algorithm : unsigned char {
    hs256,
    hs384,
    hs512,
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    eddsa
};

enum class jws_family : unsigned char { hmac, rsa, rsa_pss, ecdsa, eddsa };

struct jws_algorithm_row {
    std::string_view name;
    jws_family family;
    const char* digest;
    std::size_t size; // bytes of the digest
};

inline constexpr jws_algorithm_row jws_algorithms[] = {
    {"HS256", jws_family::hmac, "SHA256", 32},    {"HS384", jws_family::hmac, "SHA384", 48},
    {"HS512", jws_family::hmac, "SHA512", 64},    {"RS256", jws_family::rsa, "SHA256", 32},
    {"RS384", jws_family::rsa, "SHA384", 48},     {"RS512", jws_family::rsa, "SHA512", 64},
    {"PS256", jws_family::rsa_pss, "SHA256", 32}, {"PS384", jws_family::rsa_pss, "SHA384", 48},
    {"PS512", jws_family::rsa_pss, "SHA512", 64}, {"ES256", jws_family::ecdsa, "SHA256", 32},
    {"ES384", jws_family::ecdsa, "SHA384", 48},   {"EdDSA", jws_family::eddsa, nullptr, 64},
};

constexpr const jws_algorithm_row& row(jws_algorithm a) noexcept {
    return jws_algorithms[static_cast<std::size_t>(a)];
}

constexpr std::optional<jws_algorithm> jws_algorithm_of(std::string_view name) noexcept {
    for (std::size_t i = 0; i < std::size(jws_algorithms); ++i)
        if (jws_algorithms[i].name == name) return static_cast<jws_algorithm>(i);
    return {};
}

/// A set of algorithms.
class algorithm_set {
public:
    constexpr algorithm_set() = default;
    constexpr algorithm_set(std::initializer_list<jws_algorithm> all) noexcept {
        for (const auto a : all) add(a);
    }

    constexpr void add(jws_algorithm a) noexcept { bits_ = static_cast<std::uint16_t>(bits_ | bit(a)); }
    constexpr bool contains(jws_algorithm a) const noexcept { return (bits_ & bit(a)) != 0; }
    constexpr bool empty() const noexcept { return bits_ == 0; }

private:
    static constexpr unsigned bit(jws_algorithm a) noexcept { return 1u << static_cast<unsigned>(a); }

    std::uint16_t bits_ = 0;
};

template <auto Free>
struct evp_free {
    void operator()(auto* p) const noexcept { Free(p); }
};

using evp_key_ptr = std::unique_ptr<EVP_PKEY, evp_free<EVP_PKEY_free>>;
using evp_digest_ptr = std::unique_ptr<EVP_MD_CTX, evp_free<EVP_MD_CTX_free>>;
using big_number_ptr = std::unique_ptr<BIGNUM, evp_free<BN_free>>;
using ecdsa_signature_ptr = std::unique_ptr<ECDSA_SIG, evp_free<ECDSA_SIG_free>>;

inline const unsigned char* octets(std::string_view s) noexcept {
    return reinterpret_cast<const unsigned char*>(s.data());
}

/// A digest of `text`: its bytes; empty on failure.
inline std::string digest_of(const char* name, std::string_view text) {
    unsigned char room[EVP_MAX_MD_SIZE];
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, name, nullptr, text.data(), text.size(), room, &size) != 1) return {};
    return {reinterpret_cast<const char*>(room), size};
}

/// The DER form of an ECDSA signature that is two numbers of `size` bytes each (RFC 7518, section 3.4).
inline std::string der_of_ecdsa(std::string_view raw, std::size_t size) {
    if (raw.size() != 2 * size) return {};
    const auto bytes = static_cast<int>(size);
    big_number_ptr r{BN_bin2bn(octets(raw), bytes, nullptr)},
        s{BN_bin2bn(octets(raw) + size, bytes, nullptr)};
    const ecdsa_signature_ptr both{ECDSA_SIG_new()};
    if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
    static_cast<void>(r.release()), static_cast<void>(s.release()); // they belong to `both` now
    unsigned char* der = nullptr;
    const int length = i2d_ECDSA_SIG(both.get(), &der);
    if (length <= 0) return {};
    std::string out{reinterpret_cast<const char*>(der), static_cast<std::size_t>(length)};
    OPENSSL_free(der);
    return out;
}

/// Sets the padding of RSA-PSS: the salt is as long as the digest (RFC 7518, section 3.5).
inline bool use_pss(EVP_PKEY_CTX* context) noexcept {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/** A key that verifies. It is a secret or a public key, never both, and it names its algorithms. So a public
 *  key is never the secret of an HMAC. Copies share the key. Thread-safe. */
class token_key {
public:
    /// A secret for HMAC. An algorithm for which the secret is shorter than its digest is left out (RFC 7518,
    /// section 3.2).
    static token_key of_secret(std::string secret, std::string id = {}) {
        token_key k;
        k.id_ = std::move(id);
        for (const auto a : {jws_algorithm::hs256, jws_algorithm::hs384, jws_algorithm::hs512})
            if (secret.size() >= row(a).size) k.allowed_.add(a);
        k.secret_ = {new std::string{std::move(secret)}, [](std::string* s) {
                         OPENSSL_cleanse(s->data(), s->size());
                         delete s;
                     }};
        return k;
    }

    /// A public key. For a key that cannot be used, `why` has the reason; the key then allows nothing.
    static token_key of_public(evp_key_ptr key, std::string& why, std::string id = {}) {
        using enum jws_algorithm;
        token_key k;
        k.id_ = std::move(id);
        const int bits = EVP_PKEY_get_bits(key.get());
        if (EVP_PKEY_is_a(key.get(), "RSA")) {
            if (bits < 2048 || bits > 8192)
                why = "an RSA key has " + std::to_string(bits) + " bits, not 2048 to 8192";
            else
                k.allowed_ = {rs256, rs384, rs512, ps256, ps384, ps512};
        } else if (EVP_PKEY_is_a(key.get(), "ED25519")) {
            k.allowed_ = {eddsa};
        } else if (EVP_PKEY_is_a(key.get(), "EC")) {
            char name[32];
            std::size_t size = 0;
            const bool named = EVP_PKEY_get_group_name(key.get(), name, sizeof name, &size) == 1;
            const std::string_view curve{name, named ? size : 0};
            if (curve == "prime256v1" || curve == "P-256") k.allowed_ = {es256};
            if (curve == "secp384r1" || curve == "P-384") k.allowed_ = {es384};
            if (k.allowed_.empty()) why = "an EC key is on neither P-256 nor P-384";
        } else {
            why = "a key is neither RSA, EC nor Ed25519";
        }
        k.public_ = std::shared_ptr<EVP_PKEY>{std::move(key)};
        return k;
    }

    /// The id of the key; empty = it has none.
    const std::string& id() const noexcept { return id_; }

    bool allows(jws_algorithm a) const noexcept { return allowed_.contains(a); }
    bool allows_any() const noexcept { return !allowed_.empty(); }

    /// Keeps only the algorithm `a`, if the key allows it; else none.
    void allow_only(jws_algorithm a) noexcept { allowed_ = allows(a) ? algorithm_set{a} : algorithm_set{}; }

    /// Whether `signature` signs `text` by an algorithm that the key allows.
    bool verifies(jws_algorithm a, std::string_view text, std::string_view signature) const {
        if (!allows(a)) return false;
        return row(a).family == jws_family::hmac ? verifies_secret(a, text, signature)
                                                 : verifies_public(a, text, signature);
    }

private:
    token_key() = default;

    bool verifies_secret(jws_algorithm a, std::string_view text, std::string_view signature) const {
        if (!secret_ || signature.size() != row(a).size) return false;
        const auto wanted = hmac_of(row(a).digest, *secret_, text);
        return wanted.size() == signature.size() &&
               CRYPTO_memcmp(wanted.data(), signature.data(), wanted.size()) == 0;
    }

    bool verifies_public(jws_algorithm a, std::string_view text, std::string_view signature) const {
        if (!public_) return false;
        std::string der;
        if (row(a).family == jws_family::ecdsa) {
            der = der_of_ecdsa(signature, a == jws_algorithm::es256 ? 32 : 48);
            if (der.empty()) return false;
            signature = der;
        }
        const evp_digest_ptr context{EVP_MD_CTX_new()};
        EVP_PKEY_CTX* inner = nullptr; // belongs to the context
        const bool sound = context &&
                           EVP_DigestVerifyInit_ex(context.get(), &inner, row(a).digest, nullptr, nullptr,
                                                   public_.get(), nullptr) == 1 &&
                           (row(a).family != jws_family::rsa_pss || use_pss(inner)) &&
                           EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(text),
                                            text.size()) == 1;
        ERR_clear_error(); // a wrong signature leaves errors behind, which others would read
        return sound;
    }

    std::string id_;
    algorithm_set allowed_;
    std::shared_ptr<const std::string> secret_;
    std::shared_ptr<EVP_PKEY> public_;
};

} // namespace sigfire::inline v0_1::detail
