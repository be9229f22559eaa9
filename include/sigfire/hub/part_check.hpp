// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/policy.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1::detail {

template <class P>
concept looks_like_a_hook =
    names_on_admit<P> || names_on_admit_deferred<P> || names_on_open<P> || names_on_message<P> ||
    names_on_event<P> || names_on_deliver<P> || names_on_close<P> || names_on_outcome<P>;

// Converts to every type: an argument for functions with unknown parameters.
struct anything {
    template <class T>
    operator T() const;
};

template <class P>
concept looks_like_a_log = requires(P& p, log_level l, anything a) { p(l, a, a); } ||
                           requires(P& p, log_level l, anything a) { p(l, a); } ||
                           requires(P& p, std::string_view text) { p(text); };

template <class P, class Hub>
concept looks_like_a_handler =
    requires(P& p, request& r) { p(r); } || requires(P& p, request& r, response& out) { p(r, out); } ||
    requires(P& p, request& r, response& out, Hub& hub) { p(r, out, hub); };

template <class P, class Hub>
concept answers_with_void = requires(P& p, const request& r, response& out) {
    { p(r, out) } -> std::same_as<void>;
} || requires(P& p, const request& r, response& out, Hub& hub) {
    { p(r, out, hub) } -> std::same_as<void>;
};

template <class P>
constexpr bool is_named_options() {
    return std::string_view{__PRETTY_FUNCTION__}.ends_with("_options]");
}

/** Reports errors for a part `P` of a server that models no concept. Each error names one missing member. The
 *  compiler names `P` beside it. One telltale member decides which concept `P` should model. */
template <class P, class Hub>
struct part_check {
    static constexpr bool value = false; // the server reports its own error too

    static_assert(!Transport<P>, "sigfire: a server has one transport, its first part. For more transports, "
                                 "use one listener for each");
    static_assert(!looks_like_a_hook<P>,
                  "sigfire: put the hooks of a server into one chain: hooks{your_hook{}}");
    static_assert(!names_permit<P> || Policy<P>, "sigfire: permit of this Policy has the wrong signature: "
                                                 "expected errc permit(const act&, const auto& here)");
    static_assert(
        !names_route<P> || Router<P>,
        "sigfire: route of this Router has the wrong signature: expected errc route(const auto& registry, "
        "peer_handle from, const event::send&, auto to)");
    static_assert(!answers_with_void<P, Hub>,
                  "sigfire: this HttpHandler returns void: expected bool operator()(const request&, "
                  "response&), true for an answer");
    static_assert(!looks_like_a_handler<P, Hub> || answers_with_void<P, Hub>,
                  "sigfire: this HttpHandler has the wrong signature: expected bool operator()(const "
                  "request&, response&), or with the hub of the server as the third parameter");
    static_assert(!looks_like_a_log<P>,
                  "sigfire: this Log has the wrong signature: expected void operator()(log_level, "
                  "std::string_view event, std::span<const log_field> fields)");
    static_assert(
        !is_named_options<P>(),
        "sigfire: options are no part of a server: give them to the part that they belong to, as in "
        "topics{topics_options{}}");

    static constexpr bool registry = names_insert<P>;
    static_assert(
        !registry || requires(P& p, std::string_view id, peer_handle h) {
            { p.insert(id, h) } -> std::same_as<bool>;
        }, "sigfire: this Registry lacks bool insert(std::string_view id, peer_handle)");
    static_assert(
        !registry || requires(P& p, std::string_view id) {
            { p.erase(id) } -> std::same_as<bool>;
        }, "sigfire: this Registry lacks bool erase(std::string_view id)");
    static_assert(
        !registry || requires(const P& p, std::string_view id) {
            { p.find(id) } -> std::same_as<peer_handle>;
        }, "sigfire: this Registry lacks peer_handle find(std::string_view id) const");
    static_assert(
        !registry || requires(const P& p) {
            { p.size() } -> std::same_as<std::size_t>;
        }, "sigfire: this Registry lacks std::size_t size() const");
    static_assert(
        !registry || requires(const P& p, archetype::visit f) { p.for_each_peer(f); },
        "sigfire: this Registry lacks void for_each_peer(auto f) const");

    static constexpr bool codec = names_decode<P>;
    static constexpr bool codec_with_state = [] {
        if constexpr (requires { typename P::state; })
            return codec && std::default_initializable<typename P::state>;
        return false;
    }();
    static_assert(!codec || codec_with_state,
                  "sigfire: this Codec lacks struct state with a default constructor");
    static_assert(
        !codec_with_state || requires {
            { P::checks_utf8 } -> std::convertible_to<bool>;
        }, "sigfire: this Codec lacks static constexpr bool checks_utf8");
    static_assert(
        !codec_with_state || requires(P& p, const request& r, typename P::state& s, admission& a) {
            { p.open(r, s, a) } -> std::same_as<errc>;
        }, "sigfire: this Codec lacks errc open(const request&, state&, admission&)");
    static_assert(
        !codec_with_state || requires(P& p, message m, typename P::state& s, archetype::handler h) {
            { p.decode(m, s, h) } -> std::same_as<errc>;
        }, "sigfire: this Codec lacks errc decode(message, state&, auto&& handler)");
    static_assert(
        !codec_with_state || requires(const P& p, const typename P::state& s) {
            { p.share_key(s) } -> std::same_as<int>;
        }, "sigfire: this Codec lacks int share_key(const state&) const");
    static_assert(
        !codec_with_state || requires(const P& p, errc why, const typename P::state& s) {
            { p.end(why, s) } -> std::same_as<ending>;
        }, "sigfire: this Codec lacks ending end(errc, const state&) const");
    static_assert(
        !codec_with_state ||
            (has_word<P, event::welcome> && has_word<P, event::reply> && has_word<P, event::send>),
        "sigfire: this Codec lacks bound, encode or type for event::welcome, event::reply or event::send");
};

} // namespace sigfire::inline v0_1::detail
