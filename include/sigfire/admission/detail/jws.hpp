// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/admission/token_verifier.hpp>
#include <sigfire/core/request.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

/// The compact form of a JSON Web Signature (RFC 7515, section 7.1), taken apart. Nothing here verifies.
namespace sigfire::inline v0_1::detail {

/// Bytes of the longest token.
inline constexpr std::size_t longest_jws = 8192;

/// A token in parts. `signed_part` is a view of the token.
struct jws {
    std::string_view signed_part; ///< the bytes that the signature signs
    std::string payload, signature;
    std::string algorithm, key_id, type; ///< of the header
    std::string header;                  ///< JSON
    std::string jwk;                     ///< the public key in the header, JSON; empty = none
};

/** Takes a token apart. Faults: `malformed`; `algorithm` for `none` or no algorithm; `unsupported` for a
 *  header with `crit`. */
inline result<jws> read_jws(std::string_view token) {
    if (token.empty() || token.size() > longest_jws) return token_fault::malformed;
    const auto first = token.find('.');
    const auto second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return token_fault::malformed;
    auto header = base64url_decoded(token.substr(0, first));
    auto payload = base64url_decoded(token.substr(first + 1, second - first - 1));
    auto signature = base64url_decoded(token.substr(second + 1));
    if (!header || !payload || !signature) return token_fault::malformed;
    jws out;
    out.signed_part = token.substr(0, second);
    out.header = *std::move(header);
    out.payload = *std::move(payload);
    out.signature = *std::move(signature);
    const auto fields = json_fields::read(out.header);
    if (!fields || !fields->text("alg", out.algorithm) || !fields->text("kid", out.key_id) ||
        !fields->text("typ", out.type))
        return token_fault::malformed;
    if (fields->has("crit")) return token_fault::unsupported;
    if (out.algorithm.empty() || equal_ignoring_case(out.algorithm, "none")) return token_fault::algorithm;
    if (out.key_id.size() > 256) return token_fault::malformed;
    out.jwk = fields->raw("jwk");
    return out;
}

/// Whether `type`, the member `typ` of a header, names the media type `wanted`. Case does not count, and
/// `application/` may be missing (RFC 7515, section 4.1.9).
inline bool is_token_type(std::string_view type, std::string_view wanted) noexcept {
    constexpr std::string_view application = "application/";
    if (equal_ignoring_case(type.substr(0, application.size()), application))
        type.remove_prefix(application.size());
    return equal_ignoring_case(type, wanted);
}

} // namespace sigfire::inline v0_1::detail
