// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/jws.hpp>
#include <sigfire/admission/detail/pending_admissions.hpp>
#include <sigfire/admission/detail/used_tokens.hpp>
#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/key_source.hpp>
#include <sigfire/admission/token_source.hpp>
#include <sigfire/admission/token_verifier.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/message_context.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `jwt`.
struct jwt_options {
    /// Whether `sub` is the id of the peer, if the grants have no `id`.
    bool subject_is_id = true;
    /// Name of the claim with the grants.
    std::string claim = "sigfire";
    /// Whether a token is good for one connection or renewal. It then needs `jti` and `exp`.
    bool single_use = false;
    /// Most ids of tokens for one use that are remembered at a time. Beyond it, clients are refused with 503.
    std::size_t remembered_tokens = 100'000;
    /// Whether a refused client gets its WebSocket first, then close code 4401 instead of status 401. A page
    /// in a browser can read the close code only.
    bool refuse_after_upgrade = false;
    /// The time in UTC; empty = the clock of the system.
    std::function<utc_time()> now = {};
};

namespace detail {

inline utc_time system_utc() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Refuses a connection because of its token.
inline errc refuse_token(admission& a, token_fault fault, bool after_upgrade = false) {
    const bool busy = cause_of(fault) == errc::overloaded;
    auto& how = a.refused_as.emplace();
    how.http_status = after_upgrade ? 0 : busy ? 503 : 401;
    how.close_code = busy ? 1013 : 4401;
    how.text = to_string(fault);
    if (busy) how.retry_after = std::chrono::seconds{10};
    return cause_of(fault);
}

/// The common part of `jwt` with and without a key source. Copies share the ids of used tokens.
template <class V>
class jwt_gate {
    static_assert(TokenVerifier<V>, "sigfire: jwt needs a TokenVerifier: result<verified_token> "
                                    "verify(std::string_view token, utc_time now)");

public:
    explicit jwt_gate(V verifier, jwt_options options)
        : verifier_(std::move(verifier)), options_(std::move(options)),
          used_(std::make_shared<used_tokens>(options_.remembered_tokens)) {}

    /** The renewal of the admission of a peer by a fresh token, see `renewal`. Puts the terms of the token
     *  into `a`: the grants and the validity. `held` are the notes of the peer; null = none.
     *  @returns `ok`, or the cause; then `a` has the text of the refusal in `refused_as` */
    errc renew(std::string_view token, const notes* held, admission& a) {
        const auto* const before = held == nullptr ? nullptr : held->find<grants>();
        if (before == nullptr) return refuse_token(a, token_fault::identity);
        terms fresh;
        if (const auto fault = judge(token, fresh)) return refuse_token(a, *fault);
        if (fresh.rights.issuer != before->issuer || fresh.rights.subject != before->subject ||
            fresh.rights.id != before->id)
            return refuse_token(a, token_fault::identity);
        if (const auto fault = spend(fresh)) return refuse_token(a, *fault);
        apply(std::move(fresh), a);
        return errc::ok;
    }

protected:
    struct terms {
        verified_token token;
        grants rights;
        utc_time now{};
    };

    errc admit(const request& r, admission& a) {
        const auto token = token_of(r);
        if (token.empty()) return refuse(a, token_fault::missing);
        terms fresh;
        auto fault = judge(token, fresh);
        if (fault) return fault == token_fault::unknown_key ? errc::unknown : refuse(a, *fault);
        const auto& id = fresh.rights.id;
        // The wire may ask for an id too: a peer that gets another one would not notice.
        if (!id.empty() && !a.id.empty() && !a.id_generated && a.id != id)
            return refuse(a, token_fault::identity);
        if ((fault = spend(fresh))) return refuse(a, *fault);
        if (!id.empty()) {
            a.id = id;
            a.id_verified = true;
            a.id_generated = false;
        }
        if (!fresh.rights.metadata.empty()) {
            a.metadata = fresh.rights.metadata;
            a.metadata_wire = wire_id::json;
        }
        apply(std::move(fresh), a);
        return errc::ok;
    }

