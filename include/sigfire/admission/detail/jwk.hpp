// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/admission/detail/token_key.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/// Reads keys: JWK and JWK Set (RFC 7517), PEM (RFC 7468) and secrets.
namespace sigfire::inline v0_1::detail {

/// Most keys of a set.
inline constexpr std::size_t most_keys = 64;

using params_builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, evp_free<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, evp_free<OSSL_PARAM_free>>;
using key_context_ptr = std::unique_ptr<EVP_PKEY_CTX, evp_free<EVP_PKEY_CTX_free>>;
using bio_chain_ptr = std::unique_ptr<BIO, evp_free<BIO_free_all>>;

/// Makes a key of its parts. `selection` is `EVP_PKEY_PUBLIC_KEY` or `EVP_PKEY_KEYPAIR`.
inline evp_key_ptr key_of_parts(const char* type, const params_builder_ptr& builder, int selection) {
    const params_ptr parts{OSSL_PARAM_BLD_to_param(builder.get())};
    const key_context_ptr context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
    EVP_PKEY* key = nullptr;
    if (!parts || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, selection, parts.get()) != 1)
        return {};
    return evp_key_ptr{key};
}

/// An RSA key (RFC 7518, section 6.3.1).
inline evp_key_ptr rsa_key(std::string_view n, std::string_view e) {
    if (n.empty() || n.size() > 1024 || e.empty() || e.size() > 8) return {};
    const big_number_ptr modulus{BN_bin2bn(octets(n), static_cast<int>(n.size()), nullptr)},
        exponent{BN_bin2bn(octets(e), static_cast<int>(e.size()), nullptr)};
    const params_builder_ptr builder{OSSL_PARAM_BLD_new()};
    if (!modulus || !exponent || !builder || BN_is_odd(exponent.get()) == 0 ||
        BN_is_one(exponent.get()) != 0 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return {};
    return key_of_parts("RSA", builder, EVP_PKEY_PUBLIC_KEY);
}

/// An EC key (RFC 7518, section 6.2). `d` is the private number of `size` bytes; empty = a public key.
/// OpenSSL refuses a point that is not on the curve.
inline evp_key_ptr ec_key(const char* group, std::size_t size, std::string_view x, std::string_view y,
                          std::string_view d = {}) {
    if (x.size() != size || y.size() != size || (!d.empty() && d.size() != size)) return {};
    const auto point = '\x04' + std::string{x} + std::string{y};
    const big_number_ptr secret{d.empty() ? nullptr
                                          : BN_bin2bn(octets(d), static_cast<int>(d.size()), nullptr)};
    const params_builder_ptr builder{OSSL_PARAM_BLD_new()};
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1 ||
        (secret && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) != 1))
        return {};
    return key_of_parts("EC", builder, d.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR);
}

inline evp_key_ptr ed25519_key(std::string_view x) {
    if (x.size() != 32) return {};
    return evp_key_ptr{EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets(x), x.size())};
}

/// The bytes of a member in base64url; empty if it is missing, or no base64url.
inline std::string jwk_bytes(const json_fields& jwk, std::string_view name) {
    std::string text;
    if (!jwk.text(name, text)) return {};
    return base64url_decoded(text).value_or(std::string{});
}

/** The public key, or the secret, of a JWK. Nothing if it is not for signatures, is private or cannot be
 *  used; `why` then says why. A member `alg` limits the key to that algorithm. */
inline std::optional<token_key> key_of_jwk(const json_fields& jwk, std::string& why) {
    std::string type, curve, id, use, name;
    std::vector<std::string> operations;
    const auto refuse = [&why](const char* what) {
        why = what;
        return std::nullopt;
    };
    if (!jwk.text("kty", type) || !jwk.text("crv", curve) || !jwk.text("kid", id) || !jwk.text("use", use) ||
        !jwk.text("alg", name) || !jwk.texts("key_ops", operations, 16) || id.size() > 256)
        return refuse("a member of a JWK has the wrong type");
    if (!use.empty() && use != "sig") return refuse("a JWK is not for signatures (use)");
    if (jwk.has("key_ops") && std::find(operations.begin(), operations.end(), "verify") == operations.end())
        return refuse("a JWK is not for signatures (key_ops)");
    std::optional<jws_algorithm> only;
    if (jwk.has("alg") && !(only = jws_algorithm_of(name)))
        return refuse("a JWK has an unknown algorithm (alg)");

    std::optional<token_key> key;
    if (type == "oct") {
        auto secret = jwk_bytes(jwk, "k");
        if (secret.size() < 32) return refuse("a secret has less than 32 bytes");
        key = token_key::of_secret(std::move(secret), id);
    } else {
        // A server that only verifies needs no private key, and a leaked one is no key any more.
        if (jwk.has("d")) return refuse("a JWK is a private key: give the server the public key");
        evp_key_ptr made;
        if (type == "RSA")
            made = rsa_key(jwk_bytes(jwk, "n"), jwk_bytes(jwk, "e"));
        else if (type == "EC" && curve == "P-256")
            made = ec_key("P-256", 32, jwk_bytes(jwk, "x"), jwk_bytes(jwk, "y"));
        else if (type == "EC" && curve == "P-384")
            made = ec_key("P-384", 48, jwk_bytes(jwk, "x"), jwk_bytes(jwk, "y"));
        else if (type == "OKP" && curve == "Ed25519")
            made = ed25519_key(jwk_bytes(jwk, "x"));
        else
            return refuse("a JWK has an unknown type (kty, crv)");
        ERR_clear_error();
        if (!made) return refuse("a JWK is no valid key");
        key = token_key::of_public(std::move(made), why, id);
    }
    if (only) key->allow_only(*only);
    if (key->allows_any()) return key;
    if (why.empty()) why = "a JWK has an algorithm that does not fit the key (alg)";
    return {};
}

