// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/admission/detail/jwk.hpp>
#include <sigfire/admission/detail/jws.hpp>
#include <sigfire/admission/detail/token_key.hpp>
#include <sigfire/admission/detail/used_tokens.hpp>
#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/token_source.hpp>
#include <sigfire/admission/token_verifier.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `self_signed`.
struct self_signed_options {
    /// Names of this server, at least one. A token needs one of them in `aud`, so it is of no use elsewhere.
    std::vector<std::string> audiences = {};
    /// Largest distance between `iat` and the clock of the server, in seconds, before and after.
    std::chrono::seconds window{60};
    /// Most ids of tokens that are remembered at a time. Beyond it, clients are refused with 503.
    std::size_t remembered_tokens = 100'000;
    /// Whether a refused client gets its WebSocket first, then close code 4401 instead of status 401. A page
    /// in a browser can read the close code only.
    bool refuse_after_upgrade = false;
    /// The time in UTC; empty = the clock of the system.
    std::function<utc_time()> now = {};
};

namespace detail {

/// The SHA-256 thumbprint of a public EC or Ed25519 key (RFC 7638), in base64url; empty for another key.
inline std::string jwk_thumbprint(const json_fields& jwk) {
    std::string type, curve, x, y;
    if (!jwk.text("kty", type) || !jwk.text("crv", curve) || !jwk.text("x", x) || !jwk.text("y", y))
        return {};
    std::string text = R"({"crv":")" + curve + R"(","kty":")" + type + R"(","x":")" + x + '"';
    if (type == "EC")
        text += R"(,"y":")" + y + '"';
    else if (type != "OKP")
        return {};
    return base64url(digest_of("SHA256", text + '}'));
}

} // namespace detail

/** Admits each client that proves a key of its own, and makes the key its id. Models Hook. Nobody issues
 *  tokens: the first client with a key has the id, and only that key gets it again. Needs OpenSSL 3 (CMake
 *  target `sigfire::tls`).
 *
 *  The client signs a token for each connection, a JWT in the manner of DPoP (RFC 9449, section 4):
 *  - header: `typ` is `self+jwt`, `alg` is `EdDSA` or `ES256`, `jwk` is the public key (Ed25519, P-256)
 *  - claims: `aud` names the server, `iat` is the time, `jti` a new random text of at most 128 bytes
 *
 *  The id of the peer is the thumbprint of the key (RFC 7638, SHA-256): 43 characters. It is verified, so the
 *  peer takes it over from a connection that hangs. The server accepts a `jti` of a key once. The places of
 *  the token and the refusals are those of `jwt`. Copies share the remembered ids. */
class self_signed {
public:
    /// Takes the settings.
    /// @throws std::invalid_argument without an audience
    explicit self_signed(self_signed_options options)
        : options_(std::move(options)),
          used_(std::make_shared<detail::used_tokens>(options_.remembered_tokens)) {
        if (options_.audiences.empty())
            throw std::invalid_argument("sigfire: self_signed needs a name of the server: set audiences");
    }

    /// Checks the token: `ok`, or a cause.
    errc on_admit(const request& r, admission& a) {
        const auto token = token_of(r);
        if (token.empty()) return refuse(a, token_fault::missing);
        std::string id;
        grants rights;
        if (const auto fault = judge(token, id, rights)) return refuse(a, *fault);
        if (!a.id.empty() && !a.id_generated && a.id != id) return refuse(a, token_fault::identity);
        a.id = id;
        a.id_verified = true;
        a.id_generated = false;
        a.attached.put(std::move(rights));
        return errc::ok;
    }

private:
    errc refuse(admission& a, token_fault fault) const {
        return detail::refuse_token(a, fault, options_.refuse_after_upgrade);
    }

    std::optional<token_fault> judge(std::string_view token, std::string& id, grants& rights) const {
        const utc_time now = options_.now ? options_.now() : detail::system_utc();
        const auto parts = detail::read_jws(token);
        if (!parts) return fault_of(parts.error());
        const auto jwk = detail::json_fields::read(parts->jwk);
        if (!detail::is_token_type(parts->type, "self+jwt") || !jwk) return token_fault::unsupported;
        const auto algorithm = detail::jws_algorithm_of(parts->algorithm);
        using enum detail::jws_algorithm;
        if (algorithm != eddsa && algorithm != es256) return token_fault::algorithm;
        std::string why;
        const auto key = detail::key_of_jwk(*jwk, why);
        if (!key) return token_fault::unsupported;
        if (!key->allows(*algorithm)) return token_fault::algorithm;
        if (!key->verifies(*algorithm, parts->signed_part, parts->signature))
            return token_fault::bad_signature;
        return check_claims(parts->payload, detail::jwk_thumbprint(*jwk), now, id, rights);
    }

    std::optional<token_fault> check_claims(const std::string& payload, std::string thumbprint, utc_time now,
                                            std::string& id, grants& rights) const {
        const auto claims = detail::json_fields::read(payload);
        std::optional<utc_time> issued;
        std::string number;
        if (!claims || !claims->text("jti", number) || !claims->time("iat", issued))
            return token_fault::malformed;
        if (!issued || number.empty() || !claims->has("aud")) return token_fault::missing_claim;
        if (number.size() > 128) return token_fault::malformed;
        const auto named = detail::is_for(*claims, options_.audiences);
        if (!named) return token_fault::malformed;
        if (!*named) return token_fault::audience;
        if (now >= *issued + options_.window) return token_fault::expired;
        if (now + options_.window < *issued) return token_fault::not_yet;
        using answer = detail::used_tokens::answer;
        const auto taken = used_->take(thumbprint + number, *issued + options_.window, now);
        if (taken == answer::used) return token_fault::replayed;
        if (taken == answer::full) return token_fault::busy;
        rights.subject = rights.id = thumbprint;
        rights.token_id = std::move(number);
        id = std::move(thumbprint);
        return {};
    }

    self_signed_options options_;
    std::shared_ptr<detail::used_tokens> used_;
};

} // namespace sigfire::inline v0_1
