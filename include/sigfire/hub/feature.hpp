// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/detail/member_names.hpp>
#include <sigfire/hub/feature_context.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// A change of a membership in a topic.
enum class membership : unsigned char {
    joined,  ///< the peer has become a member
    updated, ///< the member has new metadata
    left     ///< the peer is no longer a member
};

/** Base class of the features of a hub: topics, requests, sessions and your own. A feature is a part of a
 *  server and of a hub.
 *
 *  Derive from this class and hide the members that you need. All other members do nothing and cost nothing.
 *  In each member, `X` is the `feature_context` of the hub: the feature queries the hub and acts on peers
 *  through it.
 *
 *  A feature with a member `on_request(X&, peer_handle from, event::join&)` handles the requests of that
 *  type. It replies to each request at once or within a bounded time. At most one feature handles a type.
 *
 *  The hub calls the features in the order in which they were given, on one thread. Arguments are valid until
 *  the member returns.
 *
 *  Laws: an option limits everything that peers can make a feature store. If a member throws, only the
 *  current request or connection fails, with `internal_error`. */
class feature {
public:
    /// Whether `on_send` may defer messages.
    static constexpr bool defers = false;

    /** Called before the hub sends `e` to `e.to`. May set `e.role` for the receiver.
     *
     *  Returns `ok`, or the cause for which the feature rejects the message. A message that passes may still
     *  fail later. To defer the message, the feature takes a ticket of `context.defer()` and returns
     *  `deferred`. */
    template <class X>
    errc on_send(X&, peer_handle, event::send&) {
        return errc::ok;
    }
    /// Called when the hub is about to reply to the sender and to deliver `e`. The reply carries the
    /// `politeness` of the sender, which the feature may set.
    template <class X>
    void on_sent(X&, peer_handle, const event::send&, politeness&) {}
    /** Called when the hub cannot deliver `e`, a `send` or a `request`, for `cause`.
     *
     *  Returns `cause` or a more precise one. Returns `held` if the feature keeps the message, or `deferred`
     *  if the feature replies later. */
    template <class X, class E>
    errc on_undeliverable(X&, peer_handle, const E&, errc cause) {
        return cause;
    }

    /// Called when a connection asks to become a new peer. Its id is free, or the hub draws one. Returns
    /// `ok`, or the cause of the refusal.
    template <class X>
    errc on_enter(X&, const admission&) {
        return errc::ok;
    }
    /// Called when a connection without `admission::id_verified` asks for the id of the peer `holder`. `ok`:
    /// the hub pings the holder and decides by its pong; a holder that is away loses its id at once. Another
    /// cause refuses the connection.
    template <class X>
    errc on_claim(X&, [[maybe_unused]] peer_handle holder, const admission&) {
        return errc::ok;
    }
    /// Returns the present peer that the connection proves to be, or a null handle.
    template <class X>
    peer_handle on_identify(X&, const admission&) {
        return {};
    }
    /// Called when that peer has moved to its new connection. The hub has sent nothing on the connection yet.
    template <class X>
    void on_identified(X&, peer_handle, const admission&) {}

    /// Called before the hub sends the welcome to a new peer. The feature may change the welcome.
    template <class X>
    void on_welcome(X&, peer_handle, const admission&, event::welcome&) {}
    /// Called after a peer was welcomed or a function was attached. `admission::id` is the id of the peer.
    template <class X>
    void on_open(X&, peer_handle, const admission&) {}
    /// Called when a peer with kept traffic has lost its connection. If the feature returns true, the hub
    /// keeps the peer as `away`.
    template <class X>
    bool on_connection_lost(X&, peer_handle, errc) {
        return false;
    }
    /// Called when a peer has become `away`: it has no connection, but may return.
    template <class X>
    void on_away(X&, peer_handle) {}
    /// Called when a peer that was `away` has a connection again.
    template <class X>
    void on_reconnected(X&, peer_handle) {}
    /// Called when an opened peer has left, with the cause. During the call the hub still knows its id and
    /// delivers replies to it.
    template <class X>
    void on_close(X&, peer_handle, errc) {}

    /// Called when a peer with kept traffic has sent an event, before the hub processes the event. The `bool`
    /// is false for an `ack` or a `resume`, and true for every other event.
    template <class X>
    void on_received(X&, peer_handle, const event::incoming&, bool) {}
    /// Called after `on_received`, when a peer with kept traffic acknowledges messages of the hub.
    template <class X>
    void on_ack(X&, peer_handle, const event::ack&) {}
    /// Whether the feature can keep `e`, an event of any type, for a peer that is away.
    template <class X, class E>
    bool can_keep(X&, peer_handle, const E&) {
        return false;
    }
    /// Called when the hub sends `e`, an event of any type, to a peer with kept traffic.
    template <class X, class E>
    void on_delivery(X&, peer_handle, const E&) {}
    /// Called when the hub delivers `e`, an event of any type, to an attached function.
    template <class X, class E>
    void on_call(X&, peer_handle, const E&) {}

