// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/hub/detail/member_names.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/policy.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>

namespace sigfire::detail {

template <class P>
concept looks_like_a_hook =
    names_on_admit<P> || names_on_admit_deferred<P> || names_on_open<P> || names_on_message<P> ||
    names_on_deliver<P> || names_on_close<P> || names_on_outcome<P>;

/** The errors for a part `P` of a server that models no concept. Each error names one missing member; the
 * compiler names `P` beside it. A part is recognised by a member that no other kind of part has. */
template <class P>
struct part_check {
    static constexpr bool value = false; // beside these, the server says that it is no part

    static_assert(!Transport<P>,
                  "sigfire: a server has one transport, its first part: for more, use one listener for each");
    static_assert(!looks_like_a_hook<P>,
                  "sigfire: a hook of a server belongs into its chain: hooks{your_hook{}}");
    static_assert(
        !names_permit<P> || Policy<P>,
        "sigfire: permit of this Policy has the wrong shape: errc permit(const act&, const auto& here)");
    static_assert(!names_route<P> || Router<P>,
                  "sigfire: route of this Router has the wrong shape: errc route(const auto& registry, "
                  "peer_handle from, const event::say&, auto to)");
    static_assert(
        !requires(P& p, const request& r, response& out) {
            { p(r, out) } -> std::same_as<void>;
        }, "sigfire: this HttpHandler returns void: bool operator()(const request&, response&), true if it "
           "answered");

    static constexpr bool registry = names_insert<P>;
    static_assert(
        !registry || requires(P& p, std::string_view id, peer_handle h) {
            { p.insert(id, h) } -> std::same_as<bool>;
        }, "sigfire: this Registry misses bool insert(std::string_view id, peer_handle)");
    static_assert(
        !registry || requires(P& p, std::string_view id) {
            { p.erase(id) } -> std::same_as<bool>;
        }, "sigfire: this Registry misses bool erase(std::string_view id)");
    static_assert(
        !registry || requires(const P& p, std::string_view id) {
            { p.find(id) } -> std::same_as<peer_handle>;
        }, "sigfire: this Registry misses peer_handle find(std::string_view id) const");
    static_assert(
        !registry || requires(const P& p) {
            { p.size() } -> std::same_as<std::size_t>;
        }, "sigfire: this Registry misses std::size_t size() const");
    static_assert(
        !registry || requires(const P& p, archetype::visit f) { p.for_each_peer(f); },
        "sigfire: this Registry misses void for_each_peer(auto f) const");

    static constexpr bool codec = names_decode<P>;
    static constexpr bool codec_with_state = [] {
        if constexpr (requires { typename P::state; })
            return codec && std::default_initializable<typename P::state>;
        return false;
    }();
    static_assert(!codec || codec_with_state,
                  "sigfire: this Codec misses struct state, which can be made without arguments");
    static_assert(
        !codec_with_state || requires {
            { P::checks_utf8 } -> std::convertible_to<bool>;
        }, "sigfire: this Codec misses static constexpr bool checks_utf8");
    static_assert(
        !codec_with_state || requires(P& p, const request& r, typename P::state& s, admission& a) {
            { p.open(r, s, a) } -> std::same_as<errc>;
        }, "sigfire: this Codec misses errc open(const request&, state&, admission&)");
    static_assert(
        !codec_with_state || requires(P& p, message m, typename P::state& s, archetype::handler h) {
            { p.decode(m, s, h) } -> std::same_as<errc>;
        }, "sigfire: this Codec misses errc decode(message, state&, auto&& handler)");
    static_assert(
        !codec_with_state || requires(const P& p, const typename P::state& s) {
            { p.share_key(s) } -> std::same_as<int>;
        }, "sigfire: this Codec misses int share_key(const state&) const");
    static_assert(
        !codec_with_state || requires(const P& p, errc why, const typename P::state& s) {
            { p.end(why, s) } -> std::same_as<ending>;
        }, "sigfire: this Codec misses ending end(errc, const state&) const");
    static_assert(
        !codec_with_state ||
            (has_word<P, event::welcome> && has_word<P, event::reply> && has_word<P, event::say>),
        "sigfire: this Codec misses bound, encode or type for event::welcome, event::reply or event::say");
};

} // namespace sigfire::detail
