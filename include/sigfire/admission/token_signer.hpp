// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/admission/detail/jwk.hpp>
#include <sigfire/admission/detail/token_key.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/object.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/pem.h>

namespace sigfire::inline v0_1 {

/** Signs JSON Web Tokens, for tests and for small issuers. Needs OpenSSL 3 (CMake target `sigfire::tls`).
 *
 *  The text of the key is one of these:
 *  - PEM: a private key without a password, RSA, EC (P-256, P-384) or Ed25519
 *  - a JWK: a secret (`oct`), or a private EC or Ed25519 key
 *  - a secret for HMAC: any other text, without the line break at its end, 32 bytes or more
 *
 *  The algorithm is HS256, RS256, ES256, ES384 or EdDSA, as the key is; or `alg` of a JWK.
 *
 *  Thread safety: `sign` is thread-safe. Copies share the key. */
class token_signer {
public:
    /** Reads a key.
     *  @param key the text of the key
     *  @param algorithm name of the algorithm (`PS256`); empty = the one of the key
     *  @throws std::runtime_error if the key cannot be used; the text has the reason */
    explicit token_signer(const std::string& key, std::string_view algorithm = {}) {
        std::string why;
        if (!read(key, why) || !choose(algorithm, why)) {
            ERR_clear_error();
            throw std::runtime_error{"sigfire: the key cannot sign: " + why};
        }
    }

    /// The name of the algorithm: `HS256`.
    std::string_view algorithm() const noexcept { return detail::row(algorithm_).name; }

    /** Signs `claims`, a JSON object.
     *  @param claims the payload, not checked
     *  @param type `typ` of the header; empty = none
     *  @param jwk public key for the header, a JSON object; empty = none
     *  @returns the token; empty if OpenSSL fails */
    std::string sign(std::string_view claims, std::string_view type = "JWT",
                     std::string_view jwk = {}) const {
        detail::json_object header;
        header.text("alg", algorithm());
        if (!type.empty()) header.text("typ", type);
        if (!id_.empty()) header.text("kid", id_);
        header.json("jwk", jwk);
        return sign_with(header.take(), claims);
    }

    /// Signs `claims` under `header`, both JSON objects that are not checked: to make faulty tokens for
    /// tests.
    std::string sign_with(std::string_view header, std::string_view claims) const {
        auto token = detail::base64url(header) + '.' + detail::base64url(claims);
        const auto signature = signature_of(token);
        if (signature.empty()) return {};
        return token + '.' + detail::base64url(signature);
    }

    /// The public key as a JWK, of an EC or Ed25519 key; empty for another key.
    std::string public_jwk() const {
        using namespace detail;
        if (!key_) return {};
        json_object out;
        if (algorithm_ == jws_algorithm::eddsa) {
            unsigned char room[32];
            std::size_t size = sizeof room;
            if (EVP_PKEY_get_raw_public_key(key_.get(), room, &size) != 1) return {};
            out.text("crv", "Ed25519").text("kty", "OKP");
            out.text("x", base64url({reinterpret_cast<const char*>(room), size}));
            return out.take();
        }
        const std::size_t size = number_size();
        if (size == 0) return {};
        out.text("crv", size == 32 ? "P-256" : "P-384").text("kty", "EC");
        out.text("x", base64url(number(OSSL_PKEY_PARAM_EC_PUB_X, size)));
        out.text("y", base64url(number(OSSL_PKEY_PARAM_EC_PUB_Y, size)));
        return out.take();
    }

private:
    bool read(const std::string& text, std::string& why) {
        if (text.find("-----BEGIN") != text.npos) {
            const detail::bio_chain_ptr in{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
            const auto quiet = [](char*, int, int, void*) { return -1; };
            why = "the PEM text contains no private key without a password";
            return take(detail::evp_key_ptr{PEM_read_bio_PrivateKey(in.get(), nullptr, quiet, nullptr)}, why);
        }
        const auto start = text.find_first_not_of(" \t\r\n");
        if (start != text.npos && text[start] == '{') return read_jwk(text, why);
        std::string_view secret = text;
        if (secret.ends_with('\n')) secret.remove_suffix(1);
        if (secret.ends_with('\r')) secret.remove_suffix(1);
        return take(std::string{secret}, why);
    }

    bool read_jwk(std::string_view text, std::string& why) {
        using namespace detail;
        const auto jwk = json_fields::read(text);
        std::string type, curve, name;
        why = "it is no JWK with a secret, or with a private EC or Ed25519 key";
        if (!jwk || !jwk->text("kty", type) || !jwk->text("crv", curve) || !jwk->text("kid", id_) ||
            !jwk->text("alg", name))
            return false;
        const auto part = [&jwk](std::string_view of) { return jwk_bytes(*jwk, of); };
        if (type == "oct") return take(part("k"), why) && choose(name, why);
        const auto d = part("d");
        evp_key_ptr key;
        if (type == "EC" && curve == "P-256" && !d.empty())
            key = ec_key("P-256", 32, part("x"), part("y"), d);
        else if (type == "EC" && curve == "P-384" && !d.empty())
            key = ec_key("P-384", 48, part("x"), part("y"), d);
        else if (type == "OKP" && curve == "Ed25519" && d.size() == 32)
            key.reset(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, octets(d), d.size()));
        return take(std::move(key), why) && choose(name, why);
    }