    bool is_of_unknown_key(std::string_view token) {
        const auto got = verifier_.verify(token, now());
        return !got && fault_of(got.error()) == token_fault::unknown_key;
    }

    errc refuse(admission& a, token_fault fault) const {
        return refuse_token(a, fault, options_.refuse_after_upgrade);
    }

private:
    utc_time now() const { return options_.now ? options_.now() : system_utc(); }

    // Verifies a token and reads its grants.
    std::optional<token_fault> judge(std::string_view token, terms& out) {
        out.now = now();
        auto verified = verifier_.verify(token, out.now);
        if (!verified) return fault_of(verified.error());
        out.token = *std::move(verified);
        const auto claims = json_fields::read(out.token.claims);
        if (!claims) return token_fault::malformed;
        if (const auto claim = claims->raw(options_.claim); !claim.empty()) {
            auto rights = parse_grants(claim);
            if (!rights) return token_fault::grants;
            out.rights = *std::move(rights);
        }
        auto& g = out.rights;
        g.issuer = out.token.issuer;
        g.subject = out.token.subject;
        g.token_id = out.token.token_id;
        if (g.id.empty() && options_.subject_is_id) g.id = g.subject;
        if (!g.id.empty() && (g.id.size() > 256 || !is_utf8(g.id))) return token_fault::grants;
        return {};
    }

    // Takes a token for one use, once nothing else is wrong with it.
    std::optional<token_fault> spend(const terms& t) {
        if (!options_.single_use) return {};
        const auto& id = t.token.token_id;
        if (id.empty() || !t.token.expires) return token_fault::missing_claim;
        if (id.size() + t.token.issuer.size() > 512) return token_fault::malformed;
        using answer = used_tokens::answer;
        const auto taken = used_->take(t.token.issuer + '\0' + id, *t.token.expires, t.now);
        if (taken == answer::used) return token_fault::replayed;
        return taken == answer::full ? std::optional{token_fault::busy} : std::nullopt;
    }

    static void apply(terms&& t, admission& a) {
        if (t.token.expires) {
            const auto left = std::max(*t.token.expires - t.now, std::chrono::milliseconds{1});
            a.valid_for = a.valid_for.count() > 0 ? std::min(a.valid_for, left) : left;
        }
        a.attached.put(std::move(t.rights));
    }

    V verifier_;
    jwt_options options_;
    std::shared_ptr<used_tokens> used_;
};

/// Takes the place of a key source.
struct no_key_source {};

/// The id of the key of `token`; empty = it has none.
inline std::string key_id_of(std::string_view token) {
    const auto parts = read_jws(token);
    return parts ? parts->key_id : std::string{};
}

template <class S>
concept key_source_with_context = requires(S& s) { s.context(); };

/// `jwt` with a key source. With `Waits`, renewals wait for the source too.
template <class V, class S, bool Waits = key_source_with_context<S>>
class jwt_with_source : public jwt_gate<V> {
protected:
    jwt_with_source(V verifier, S source, jwt_options options)
        : jwt_gate<V>(std::move(verifier), std::move(options)), source_(std::move(source)) {}

    S source_;
};

template <class V, class S>
class jwt_with_source<V, S, true> : public jwt_with_source<V, S, false> {
public:
    /// Defers a fresh token with an unknown key until the source has ended. `renewal` then judges it.
    errc on_message(message_context& context, event::authenticate& e) {
        if (!this->is_of_unknown_key(e.proof)) return errc::ok;
        auto asked = std::make_shared<question>(key_id_of(e.proof), this->source_);
        if (asked->key.empty()) return errc::ok;
        asked->ticket.emplace(context.defer());
        asked->run.start(asked->source.context(), asked->source.fetch(asked->key),
                         [asked](errc, const std::optional<std::string>&) { asked->ticket->pass(); });
        return errc::deferred;
    }

protected:
    using jwt_with_source<V, S, false>::jwt_with_source;

private:
    // Lives until the source has ended, even after the server.
    struct question {
        question(std::string id, S from) : key(std::move(id)), source(std::move(from)) {}