    /// Called when a peer is about to lose its id, by a rename or by `feature_context::unlist`.
    template <class X>
    void on_rename(X&, peer_handle) {}
    /// Called when a peer has its new id.
    template <class X>
    void on_renamed(X&, peer_handle) {}

    /// Called by `topics` when a peer asks to join `e.topic`. Returns `ok`, or the cause of the rejection.
    template <class X>
    errc on_join(X&, peer_handle, event::join&) {
        return errc::ok;
    }
    /// Called by `topics` when a membership has changed: topic, peer, change, metadata and cause. The cause
    /// is `ok` unless the peer has left.
    template <class X>
    void on_membership(X&, std::string_view, peer_handle, membership, payload, errc) {}
    /// Called by `topics` when a state entry has changed: topic, key, value and the id of the owner. An empty
    /// value means that the entry was removed.
    template <class X>
    void on_entry(X&, std::string_view, std::string_view, payload, std::string_view) {}

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view, peer_handle) { return false; }
    /// Calls `f(peer_handle)` or `f(peer_handle, payload metadata)` for each member of a topic, in the order
    /// of joining.
    template <class G>
    void for_each_member(std::string_view, G) {}
    /// Calls `f(std::string_view key, payload value, peer_handle owner)` for each state entry of a topic.
    template <class G>
    void for_each_entry(std::string_view, G) {}
    /// Calls `f(std::string_view topic)` for each topic of a peer.
    template <class G>
    void for_each_topic(peer_handle, G) {}
    /// Calls `f(peer_handle)` for each present peer in the order of arrival and returns true. Returns false
    /// if the feature does not know that order.
    template <class G>
    bool for_each_arrival(G) {
        return false;
    }

    /// Called when a deferred verdict has arrived. Returns whether the verdict belongs to this feature.
    template <class X>
    bool on_verdict(X&, detail::late_verdict&) {
        return false;
    }
    /// Called when time has passed. Returns the latest time of the next call; `time_point::max()` = no
    /// deadline.
    template <class X>
    time_point on_tick(X&) {
        return time_point::max();
    }
};

/// Whether `F` is a feature: a movable class that derives from `feature`.
template <class F>
concept Feature = std::derived_from<F, feature> && std::movable<F>;

/// @cond
namespace archetype {

struct hub {};
using context = feature_context<hub>;

} // namespace archetype

// The hub of `archetype::context`. The members have no definition: they serve only `requires` expressions.
template <>
class feature_context<archetype::hub> {
public:
    time_point now() const noexcept;
    peer_handle find(std::string_view) const;
    std::string_view id(peer_handle) const;
    bool is_away(peer_handle) const;
    bool is_online(peer_handle) const;
    const notes* notes_of(peer_handle) const;
    message_id fresh_id();
    template <class E>
    errc send(peer_handle, const E&);
    template <class E>
    bool broadcast(peer_handle, const E&, fanout&, bool = false);
    void reply(peer_handle, request_token, errc);
    template <class E>
    void reply(peer_handle, const E&);
    template <class E>
    void send_uncounted(peer_handle, const E&);
    template <class E>
    bool has_room(peer_handle, const E&);
    void keep_traffic(peer_handle);
    bool has_verified_id(peer_handle) const;
    void take_over(peer_handle, peer_handle);
    errc rename(peer_handle, std::string_view);
    errc unlist(peer_handle);
    bool is_unlisted(peer_handle) const;
    void renew(peer_handle, const admission&);
    bool is_member(std::string_view, peer_handle);
    void close(peer_handle, errc);
    template <class E>
    errc miss(peer_handle, const E&, errc);
    deferral defer();
    std::uint64_t late_key();
    const std::shared_ptr<detail::late_box>& late_answers() const;
    template <class F>
    auto at_work(F f) {
        return f();
    }
    template <class F>
    void each(F);
    void note(log_level, std::string_view, std::string_view);
};

namespace archetype {

struct visit_member {
    void operator()(peer_handle, payload = {}) const;
};
struct visit_entry {
    void operator()(std::string_view, payload, peer_handle) const;
};
struct visit_topic {
    void operator()(std::string_view) const;
};

} // namespace archetype

