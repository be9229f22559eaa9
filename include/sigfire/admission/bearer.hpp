// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/token_source.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/** Admits connections with a valid token. Models Hook. `token_of` finds the token in the request.
 *
 *  `Check` is `bool(std::string_view token)` or `bool(std::string_view token, admission&)`. The second form
 *  may set id and notes of the peer. `bearer` does not call it for an empty token. A refused connection gets
 *  HTTP status 401, or close code 4401, with the text `Missing or invalid token`. */
template <class Check>
class bearer {
    static_assert(std::is_invocable_r_v<bool, Check&, std::string_view, admission&> ||
                      std::is_invocable_r_v<bool, Check&, std::string_view>,
                  "sigfire: bearer needs a function bool(std::string_view token) or (token, admission&)");

public:
    /// Takes the function that checks a token.
    explicit bearer(Check check) : check_(std::move(check)) {}

    /// Checks the token of the request: `ok`, or `denied`.
    errc on_admit(const request& r, admission& a) {
        const std::string token = token_of(r);
        if (!token.empty() && holds(token, a)) return errc::ok;
        a.refused_as = refusal{401, 4401, "Missing or invalid token"};
        return errc::denied;
    }

private:
    bool holds(std::string_view token, admission& a) {
        if constexpr (std::is_invocable_v<Check&, std::string_view, admission&>)
            return check_(token, a);
        else
            return check_(token);
    }

    [[no_unique_address]] Check check_;
};

/** Gives each peer the id of a query parameter: `ws://host/?id=alice`. Models Hook. Without the parameter,
 *  the hub draws an id.
 *
 *  Any peer can ask for any free id. Put a hook that checks the id, such as `bearer`, in front. Or use a hook
 *  of your own that sets `admission::id`; a deferred hook can query a database. */
class requested_id {
public:
    /// Sets the query parameter to read.
    /// @param parameter name of the query parameter
    /// @param permanent whether the record of a requested id stays after its peer, if the hub has `records`
    explicit requested_id(std::string parameter = "id", bool permanent = false)
        : parameter_(std::move(parameter)), permanent_(permanent) {}

    /// Sets `admission::id`, unless an earlier hook has set it. Returns `ok`.
    errc on_admit(const request& r, admission& a) {
        if (!a.id.empty()) return errc::ok; // an earlier hook has priority
        a.id = r.query(parameter_);
        a.permanent = a.permanent || (permanent_ && !a.id.empty());
        return errc::ok;
    }

private:
    std::string parameter_;
    bool permanent_;
};

/** Gives an id made by `Generate`, a `std::string()`, to each peer without an id. Models Hook.
 *
 *  The id has 1-256 bytes of UTF-8; for an empty one the hub draws the id. Anyone can send to an id that is
 *  easy to guess. */
template <class Generate>
class generated_id {
    static_assert(std::is_invocable_r_v<std::string, Generate&>,
                  "sigfire: generated_id needs a function std::string()");

public:
    /// Takes the function that makes an id.
    explicit generated_id(Generate generate) : generate_(std::move(generate)) {}

    /// Sets `admission::id` if it is empty. Returns `ok`.
    errc on_admit(const request&, admission& a) {
        if (!a.id.empty()) return errc::ok;
        a.id = generate_();
        a.id_generated = true;
        return errc::ok;
    }

private:
    [[no_unique_address]] Generate generate_;
};

} // namespace sigfire::inline v0_1