    bool take(std::string secret, std::string& why) {
        if (secret.size() < 32) {
            why = "a secret has less than 32 bytes";
            return false;
        }
        secret_ = std::make_shared<const std::string>(secret);
        allowed_ = detail::token_key::of_secret(std::move(secret));
        algorithm_ = detail::jws_algorithm::hs256;
        return true;
    }

    bool take(detail::evp_key_ptr key, std::string& why) {
        using enum detail::jws_algorithm;
        if (!key) return false;
        EVP_PKEY_up_ref(key.get());
        key_ = {key.get(), EVP_PKEY_free};
        allowed_ = detail::token_key::of_public(std::move(key), why);
        for (const auto a : {rs256, es256, es384, eddsa})
            if (allowed_->allows(a)) algorithm_ = a;
        return allowed_->allows_any();
    }

    // Signs by the algorithm of that name from now on; an empty name changes nothing.
    bool choose(std::string_view name, std::string& why) {
        if (name.empty()) return true;
        const auto wanted = detail::jws_algorithm_of(name);
        if (!wanted || !allowed_->allows(*wanted)) {
            why = "the algorithm does not fit the key";
            return false;
        }
        algorithm_ = *wanted;
        return true;
    }

    std::size_t number_size() const noexcept {
        return algorithm_ == detail::jws_algorithm::es256   ? 32
               : algorithm_ == detail::jws_algorithm::es384 ? 48
                                                            : 0;
    }

    // A number of the key in `size` bytes.
    std::string number(const char* name, std::size_t size) const {
        BIGNUM* found = nullptr;
        if (EVP_PKEY_get_bn_param(key_.get(), name, &found) != 1) return {};
        const detail::big_number_ptr n{found};
        return bytes_of(n.get(), size);
    }

    static std::string bytes_of(const BIGNUM* n, std::size_t size) {
        std::string out(size, '\0');
        const auto wanted = static_cast<int>(size);
        if (BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), wanted) != wanted) return {};
        return out;
    }

    std::string signature_of(std::string_view text) const {
        using namespace detail;
        const auto& how = row(algorithm_);
        if (secret_) return hmac_of(how.digest, *secret_, text);
        const evp_digest_ptr context{EVP_MD_CTX_new()};
        EVP_PKEY_CTX* inner = nullptr; // belongs to the context
        std::size_t size = 0;
        if (!context ||
            EVP_DigestSignInit_ex(context.get(), &inner, how.digest, nullptr, nullptr, key_.get(), nullptr) !=
                1 ||
            (how.family == jws_family::rsa_pss && !use_pss(inner)) ||
            EVP_DigestSign(context.get(), nullptr, &size, octets(text), text.size()) != 1)
            return {};
        std::string out(size, '\0');
        if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, octets(text),
                           text.size()) != 1)
            return {};
        out.resize(size);
        return how.family == jws_family::ecdsa ? raw_of_ecdsa(out) : out;
    }

    std::string raw_of_ecdsa(std::string_view der) const {
        using namespace detail;
        const auto* p = octets(der);
        const ecdsa_signature_ptr both{d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(der.size()))};
        if (!both) return {};
        return bytes_of(ECDSA_SIG_get0_r(both.get()), number_size()) +
               bytes_of(ECDSA_SIG_get0_s(both.get()), number_size());
    }

    detail::jws_algorithm algorithm_ = detail::jws_algorithm::hs256;
    std::string id_;
    std::shared_ptr<const std::string> secret_;
    std::shared_ptr<EVP_PKEY> key_;
    std::optional<detail::token_key> allowed_; // says which algorithms fit
};

} // namespace sigfire::inline v0_1