/// @endcond
namespace detail {

// Whether the members of `F` that hide members of `feature` can be called in the same way.
template <class F>
concept shaped_like_a_feature =
    requires(F& f, archetype::context& x, peer_handle p, event::send& e, const event::reply& r,
             event::welcome& w, event::join& j, const admission& a, errc why, std::string_view text,
             payload v, politeness& role, late_verdict& late) {
        { f.on_send(x, p, e) } -> std::same_as<errc>;
        f.on_sent(x, p, std::as_const(e), role);
        { f.on_undeliverable(x, p, std::as_const(e), why) } -> std::same_as<errc>;
        { f.on_enter(x, a) } -> std::same_as<errc>;
        { f.on_claim(x, p, a) } -> std::same_as<errc>;
        { f.on_identify(x, a) } -> std::same_as<peer_handle>;
        f.on_identified(x, p, a);
        f.on_welcome(x, p, a, w);
        f.on_open(x, p, a);
        { f.on_connection_lost(x, p, why) } -> std::same_as<bool>;
        f.on_away(x, p);
        f.on_reconnected(x, p);
        f.on_close(x, p, why);
        f.on_received(x, p, std::as_const(e), true);
        f.on_ack(x, p, event::ack{});
        { f.can_keep(x, p, r) } -> std::same_as<bool>;
        f.on_delivery(x, p, r);
        f.on_call(x, p, r);
        f.on_rename(x, p);
        f.on_renamed(x, p);
        { f.on_join(x, p, j) } -> std::same_as<errc>;
        f.on_membership(x, text, p, membership::joined, v, why);
        f.on_entry(x, text, text, v, text);
        { f.is_member(text, p) } -> std::same_as<bool>;
        f.for_each_member(text, archetype::visit_member{});
        f.for_each_entry(text, archetype::visit_entry{});
        f.for_each_topic(p, archetype::visit_topic{});
        { f.for_each_arrival(archetype::collect{}) } -> std::same_as<bool>;
        { f.on_verdict(x, late) } -> std::same_as<bool>;
        { f.on_tick(x) } -> std::same_as<time_point>;
    };

// Whether a feature handles requests of type `E`.
template <class F, class E>
concept takes = requires(F& f, archetype::context& x, peer_handle p, E& e) { f.on_request(x, p, e); };

template <class F, class List>
inline constexpr bool takes_any = false;
template <class F, class... Es>
inline constexpr bool takes_any<F, event_list<Es...>> = (takes<F, Es> || ...);

// Whether at most one of the features handles each type.
template <class List, class... Fs>
inline constexpr bool taken_once = true;
template <class... Es, class... Fs>
inline constexpr bool taken_once<event_list<Es...>, Fs...> = [] {
    bool once = true;
    const auto check = [&]<class E>(std::type_identity<E>) {
        once = once && (0 + ... + static_cast<int>(takes<Fs, E>)) < 2;
    };
    (check(std::type_identity<Es>{}), ...);
    return once;
}();

// Not a tuple: a call of a member of a base class compiles much faster than `std::apply`.
template <class F>
struct feature_holder {
    [[no_unique_address]] F held{};
};

} // namespace detail

/// The features of a hub, joined at compile time. Each type appears once. Calls happen in the order of the
/// parameters.
template <class... Fs>
class features : detail::feature_holder<Fs>... {
    static_assert((Feature<Fs> && ...), "sigfire: Feature requirements not met");
    static_assert((detail::shaped_like_a_feature<Fs> && ...),
                  "sigfire: a member of this feature hides one of class feature, but has another signature");
    static_assert(((!detail::names_on_request<Fs> || detail::takes_any<Fs, incoming_events>) && ...),
                  "sigfire: on_request of this feature takes no event: expected for example void "
                  "on_request(context&, peer_handle, event::join&)");
    static_assert(detail::taken_once<incoming_events, Fs...>,
                  "sigfire: two features of this hub take the same request");

public:
    /// Default-constructs each feature.
    features() = default;
    /// Takes each feature by value and moves it in.
    explicit features(Fs... parts)
        requires(sizeof...(Fs) != 0)
        : detail::feature_holder<Fs>{std::move(parts)}... {}

    /// Number of features.
    static constexpr std::size_t size = sizeof...(Fs);

    /// Whether `F` is a feature of this hub.
    template <class F>
    static constexpr bool has = (std::is_same_v<F, Fs> || ...);

    /// Whether a feature may defer messages.
    static constexpr bool defers = (Fs::defers || ...);

    /// Whether a feature handles requests of type `E`.
    template <class E>
    static constexpr bool takes = (detail::takes<Fs, E> || ...);

    /// The feature of type `F`.
    template <class F>
    F& get() noexcept {
        return static_cast<detail::feature_holder<F>&>(*this).held;
    }

    /// Calls `f(feature)` for each feature.
    template <class F>
    void each([[maybe_unused]] F&& f) {
        (f(get<Fs>()), ...);
    }

    /// Calls `f(feature)` for each feature until a call returns true. Returns whether a call did.
    template <class F>
    bool any([[maybe_unused]] F&& f) {
        return (f(get<Fs>()) || ...);
    }
};

/// The types are those of the arguments.
template <class... Fs>
features(Fs...) -> features<Fs...>;

namespace detail {

template <class F>
struct is_features : std::false_type {};
template <class... Fs>
struct is_features<features<Fs...>> : std::true_type {};

} // namespace detail

} // namespace sigfire::inline v0_1
