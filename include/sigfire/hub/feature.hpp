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

namespace sigfire {

/// A change of a topic.
enum class membership : unsigned char { joined, updated, left };

/** An ability of a hub beyond handing messages to peers: topics, requests, sessions, ... A part of a server,
 * and of a hub. Derive from this and hide the members that you need; all others do nothing and cost nothing.
 *
 *  `X` is the hub's `feature_context`: all that a feature may ask and do. The hub calls the features in the
 * order in which they were given, one thread at a time; their arguments are valid until they return. A
 * feature that has `on_request(X&, peer_handle from, event::join&)` takes the requests of that type, and
 * replies to each now or in bounded time; at most one feature takes a type. Laws: all that peers can make a
 * feature store is bounded by an option. An exception ends that one request or connection with
 * `internal_error`. */
class feature {
public:
    /// Whether `on_send` may put messages off.
    static constexpr bool defers = false;

    /// A peer wants to send `e` to `e.to`: `ok`, or why it may not; `e.role` may be set for the receiver. The
    /// message may still fail for other causes. `deferred` with a ticket of `context.defer()` puts it off.
    template <class X>
    errc on_send(X&, peer_handle, event::say&) {
        return errc::ok;
    }
    /// `e` is about to be delivered, as it is; its reply comes first, and tells the sender its own part.
    template <class X>
    void on_sent(X&, peer_handle, const event::say&, politeness&) {}
    /// `e`, a `say` or a `request`, can't be delivered for that cause. Returns it or a better one; `held` if
    /// the feature keeps it; `deferred` if the feature replies later.
    template <class X, class E>
    errc on_miss(X&, peer_handle, const E&, errc cause) {
        return cause;
    }

    /// A connection wants to be a new peer under an id that is free: `ok`, or why it is refused.
    template <class X>
    errc on_enter(X&, const admission&) {
        return errc::ok;
    }
    /// Which peer a connection proves to be, if any.
    template <class X>
    peer_handle on_return(X&, const admission&) {
        return {};
    }
    /// That peer has its new connection now, on which nothing was sent yet.
    template <class X>
    void on_returned(X&, peer_handle, const admission&) {}

    /// A peer is about to be sent this welcome.
    template <class X>
    void on_welcome(X&, peer_handle, const admission&, event::welcome&) {}
    /// A peer was welcomed, or a function attached; the admission's id is its id.
    template <class X>
    void on_open(X&, peer_handle, const admission&) {}
    /// A peer's connection is gone: whether the peer stays all the same, and is `away`.
    template <class X>
    bool on_loss(X&, peer_handle, errc) {
        return false;
    }
    /// A peer has no connection any more, but may come back.
    template <class X>
    void on_away(X&, peer_handle) {}
    /// It came back.
    template <class X>
    void on_back(X&, peer_handle) {}
    /// A peer that was opened is gone. It can still be asked for its id, and be replied to.
    template <class X>
    void on_close(X&, peer_handle, errc) {}

    /// A peer with kept traffic sent an event, before it is looked into; whether that is a request: neither
    /// an `ack` nor a `resume`.
    template <class X>
    void on_received(X&, peer_handle, const event::incoming&, bool) {}
    /// A peer with kept traffic has that many messages of the hub; told behind `on_received`.
    template <class X>
    void on_ack(X&, peer_handle, const event::ack&) {}
    /// Whether `e` can be kept for a peer that is away.
    template <class X, class E>
    bool can_keep(X&, peer_handle, const E&) {
        return false;
    }
    /// `e`, of any type, is being sent to a peer with kept traffic.
    template <class X, class E>
    void on_delivery(X&, peer_handle, const E&) {}
    /// `e`, of any type, is for a function.
    template <class X, class E>
    void on_call(X&, peer_handle, const E&) {}

    /// A peer is about to give up its id, for another or none of its own.
    template <class X>
    void on_rename(X&, peer_handle) {}
    /// It has its new id.
    template <class X>
    void on_renamed(X&, peer_handle) {}

    /// A peer wants to become a member of `e.topic`: `ok`, or why it may not. Told by `topics`.
    template <class X>
    errc on_join(X&, peer_handle, event::join&) {
        return errc::ok;
    }
    /// A membership changed, told by `topics`, with the member's metadata; of one that left, with the cause.
    template <class X>
    void on_membership(X&, std::string_view, peer_handle, membership, payload, errc) {}
    /// The state entry `key` of a topic changed, told by `topics`: its value and owner, or no value if it is
    /// gone.
    template <class X>
    void on_entry(X&, std::string_view, std::string_view, payload, std::string_view) {}

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view, peer_handle) { return false; }
    /// Calls `f(peer_handle)` or `f(peer_handle, payload metadata)` for each member of a topic, in the order
    /// in which they joined.
    template <class G>
    void for_each_member(std::string_view, G) {}
    /// Calls `f(std::string_view key, payload value, peer_handle owner)` for each state entry of a topic.
    template <class G>
    void for_each_entry(std::string_view, G) {}
    /// Calls `f(std::string_view topic)` for each topic of a peer.
    template <class G>
    void for_each_topic(peer_handle, G) {}
    /// Whether this feature knows in which order the peers that are here came; then calls `f(peer_handle)`
    /// for each in that order.
    template <class G>
    bool for_each_arrival(G) {
        return false;
    }

