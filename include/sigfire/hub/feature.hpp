// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire {

/// What changed in a topic.
enum class membership : unsigned char { joined, updated, left };

/** What a hub does beyond handing messages to peers: topics, requests, sessions, ... A part of a server, and
 * of a hub. Derive from this and hide the members that you need; all others do nothing and cost nothing.
 *
 *  `D` is the hub's `desk`: what a feature may ask and do. Features are called by the hub only, in the order
 * in which they were given, one thread at a time; what they are handed is valid until they return. Laws:
 * nothing throws but for lack of memory; whatever peers can make a feature store is bounded by an option;
 * each request that a feature takes gets one reply, now or in bounded time. */
class feature {
public:
    /// Whether requests of that verb are this feature's. At most one feature takes a verb.
    static constexpr bool takes(verb) noexcept { return false; }

    /// A peer's request that this feature takes; it sees to the reply.
    template <class D>
    void received(D&, peer_handle, envelope&) {}

    /** A peer wants to send `e` to `e.to`: `ok`, and `e.role` may become what its reply says of its part, or
     * why it may not. It may still fail for other causes; `sent` tells if it did not. */
    template <class D>
    errc sending(D&, peer_handle, envelope&) {
        return errc::ok;
    }
    /// `e`, which was asked about by `sending`, is about to be handed out; its reply comes first.
    template <class D>
    void sent(D&, peer_handle, envelope&) {}

    /// `e` can't be delivered for that cause. Returns it, or the verdict that it was taken care of.
    template <class D>
    errc missed(D&, peer_handle, const envelope&, errc cause) {
        return cause;
    }

    /// A connection wants to be a new peer under an id that is free: `ok`, or why it is refused.
    template <class D>
    errc entering(D&, const admission&) {
        return errc::ok;
    }

    /// A connection that brings the token of a peer that may continue on it: which peer that is.
    template <class D>
    peer_handle returning(D&, const admission&) {
        return {};
    }
    /// That peer has its new connection now, on which nothing was sent yet.
    template <class D>
    void returned(D&, peer_handle, const admission&) {}

    /// A peer is about to be welcomed by `welcome`.
    template <class D>
    void greeting(D&, peer_handle, const admission&, envelope&) {}
    /// A peer was welcomed, or a function attached.
    template <class D>
    void opened(D&, peer_handle, const admission&) {}
    /// A peer's connection is gone: whether the peer stays all the same, and is `away`.
    template <class D>
    bool outlives(D&, peer_handle, errc) {
        return false;
    }
    /// A peer has no connection any more, but may come back.
    template <class D>
    void away(D&, peer_handle) {}
    /// It came back.
    template <class D>
    void back(D&, peer_handle) {}
    /// A peer that was `opened` is online no more. It can still be asked for its id, not be sent anything.
    template <class D>
    void closed(D&, peer_handle, errc) {}

    /// A peer whose traffic is kept said something, before it is looked into.
    template <class D>
    void heard(D&, peer_handle, const envelope&) {}
    /// Whether a peer who is away can be kept `e` for.
    template <class D>
    bool can_keep(D&, peer_handle, const envelope&) {
        return false;
    }
    /// Keeps `e`, which is being sent to a peer whose traffic is kept.
    template <class D>
    void keep(D&, peer_handle, const envelope&) {}
    /// Hands `e` to a function.
    template <class D>
    void invoke(D&, peer_handle, const envelope&) {}

    /// A peer is about to give up its id for another.
    template <class D>
    void renaming(D&, peer_handle) {}
    /// It has its new id.
    template <class D>
    void renamed(D&, peer_handle) {}

    /// A peer wants to become a member of `e.topic`, by the id `e.to` if that is not empty: `ok`, or why it
    /// may not. Told by `topics`.
    template <class D>
    errc joining(D&, peer_handle, envelope&) {
        return errc::ok;
    }
    /// Whether a peer is a member of a topic.
    bool contains(std::string_view, peer_handle) { return false; }

    /// Calls `f(peer_handle)` or `f(peer_handle, std::string_view metadata)` for each member of a topic, in
    /// the order in which they joined.
    template <class G>
    void for_each(std::string_view, G) {}
    /// Calls `f(const topic_entry&)` for each state entry of a topic.
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

    /// A membership changed, told by `topics`, with the member's metadata; of one that left, with the cause.
    template <class D>
    void moved(D&, std::string_view, peer_handle, membership, std::string_view, errc) {}
    /// The state entry `key` of a topic changed, told by `topics`: its value and owner, or no value if it is
    /// gone.
    template <class D>
    void stated(D&, std::string_view, std::string_view, std::string_view, std::string_view) {}

    /// A late answer is in; whether it was this feature's.
    template <class D>
    bool answered(D&, detail::late_answer&) {
        return false;
    }

    /// Time has passed. Returns when to be called again at the latest.
    template <class D>
    time_point tick(D&) {
        return time_point::max();
    }
};

