// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/admission/detail/jws.hpp>
#include <sigfire/admission/detail/token_key.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/admission/token_verifier.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `jwt_verifier`.
struct jwt_verifier_options {
    /// Accepted issuers (`iss`); empty = any issuer, also none.
    std::vector<std::string> issuers = {};
    /// Names of this server. A token needs one of them in `aud`. Empty = only tokens without `aud`.
    std::vector<std::string> audiences = {};
    /// Largest difference between the clocks of issuer and server, in seconds. It counts for `exp`, `nbf`,
    /// `iat`.
    std::chrono::seconds leeway{60};
    /// Whether a token needs `exp`.
    bool needs_expiry = true;
    /// Longest time since `iat`, in seconds; a token then needs `iat`. 0 = no limit.
    std::chrono::seconds longest_age{0};
    /// Accepted values of `typ`; a token without `typ` is accepted too. So a token for another purpose, such
    /// as `dpop+jwt`, is not accepted here (RFC 8725, section 3.11).
    std::vector<std::string> types = {"JWT", "at+jwt"};
};

namespace detail {

/// Whether `aud` of the claims, a text or a list of texts, has one of `wanted`. Nothing if the claim has
/// another type.
inline std::optional<bool> is_for(const json_fields& claims, const std::vector<std::string>& wanted) {
    std::vector<std::string> named;
    if (claims.raw("aud").starts_with('[')) {
        if (!claims.texts("aud", named, 64)) return {};
    } else {
        named.emplace_back();
        if (!claims.text("aud", named.front())) return {};
    }
    return std::any_of(named.begin(), named.end(), [&](const std::string& name) {
        return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
    });
}

} // namespace detail

/** Verifies JSON Web Tokens (RFC 7519, RFC 8725) signed by a key of a `key_set`. Models TokenVerifier. Needs
 *  OpenSSL 3 (CMake target `sigfire::tls`).
 *
 *  Algorithms: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA (Ed25519).
 *  The key decides; see `key_set`. A token has at most 8,192 bytes. A key with the `kid` of the token is
 *  tried first; keys without an id are tried for each token. For a token without `kid`, every key is tried.
 *
 *  Refused: `none`; a header with `crit` or `jwk`; a member that occurs twice; base64url with padding or
 *  excess bits; encrypted tokens.
 *
 *  Thread safety: `verify` is thread-safe. Copies share the keys. */
class jwt_verifier {
public:
    /// Takes the keys and the settings.
    explicit jwt_verifier(key_set keys, jwt_verifier_options options = {})
        : keys_(std::move(keys)), options_(std::move(options)) {}

    /// The verified token, or a `token_fault`.
    result<verified_token> verify(std::string_view token, utc_time now) const {
        const auto parts = detail::read_jws(token);
        if (!parts) return parts.error();
        if (!parts->jwk.empty() || !is_accepted_type(parts->type)) return token_fault::unsupported;
        if (const auto fault = check_signature(*parts)) return *fault;
        return check_claims(parts->payload, now);
    }

    /// The keys.
    const key_set& keys() const noexcept { return keys_; }

private:
    bool is_accepted_type(std::string_view type) const {
        return type.empty() || std::any_of(options_.types.begin(), options_.types.end(),
                                           [&](const auto& t) { return detail::is_token_type(type, t); });
    }

    std::optional<token_fault> check_signature(const detail::jws& token) const {
        const auto algorithm = detail::jws_algorithm_of(token.algorithm);
        if (!algorithm) return token_fault::algorithm;
        bool known = false, allowed = false;
        const auto keys = keys_.keys();
        for (const auto& key : *keys) {
            if (!token.key_id.empty() && !key.id().empty() && key.id() != token.key_id) continue;
            known = true;
            if (!key.allows(*algorithm)) continue;
            allowed = true;
            if (key.verifies(*algorithm, token.signed_part, token.signature)) return {};
        }
        if (!known) return token_fault::unknown_key;
        return allowed ? token_fault::bad_signature : token_fault::algorithm;
    }

    result<verified_token> check_claims(const std::string& payload, utc_time now) const {
        const auto claims = detail::json_fields::read(payload);
        verified_token out;
        std::optional<utc_time> expires, begins, issued;
        if (!claims || !claims->text("iss", out.issuer) || !claims->text("sub", out.subject) ||
            !claims->text("jti", out.token_id) || !claims->time("exp", expires) ||
            !claims->time("nbf", begins) || !claims->time("iat", issued))
            return token_fault::malformed;
        const auto named = detail::is_for(*claims, options_.audiences);
        if (!named) return token_fault::malformed;
        const auto& issuers = options_.issuers;
        if (!issuers.empty() && std::find(issuers.begin(), issuers.end(), out.issuer) == issuers.end())
            return claims->has("iss") ? token_fault::issuer : token_fault::missing_claim;
        if (claims->has("aud") ? !*named : !options_.audiences.empty())
            return claims->has("aud") ? token_fault::audience : token_fault::missing_claim;
        const bool aged = options_.longest_age.count() > 0;
        if ((!expires && options_.needs_expiry) || (!issued && aged)) return token_fault::missing_claim;
        if (expires && now >= *expires + options_.leeway) return token_fault::expired;
        if (begins && now + options_.leeway < *begins) return token_fault::not_yet;
        if (issued && now + options_.leeway < *issued) return token_fault::not_yet;
        if (aged && now >= *issued + options_.longest_age + options_.leeway) return token_fault::expired;
        if (expires) out.expires = *expires + options_.leeway;
        out.claims = payload;
        return out;
    }

    key_set keys_;
    jwt_verifier_options options_;
};

static_assert(TokenVerifier<jwt_verifier>, "sigfire: TokenVerifier requirements not met");

} // namespace sigfire::inline v0_1