/// The keys of a PEM text, `PUBLIC KEY` or `RSA PUBLIC KEY`; other blocks do not count. Empty on failure;
/// `why` then says why.
inline std::vector<token_key> keys_of_pem(const std::string& text, std::string& why) {
    const bio_chain_ptr in{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
    ERR_clear_error();
    std::vector<token_key> out;
    const auto refuse = [&](const char* what) {
        if (why.empty()) why = what;
        ERR_clear_error();
        return std::vector<token_key>{};
    };
    if (text.find("PRIVATE KEY-----") != text.npos)
        return refuse("it contains a private key: give the server the public key (openssl pkey -pubout)");
    char *name = nullptr, *header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    while (PEM_read_bio(in.get(), &name, &header, &data, &size) == 1) {
        const std::string kind{name};
        const unsigned char* p = data;
        const bool is_key = kind == PEM_STRING_PUBLIC, is_rsa = kind == PEM_STRING_RSA_PUBLIC;
        evp_key_ptr key{is_key   ? d2i_PUBKEY(nullptr, &p, size)
                        : is_rsa ? d2i_PublicKey(EVP_PKEY_RSA, nullptr, &p, size)
                                 : nullptr};
        OPENSSL_free(name), OPENSSL_free(header), OPENSSL_free(data);
        if (!is_key && !is_rsa) continue;
        if (!key) return refuse("it contains a broken public key");
        auto made = token_key::of_public(std::move(key), why);
        if (!made.allows_any()) return refuse("it contains a key that cannot be used");
        if (out.size() == most_keys) return refuse("it contains more than 64 keys");
        out.push_back(std::move(made));
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return refuse("it contains a broken public key");
    ERR_clear_error();
    if (!out.empty()) return out;
    return refuse("it contains no public key");
}

/// Whether `bytes` are a public key or a certificate, in DER. Such bytes are known to others, so they are no
/// secret.
inline bool is_public_der(std::string_view bytes) {
    const auto* p = octets(bytes);
    const auto size = static_cast<long>(bytes.size());
    const evp_key_ptr key{d2i_PUBKEY(nullptr, &p, size)};
    p = octets(bytes);
    const std::unique_ptr<X509, evp_free<X509_free>> certificate{d2i_X509(nullptr, &p, size)};
    p = octets(bytes);
    const evp_key_ptr bare{d2i_PublicKey(EVP_PKEY_RSA, nullptr, &p, size)}; // PKCS #1
    ERR_clear_error();
    return key || certificate || bare;
}

/// The same for bytes that are base64 of DER, with line breaks or without.
inline bool is_public_text(std::string_view text) {
    if (text.starts_with("ssh-") || text.starts_with("ecdsa-")) return true;
    std::string bare;
    for (char c : text) {
        if (c == '\n' || c == '\r' || c == ' ' || c == '=') continue;
        bare += c == '+' ? '-' : c == '/' ? '_' : c;
    }
    const auto bytes = base64url_decoded(bare);
    return bytes && is_public_der(*bytes);
}

/// The keys of a JWK or a JWK Set. A set may contain keys that cannot be used: they are left out.
inline std::vector<token_key> keys_of_json(std::string_view text, std::string& why) {
    std::vector<token_key> out;
    const auto fields = json_fields::read(text);
    if (!fields) {
        why = "it is no JSON object, or has a member twice";
        return out;
    }
    const auto list = fields->raw("keys");
    if (list.empty()) {
        if (auto key = key_of_jwk(*fields, why)) out.push_back(*std::move(key));
        return out;
    }
    if (list.front() != '[') {
        why = "its member 'keys' is no list";
        return out;
    }
    std::size_t count = 0;
    json_elements(list, [&](std::string_view element) {
        if (++count > most_keys) return;
        const auto jwk = json_fields::read(element);
        std::string reason = "a key is no JSON object, or has a member twice";
        if (jwk) reason.clear();
        if (auto key = jwk ? key_of_jwk(*jwk, reason) : std::nullopt) out.push_back(*std::move(key));
        if (why.empty()) why = reason;
    });
    if (count > most_keys) {
        out.clear();
        why = "it contains more than 64 keys";
    } else if (count == 0) {
        why = "it contains no key";
    }
    return out;
}

/** The keys of a text: PEM if it contains `-----BEGIN`, JSON if it begins with a brace, else a secret. One
 *  line break at the end of a secret does not count. Empty on failure; `why` then says why. */
inline std::vector<token_key> keys_of_text(const std::string& text, std::string& why) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.find("-----BEGIN") != text.npos) return keys_of_pem(text, why);
    std::string_view rest = text;
    if (rest.starts_with(byte_order_mark)) rest.remove_prefix(byte_order_mark.size());
    const auto start = rest.find_first_not_of(" \t\r\n");
    if (start != rest.npos && rest[start] == '{') return keys_of_json(rest, why);
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    if (rest.size() < 32) {
        why = "a secret has less than 32 bytes";
        return {};
    }
    if (is_public_der(text) || is_public_text(rest)) {
        why = "it is a public key or a certificate, but neither PEM nor JWK";
        return {};
    }
    return {token_key::of_secret(std::string{rest})};
}

} // namespace sigfire::inline v0_1::detail
