// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sigfire {

/** Lets in a connection that brings a token: `Authorization: Bearer TOKEN` (RFC 6750, 2.1) or, since a page
 *  in a browser cannot set that header, `?token=TOKEN`; the header counts if there are both. Models Hook.
 *
 *  `Check` is `bool(std::string_view token)` or `bool(std::string_view token, admission&)`; the latter may
 * set the peer's id and notes. It is not asked about an empty token. A connection that is not let in gets 401
 * `Missing or invalid token`; on a wire without HTTP a token comes by `hello`, see `tcp_options`. */
template <class Check>
class bearer {
    static_assert(std::is_invocable_r_v<bool, Check&, std::string_view, admission&> ||
                      std::is_invocable_r_v<bool, Check&, std::string_view>,
                  "sigfire: bearer needs a function bool(std::string_view token) or (token, admission&)");

public:
    explicit bearer(Check check) : check_(std::move(check)) {}

    errc on_admit(const request& r, admission& a) {
        const std::string token = token_of(r);
        if (!token.empty() && holds(token, a)) return errc::ok;
        a.refused_as = refusal{401, 4401, "Missing or invalid token"};
        return errc::denied;
    }

private:
    static std::string token_of(const request& r) {
        constexpr std::string_view scheme = "bearer ";
        const auto field = r["Authorization"];
        if (detail::equal_ignoring_case(field.substr(0, scheme.size()), scheme))
            return std::string{detail::trim(field.substr(scheme.size()))};
        return r.query("token");
    }

    bool holds(std::string_view token, admission& a) {
        if constexpr (std::is_invocable_v<Check&, std::string_view, admission&>)
            return check_(token, a);
        else
            return check_(token);
    }

    [[no_unique_address]] Check check_;
};

/** Gives each peer the id it asks for by a query parameter: `ws://host/?id=alice`. Models Hook. A peer that
 * asks for no id gets one of the hub's. Any peer can ask for any id that is free. Put a hook that checks
 * that, `bearer` say, in front, or use a hook of your own that sets `admission::id`; a deferred one may look
 * it up. */
class requested_id {
public:
    /// `permanent`: the record of such an id stays when its peer goes, where the hub has `records`.
    explicit requested_id(std::string parameter = "id", bool permanent = false)
        : parameter_(std::move(parameter)), permanent_(permanent) {}

    errc on_admit(const request& r, admission& a) {
        if (!a.id.empty()) return errc::ok; // a hook in front knows better
        a.id = r.query(parameter_);
        a.permanent = a.permanent || (permanent_ && !a.id.empty());
        return errc::ok;
    }

private:
    std::string parameter_;
    bool permanent_;
};

/** Gives each peer without an id one that `Generate`, a `std::string()`, makes: UTF-8, 1-256 bytes; an empty
 * one leaves it to the hub. Models Hook. Ids that can be guessed can be sent to by anybody. */
template <class Generate>
class generated_id {
    static_assert(std::is_invocable_r_v<std::string, Generate&>,
                  "sigfire: generated_id needs a function std::string()");

public:
    explicit generated_id(Generate generate) : generate_(std::move(generate)) {}

    errc on_admit(const request&, admission& a) {
        if (!a.id.empty()) return errc::ok;
        a.id = generate_();
        a.id_drawn = true;
        return errc::ok;
    }

private:
    [[no_unique_address]] Generate generate_;
};

} // namespace sigfire
