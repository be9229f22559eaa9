// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <concepts>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/** Renewer: decides whether a fresh token renews the admission of a peer. `jwt` is one.
 *
 *  `r.renew(token, held, terms)` gets the notes that the peer has, or null. Result `ok`: `terms.attached` has
 *  the notes that replace notes of the same type, and `terms.valid_for` the new validity. Any other result is
 *  the cause of the refusal; then `terms.refused_as`, if set, has its text. Law: a token for another subject
 *  is refused. */
template <class R>
concept Renewer =
    std::movable<R> && requires(R& r, std::string_view token, const notes* held, admission& terms) {
        { r.renew(token, held, terms) } -> std::same_as<errc>;
    };

/** Lets a peer stay longer than its token. A part of a server, and of a hub.
 *
 *      sigfire::jwt gate{...};
 *      sigfire::server srv{sigfire::websocket{io}, sigfire::hooks{gate}, sigfire::renewal{gate}};
 *
 *  The peer sends a fresh token by `event::authenticate`; on sigfire's own wire the command is
 *  `authenticate`. If the token is valid and for the same peer, its grants and its validity replace the old
 *  ones. Otherwise the reply is a failure and nothing changes. The id and the record of the peer stay as they
 *  are. A peer that is not renewed in time ends with `expired`. */
template <class R>
class renewal : public feature {
    static_assert(Renewer<R>,
                  "sigfire: renewal needs a Renewer: errc renew(std::string_view token, const notes* "
                  "held, admission& terms)");

public:
    /// Takes the renewer: a copy of the hook that admits the peers.
    explicit renewal(R renewer) : renewer_(std::move(renewer)) {}

    /// Replies `ok`, or the cause for which the token is refused: `denied`, `expired`, `malformed` or `full`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::authenticate& e) {
        const auto* const held = hub.notes_of(from);
        admission terms;
        if (held != nullptr) terms.attached = *held;
        const errc cause = renewer_.renew(e.proof, held, terms);
        event::reply said;
        said.token = e.token;
        said.cause = cause == errc::overloaded                ? errc::full
                     : is_verdict(cause) && cause != errc::ok ? errc::denied
                                                              : cause;
        if (cause == errc::ok)
            hub.renew(from, terms);
        else if (terms.refused_as)
            said.text = terms.refused_as->text;
        hub.reply(from, said);
    }

private:
    R renewer_;
};

} // namespace sigfire::inline v0_1
