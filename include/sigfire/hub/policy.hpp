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

namespace sigfire::inline v0_1 {

/// What a peer does to another peer or to a topic.
enum class action : unsigned char {
    send,    ///< send a message
    request, ///< send a request
    watch,   ///< watch the changes of a topic or a peer
    lookup,  ///< list the members of a topic
    join,    ///< become a member of a topic
    info,    ///< read the record of an id, or ask whether there is one
    publish, ///< send a message to the members of a topic
    set,     ///< set or remove a state entry of a topic
};

/// An action that a peer asks for. The views are valid until `permit` returns.
struct act {
    action what = action::send; ///< the kind of action
    peer_handle from{};         ///< the acting peer
    std::string_view from_id{}; ///< the id of the acting peer
    /// The target peer. A null handle if the event names no peer, or if no peer has the id.
    peer_handle to{};
    std::string_view to_id{}; ///< the id that the event names; of `join`, the id that the peer wants to have
    std::string_view topic{}; ///< the topic that the event names; empty = none
    std::string_view command{}; ///< the command as the wire names it: `offer`
};

/// @cond
namespace archetype {

struct visit_text {
    void operator()(std::string_view) const;
};

// The queries of a policy. The members have no definition: they serve only `requires` expressions.
struct policy_view {
    peer_handle find(std::string_view id) const;
    std::string_view id(peer_handle) const;
    bool is_member(std::string_view topic, peer_handle) const;
    const notes* notes_of(peer_handle) const;
    void for_each_topic(peer_handle, visit_text) const;
};

} // namespace archetype

/// @endcond

/** Policy: decides about everything that a peer may do to another peer or to a topic.
 *
 *  `p.permit(act, here)` returns `ok`, or the cause of the rejection: `denied`, or `unknown` to hide that the
 *  target exists. `here` answers queries about the present peers:
 *  - `find(id)` and `id(peer)`
 *  - `is_member(topic, peer)`
 *  - `notes_of(peer)`: the notes that hooks attached at the admission; null if there are none
 *  - `for_each_topic(peer, f)`
 *
 *  The hub asks the policy after the hooks, and before routers and features. It does not ask about actions of
 *  the host program. A policy may have `bool is_idle() const`; while it returns true, the hub does not ask.
 *  Law: `permit` changes nothing. */
template <class P>
concept Policy = requires(P& p, const act& a, const archetype::policy_view& here) {
    { p.permit(a, here) } -> std::same_as<errc>;
};

/// The policy that permits everything, at no cost.
struct permit_all {
    /// Returns `ok`.
    template <class Here>
    errc permit(const act&, const Here&) const noexcept {
        return errc::ok;
    }
};

/// Settings of `private_rooms`.
struct private_rooms_options {
    /// Whether a peer may join a topic; empty = any peer may. Receives the action and the notes of the peer;
    /// the notes are null if there are none.
    std::function<bool(const act&, const notes*)> may_join = {};
    /// Whether a peer that is not a member may list and watch a topic; empty = no such peer may. Receives the
    /// same arguments.
    std::function<bool(const act&, const notes*)> may_read = {};
    /// Whether peers reach each other only while they share a topic.
    bool members_only = true;
};

/** Makes topics private rooms of their members. Models Policy; a part of a server, and of a hub with
 *  `topics`.
 *
 *  A peer that is not a member can neither read nor change a topic. An attempt to read ends with `unknown`,
 *  an attempt to change with `denied`. Peers that share no topic do not reach each other: a message between
 *  them ends with `unknown`. */
class private_rooms {
public:
    /// Takes the settings.
    explicit private_rooms(private_rooms_options options = {}) : options_(std::move(options)) {}

    /// Decides about one action: `ok`, `denied`, or `unknown` to hide the target.
    template <class Here>
    errc permit(const act& a, const Here& here) const {
        if (a.what == action::join) return asks(options_.may_join, true, a, here) ? errc::ok : errc::denied;
        if (!a.topic.empty() && !here.is_member(a.topic, a.from)) {
            const bool looks = a.what == action::lookup || a.what == action::watch;
            if (!looks || !asks(options_.may_read, false, a, here))
                return looks ? errc::unknown : errc::denied;
        }
        if (a.to_id.empty() || !options_.members_only || a.to == a.from) return errc::ok;
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

// The action that an event of a peer performs, if any.
template <class E>
struct action_of;
template <action A>
struct does {
    static constexpr action what = A;
};
template <>
struct action_of<event::send> : does<action::send> {};
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

// The id of the peer that an event names, or empty.
template <class E>
std::string_view named_peer([[maybe_unused]] const E& e) noexcept {
    if constexpr (requires { e.to; })
        return e.to;
    else if constexpr (std::same_as<E, event::watch>)
        return e.peer;
    else if constexpr (std::same_as<E, event::join>)
        return e.as;
    else if constexpr (requires { e.id; })
        return e.id;
    else
        return {};
}

} // namespace detail

} // namespace sigfire::inline v0_1
