// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/member_names.hpp>

#include <concepts>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sigfire {

/// An act of a peer upon another peer, or a topic.
enum class action : unsigned char {
    say,     ///< send a message
    request, ///< ask a question
    watch,   ///< be told of changes
    lookup,  ///< list the members of a topic
    join,    ///< become a member of a topic
    info,    ///< read the record of an id, or ask whether there is one
    publish, ///< send to the members of a topic
    set,     ///< set or remove a state entry of a topic
};

/// One thing that a peer wants to do. Its views are valid until `permit` returns.
struct act {
    action what = action::say;
    peer_handle from{};         ///< the peer that acts
    std::string_view from_id{}; ///< its id
    peer_handle to{}; ///< the peer that it is done to; nobody if no peer is named, or none has that id
    std::string_view to_id{};   ///< the id named; empty: none
    std::string_view topic{};   ///< the topic named; empty: none
    std::string_view command{}; ///< the wire's own word: `offer`
};

namespace archetype {

struct visit_text {
    void operator()(std::string_view) const;
};

// The questions that a policy can ask. Never defined: for `requires` only.
struct policy_view {
    peer_handle find(std::string_view id) const;
    std::string_view id(peer_handle) const;
    bool is_member(std::string_view topic, peer_handle) const;
    const notes* notes_of(peer_handle) const;
    void for_each_topic(peer_handle, visit_text) const;
};

} // namespace archetype

/** Policy: the one place that is asked about everything that a peer may do to another peer or a topic.
 *
 *  `p.permit(act, here)` -> `ok`, or the cause that the peer gets: `denied`, or `unknown` where it must not
 * learn that there is something. `here` tells which peers are here: `find(id)`, `id(peer)`,
 * `is_member(topic, peer)`, `notes_of(peer)` (the hooks' notes at its admission; null if nothing),
 * `for_each_topic(peer, f)`. Asked behind the hooks and in front of routers and features; not about acts of
 * the host program. Law: it changes nothing. */
template <class P>
concept Policy = requires(P& p, const act& a, const archetype::policy_view& here) {
    { p.permit(a, here) } -> std::same_as<errc>;
};

/// The policy that permits everything, and costs nothing.
struct permit_all {
    template <class Here>
    errc permit(const act&, const Here&) const noexcept {
        return errc::ok;
    }
};

/// Settings of `private_rooms`.
struct private_rooms_options {
    /// Whether a peer may join a topic; empty = any peer may. Called with the act and the hooks' notes from
    /// when they let the peer in (null if nothing).
    std::function<bool(const act&, const notes*)> may_join = {};
    /// Whether a peer that is no member may list and watch a topic; empty = none may.
    std::function<bool(const act&, const notes*)> may_look = {};
    bool among_members_only = true; ///< peers reach each other only while they share a topic
};

/** Topics as private rooms: members only. A peer that is no member can neither look into a topic nor change
 * it, and peers that share no topic do not reach each other: for them the other one is `unknown`. Models
 * Policy; a part of a server, and of a hub with `topics`. */
class private_rooms {
public:
    explicit private_rooms(private_rooms_options options = {}) : options_(std::move(options)) {}

    template <class Here>
    errc permit(const act& a, const Here& here) const {
        if (a.what == action::join) return asks(options_.may_join, true, a, here) ? errc::ok : errc::denied;
        if (!a.topic.empty() && !here.is_member(a.topic, a.from)) {
            const bool looks = a.what == action::lookup || a.what == action::watch;
            if (!looks || !asks(options_.may_look, false, a, here))
                return looks ? errc::unknown : errc::denied;
        }
        if (a.to_id.empty() || !options_.among_members_only || a.to == a.from) return errc::ok;
        bool shared = false;
        if (a.to)
            here.for_each_topic(
                a.from, [&](std::string_view topic) { shared = shared || here.is_member(topic, a.to); });
        return shared ? errc::ok : errc::unknown;
    }

private:
    template <class Here>
    static bool asks(const std::function<bool(const act&, const notes*)>& f, bool otherwise, const act& a,
                     const Here& here) {
        return f ? f(a, here.notes_of(a.from)) : otherwise;
    }

    private_rooms_options options_;
};

static_assert(Policy<permit_all> && Policy<private_rooms>);

namespace detail {

// The act of a peer's event upon others, if any.
template <class E>
struct action_of;
template <action A>
struct does {
    static constexpr action what = A;
};
template <>
struct action_of<event::say> : does<action::say> {};
template <>
struct action_of<event::request> : does<action::request> {};
template <>
struct action_of<event::watch> : does<action::watch> {};
template <>
struct action_of<event::lookup> : does<action::lookup> {};
template <>
struct action_of<event::join> : does<action::join> {};
template <>
struct action_of<event::info> : does<action::info> {};
template <>
struct action_of<event::exists> : does<action::info> {};
template <>
struct action_of<event::publish> : does<action::publish> {};
template <>
struct action_of<event::set> : does<action::set> {};
template <>
struct action_of<event::unset> : does<action::set> {};

template <class E>
concept acts = requires { action_of<E>::what; };

// The peer that an event names.
template <class E>
std::string_view named_peer([[maybe_unused]] const E& e) noexcept {
    if constexpr (requires { e.to; })
        return e.to;
    else if constexpr (std::same_as<E, event::watch>)
        return e.peer;
    else if constexpr (requires { e.id; })
        return e.id;
    else
        return {};
}

} // namespace detail

} // namespace sigfire