    /// A late verdict is in; whether it was this feature's.
    template <class X>
    bool on_verdict(X&, detail::late_verdict&) {
        return false;
    }
    /// Time has passed. Returns when to be called again at the latest.
    template <class X>
    time_point on_tick(X&) {
        return time_point::max();
    }
};

/// Whether `F` is a feature.
template <class F>
concept Feature = std::derived_from<F, feature> && std::movable<F>;

namespace archetype {

struct hub {};
using context = feature_context<hub>;

} // namespace archetype

// A hub as its features see it. Never defined: for `requires` only, which may have to look into features.
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
    bool spread(peer_handle, const E&, fanout&, bool = false);
    void reply(peer_handle, request_token, errc);
    template <class E>
    void reply(peer_handle, const E&);
    template <class E>
    void send_uncounted(peer_handle, const E&);
    template <class E>
    bool has_room(peer_handle, const E&);
    void keep_traffic(peer_handle);
    void take_over(peer_handle, peer_handle);
    errc rename(peer_handle, std::string_view);
    errc unlist(peer_handle);
    bool is_unlisted(peer_handle) const;
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

namespace detail {

// Whether a member that hides one of `feature` can be called like it.
template <class F>
concept shaped_like_a_feature =
    requires(F& f, archetype::context& x, peer_handle p, event::say& e, const event::reply& r,
             event::welcome& w, event::join& j, const admission& a, errc why, std::string_view text,
             payload v, politeness& role, late_verdict& late) {
        { f.on_send(x, p, e) } -> std::same_as<errc>;
        f.on_sent(x, p, std::as_const(e), role);
        { f.on_miss(x, p, std::as_const(e), why) } -> std::same_as<errc>;
        { f.on_enter(x, a) } -> std::same_as<errc>;
        { f.on_return(x, a) } -> std::same_as<peer_handle>;
        f.on_returned(x, p, a);
        f.on_welcome(x, p, a, w);
        f.on_open(x, p, a);
        { f.on_loss(x, p, why) } -> std::same_as<bool>;
        f.on_away(x, p);
        f.on_back(x, p);
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

// Whether a feature takes requests of that type.
template <class F, class E>
concept takes = requires(F& f, archetype::context& x, peer_handle p, E& e) { f.on_request(x, p, e); };

template <class F, class List>
inline constexpr bool takes_any = false;
template <class F, class... Es>
inline constexpr bool takes_any<F, event_list<Es...>> = (takes<F, Es> || ...);

// Whether no two of them take a type.
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

// Not a tuple: the compiler calls a member of a base with much less effort than by std::apply.
template <class F>
struct feature_holder {
    [[no_unique_address]] F held{};
};

} // namespace detail

/** The features of a hub, put together by the compiler; each type once. */
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
    features() = default;
    explicit features(Fs... parts)
        requires(sizeof...(Fs) != 0)
        : detail::feature_holder<Fs>{std::move(parts)}... {}

    /// How many there are.
    static constexpr std::size_t size = sizeof...(Fs);

    /// Whether `F` is one of them.
    template <class F>
    static constexpr bool has = (std::is_same_v<F, Fs> || ...);

    /// Whether one of them may put messages off.
    static constexpr bool defers = (Fs::defers || ...);

    /// Whether one of them takes requests of type `E`.
    template <class E>
    static constexpr bool takes = (detail::takes<Fs, E> || ...);

    /// That one.
    template <class F>
    F& get() noexcept {
        return static_cast<detail::feature_holder<F>&>(*this).held;
    }

    /// Calls `f(feature)` for each.
    template <class F>
    void each([[maybe_unused]] F&& f) {
        (f(get<Fs>()), ...);
    }

    /// Calls `f(feature)` until it returns true; says whether it did.
    template <class F>
    bool any([[maybe_unused]] F&& f) {
        return (f(get<Fs>()) || ...);
    }
};

template <class... Fs>
features(Fs...) -> features<Fs...>;

namespace detail {

template <class F>
struct is_features : std::false_type {};
template <class... Fs>
struct is_features<features<Fs...>> : std::true_type {};

} // namespace detail

} // namespace sigfire