/// Whether `F` is a feature.
template <class F>
concept Feature = std::derived_from<F, feature> && std::movable<F>;

namespace archetype {

// What a `desk` of any hub has. Never defined: for `requires` only.
struct desk {
    time_point now() const noexcept;
    peer_handle find(std::string_view) const;
    std::string_view id(peer_handle) const;
    bool is_away(peer_handle) const;
    bool is_online(peer_handle) const;
    std::string_view fresh_id();
    errc send(peer_handle, const envelope&);
    bool spread(peer_handle, const envelope&, fanout&);
    bool is_member(std::string_view, peer_handle);
    errc rename(peer_handle, std::string_view);
    void reply(peer_handle, std::string_view, errc, std::string_view = {}, std::string_view = {},
               payload_format = payload_format::json, std::uint64_t = 0);
    void send_uncounted(peer_handle, const envelope&);
    void keep_traffic(peer_handle);
    void take_over(peer_handle, peer_handle);
    void close(peer_handle, errc);
    std::uint64_t late_key();
    const std::shared_ptr<sigfire::detail::late_box>& late_answers() const;
    template <class F>
    void each(F);
    void note(log_level, std::string_view, std::string_view);
};

struct visit_entry {
    void operator()(const auto&) const;
};
struct visit_topic {
    void operator()(std::string_view) const;
};

} // namespace archetype

namespace detail {

// Whether what hides a member of `feature` can be called like it.
template <class F>
concept shaped_like_a_feature =
    requires(F& f, archetype::desk& d, peer_handle p, envelope& e, const envelope& ce, const admission& a,
             errc why, std::string_view text, late_answer& late) {
        { F::takes(verb::other) } -> std::same_as<bool>;
        f.received(d, p, e);
        { f.sending(d, p, e) } -> std::same_as<errc>;
        f.sent(d, p, e);
        { f.missed(d, p, ce, why) } -> std::same_as<errc>;
        { f.entering(d, a) } -> std::same_as<errc>;
        { f.returning(d, a) } -> std::same_as<peer_handle>;
        f.returned(d, p, a);
        f.greeting(d, p, a, e);
        f.opened(d, p, a);
        { f.outlives(d, p, why) } -> std::same_as<bool>;
        f.away(d, p);
        f.back(d, p);
        f.closed(d, p, why);
        f.heard(d, p, ce);
        { f.can_keep(d, p, ce) } -> std::same_as<bool>;
        f.keep(d, p, ce);
        f.invoke(d, p, ce);
        f.renaming(d, p);
        f.renamed(d, p);
        { f.joining(d, p, e) } -> std::same_as<errc>;
        { f.contains(text, p) } -> std::same_as<bool>;
        f.for_each(text, archetype::collect{});
        f.for_each_entry(text, archetype::visit_entry{});
        f.for_each_topic(p, archetype::visit_topic{});
        { f.for_each_arrival(archetype::collect{}) } -> std::same_as<bool>;
        f.moved(d, text, p, membership::joined, text, why);
        f.stated(d, text, text, text, text);
        { f.answered(d, late) } -> std::same_as<bool>;
        { f.tick(d) } -> std::same_as<time_point>;
    };

// Whether no two of them take a verb.
template <class... Fs>
inline constexpr bool taken_once = [] {
    for (int v = 0; v <= static_cast<int>(verb::notice); ++v)
        if ((0 + ... + static_cast<int>(Fs::takes(static_cast<verb>(v)))) > 1) return false;
    return true;
}();

} // namespace detail

/** The features of a hub, put together by the compiler. */
template <class... Fs>
class features {
    static_assert((Feature<Fs> && ...), "sigfire: Feature requirements not met");
    static_assert(
        (detail::shaped_like_a_feature<Fs> && ...),
        "sigfire: a member of this feature cannot be called like that of class feature which it hides");
    static_assert(detail::taken_once<Fs...>, "sigfire: two features of a hub take the same requests");

public:
    features() = default;
    explicit features(Fs... parts)
        requires(sizeof...(Fs) != 0)
        : parts_(std::move(parts)...) {}

    /// How many there are.
    static constexpr std::size_t size = sizeof...(Fs);

    /// Whether `F` is one of them.
    template <class F>
    static constexpr bool has = (std::is_same_v<F, Fs> || ...);

    /// Whether one of them takes that verb.
    static constexpr bool takes([[maybe_unused]] verb v) noexcept { return (Fs::takes(v) || ...); }

    /// That one.
    template <class F>
    F& get() noexcept {
        return std::get<F>(parts_);
    }

    /// Calls `f(feature)` for each.
    template <class F>
    void each(F f) {
        std::apply([&](auto&... parts) { (f(parts), ...); }, parts_);
    }

    /// Calls `f(feature)` until it returns true; says whether it did.
    template <class F>
    bool any(F f) {
        return std::apply([&](auto&... parts) { return (f(parts) || ...); }, parts_);
    }

private:
    [[no_unique_address]] std::tuple<Fs...> parts_;
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
