// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace sigfire::inline v0_1 {

/// A time in UTC, in milliseconds since 1970.
using utc_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// Why a token is refused. An `error_code` can hold a fault; its message never contains the token.
enum class token_fault : unsigned char {
    missing = 1,   ///< the request has no token
    malformed,     ///< not a token of this kind: wrong form, size, encoding or type of a claim
    algorithm,     ///< an algorithm that the key does not allow, or `none`
    unsupported,   ///< a header that asks for more than the verifier does: `crit`, `jwk`, another `typ`
    unknown_key,   ///< the verifier has no key with the id of the token; a key source may have the key
    bad_signature, ///< the signature does not belong to token and key
    expired,       ///< `exp` has passed, or the token is older than the server accepts
    not_yet,       ///< `nbf` or `iat` lies in the future
    missing_claim, ///< a claim that the server needs is missing
    issuer,        ///< another issuer
    audience,      ///< for another audience
    replayed,      ///< a token for one use, used before
    grants,        ///< the grants or the id in the token cannot be used
    identity,      ///< the token is for another peer
    busy,          ///< the server cannot check the token now
};

namespace detail {

struct token_fault_row {
    errc cause; // of the refusal
    const char* text;
};

inline constexpr token_fault_row token_fault_table[] = {
    {errc::denied, "Token Missing"},
    {errc::malformed, "Token Malformed"},
    {errc::denied, "Token Algorithm Not Allowed"},
    {errc::denied, "Token Header Not Supported"},
    {errc::denied, "Token Key Unknown"},
    {errc::denied, "Token Signature Invalid"},
    {errc::expired, "Token Expired"},
    {errc::denied, "Token Not Yet Valid"},
    {errc::denied, "Token Lacks a Claim"},
    {errc::denied, "Token of Another Issuer"},
    {errc::denied, "Token for Another Audience"},
    {errc::denied, "Token Used Before"},
    {errc::denied, "Token Grants Invalid"},
    {errc::denied, "Token for Another Peer"},
    {errc::overloaded, "Token Cannot Be Checked Now"},
};

constexpr const token_fault_row& row(token_fault f) noexcept {
    const auto i = static_cast<std::size_t>(f) - 1;
    return token_fault_table[i < std::size(token_fault_table) ? i : 1];
}

#ifdef __GNUC__ // the destructor of Boost's class is protected, but g++ warns
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#endif

struct token_category final : boost::system::error_category {
    constexpr token_category() noexcept : error_category{0x6f1c5b3a90e2d847} {}
    const char* name() const noexcept override { return "sigfire.token"; }
    std::string message(int v) const override { return row(static_cast<token_fault>(v)).text; }
};

#ifdef __GNUC__
#pragma GCC diagnostic pop
#endif

inline constexpr token_category token_category_instance{};

} // namespace detail

/// The text of `f`: English, ASCII, static storage.
constexpr std::string_view to_string(token_fault f) noexcept {
    return detail::row(f).text;
}

/// The cause with which the server refuses the connection or request: `denied`, `malformed`, `expired` or
/// `overloaded`.
constexpr errc cause_of(token_fault f) noexcept {
    return detail::row(f).cause;
}

/// Makes an `error_code` of a fault, for Boost.System.
inline error_code make_error_code(token_fault f) noexcept {
    return {static_cast<int>(f), detail::token_category_instance};
}

/// The fault in an `error_code`; `malformed` for a code of another category.
inline token_fault fault_of(const error_code& ec) noexcept {
    return ec.category() == detail::token_category_instance ? static_cast<token_fault>(ec.value())
                                                            : token_fault::malformed;
}

/// The verified claims of a token (RFC 7519, section 4.1).
struct verified_token {
    std::string issuer{};              ///< `iss`; empty = none
    std::string subject{};             ///< `sub`; empty = none
    std::string token_id{};            ///< `jti`; empty = none
    std::optional<utc_time> expires{}; ///< end of the validity, with the leeway; empty = none
    std::string claims{};              ///< all claims: a JSON object in UTF-8
};

/** TokenVerifier: verifies tokens for `jwt`. Write one to use another library or another kind of token.
 *
 *  `v.verify(token, now)` returns the verified token, or a `token_fault`. Laws:
 *  - It trusts the key, not the token: the key decides which algorithm is allowed.
 *  - A token with a wrong signature never gives a value.
 *  - `unknown_key` means that no key has the id of the token; a later call may succeed.
 *  - It decides by `now` alone, reads no clock, and stores nothing about a token.
 *  - It never throws because of a token, never blocks, and limits the size of a token.
 *  - Claims without a duplicate name and in UTF-8; a fault never contains the token. */
template <class V>
concept TokenVerifier = std::movable<V> && requires(V& v, std::string_view token, utc_time now) {
    { v.verify(token, now) } -> std::same_as<result<verified_token>>;
};

} // namespace sigfire::inline v0_1

/// @cond
template <>
struct boost::system::is_error_code_enum<sigfire::token_fault> : std::true_type {};
/// @endcond