        std::string key;
        S source;
        std::optional<deferral> ticket;
        awaited_run<decltype(std::declval<S&>().fetch(std::declval<const std::string&>()))> run;
    };
};

} // namespace detail

/** Admits connections with a valid token, such as a JSON Web Token (RFC 7519). Models Hook. `token_of` finds
 *  the token in the request; `Verifier` verifies it, see `jwt_verifier`.
 *
 *      sigfire::jwt gate{sigfire::jwt_verifier{sigfire::key_set{{"/etc/app/public.pem"}}}};
 *      sigfire::server srv{sigfire::websocket{io}, sigfire::hooks{gate}, sigfire::granted{}};
 *
 *  The claim `sigfire` has the grants, see `parse_grants`; a token without it permits everything. The id of
 *  the peer is `id` of the grants, or else `sub`. It belongs to the token: the peer takes it over at once. If
 *  the request asks for another id, the server refuses it. Without both, the hub draws an id.
 *
 *  The hub ends the connection with `expired` when the token expires; `renewal` lets the peer send a fresh
 *  token before. A refused client gets status 401, or close code 4401, and the text of a `token_fault`.
 *
 *  With a `Source`, a token with an unknown key makes its connection wait for the source, see KeySource. Then
 *  the token is verified again. If the source has `context()`, a renewal waits too.
 *
 *  Copies share keys and used tokens, so each thread of a server can have a copy. */
template <class Verifier, class Source = detail::no_key_source>
class jwt : public detail::jwt_with_source<Verifier, Source> {
    static_assert(KeySource<Source>,
                  "sigfire: jwt needs a KeySource: awaitable<errc> fetch(const std::string& "
                  "kid)");

    using gate = detail::jwt_with_source<Verifier, Source>;
    using answer = decltype(std::declval<Source&>().fetch(std::declval<const std::string&>()));

public:
    /// Takes the verifier, the source of keys that it does not know, and the settings.
    jwt(Verifier verifier, Source source, jwt_options options = {})
        : gate(std::move(verifier), std::move(source), std::move(options)) {}

    /// Checks the token: `ok`, a cause, or `deferred` if its key is not known.
    errc on_admit(const request& r, admission& a) {
        const errc cause = gate::admit(r, a);
        return cause == errc::unknown ? errc::deferred : cause;
    }

    /// Fetches the key, and checks the token again.
    answer on_admit_deferred(const request& r, admission& a) {
        const std::string key = detail::key_id_of(token_of(r));
        const errc fetched = key.empty() ? errc::unknown : co_await this->source_.fetch(key);
        if (fetched != errc::ok && fetched != errc::unknown) co_return gate::refuse(a, token_fault::busy);
        const errc cause = gate::admit(r, a);
        co_return cause == errc::unknown ? gate::refuse(a, token_fault::unknown_key) : cause;
    }
};

/// `jwt` without a key source: it never waits.
template <class Verifier>
class jwt<Verifier, detail::no_key_source> : public detail::jwt_gate<Verifier> {
    using gate = detail::jwt_gate<Verifier>;

public:
    /// Takes the verifier and the settings.
    explicit jwt(Verifier verifier, jwt_options options = {})
        : gate(std::move(verifier), std::move(options)) {}

    /// Checks the token: `ok`, or a cause.
    errc on_admit(const request& r, admission& a) {
        const errc cause = gate::admit(r, a);
        return cause == errc::unknown ? gate::refuse(a, token_fault::unknown_key) : cause;
    }
};

/// The types are those of the arguments.
template <class Verifier>
jwt(Verifier) -> jwt<Verifier>;
/// The types are those of the arguments.
template <class Verifier>
jwt(Verifier, jwt_options) -> jwt<Verifier>;
/// The types are those of the arguments.
template <class Verifier, class Source>
jwt(Verifier, Source) -> jwt<Verifier, Source>;
/// The types are those of the arguments.
template <class Verifier, class Source>
jwt(Verifier, Source, jwt_options) -> jwt<Verifier, Source>;

} // namespace sigfire::inline v0_1
