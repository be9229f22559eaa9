// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/hub/detail/member_names.hpp>
#include <sigfire/hub/message_context.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// How a request of a peer or an admission ended.
struct outcome {
    peer_handle peer{};        ///< the peer; null for a refused connection
    errc cause = errc::ok;     ///< `ok`, or the cause of the failure
    std::string_view remote{}; ///< numeric address of a refused connection; empty = none. Valid until
                               ///< `on_outcome` returns.
    request_token token{};     ///< name of the request; empty = the peer wants no reply. Valid as `remote`.
};

namespace detail {

// Recognises `boost::asio::awaitable<errc>` by its shape: this header must not include Asio.
template <class A>
concept awaitable_errc = requires {
    typename A::value_type;
    typename A::executor_type;
    requires std::same_as<typename A::value_type, errc>;
};

template <class H>
concept has_on_admit = requires(H& h, const request& r, admission& a) {
    { h.on_admit(r, a) } -> std::same_as<errc>;
};
template <class H>
concept has_on_admit_deferred = requires(H& h, const request& r, admission& a) {
    { h.on_admit_deferred(r, a) } -> awaitable_errc;
};
template <class H>
concept has_on_open = requires(H& h, peer_handle p, const admission& a) {
    { h.on_open(p, a) } -> std::same_as<void>;
};
template <class H>
concept has_on_close = requires(H& h, peer_handle p, errc why) {
    { h.on_close(p, why) } -> std::same_as<void>;
};
template <class H>
concept has_on_outcome = requires(H& h, const outcome& o) {
    { h.on_outcome(o) } -> std::same_as<void>;
};

// Whether a hook watches events of type `E` (`observes`), judges them (`judges`), or filters their deliveries
// (`filters`).
template <class H, class E>
concept observes = requires(H& h, peer_handle p, const E& e) {
    { h.on_event(p, e) } -> std::same_as<void>;
};
template <class H, class E>
concept judges = requires(H& h, message_context& c, E& e) {
    { h.on_message(c, e) } -> std::same_as<errc>;
};
template <class H, class E>
concept filters = requires(H& h, peer_handle p, const E& e) {
    { h.on_deliver(p, e) } -> std::same_as<bool>;
};

template <class H, class List>
inline constexpr bool judges_any = false;
template <class H, class... Es>
inline constexpr bool judges_any<H, event_list<Es...>> = (judges<H, Es> || ...);
template <class H, class List>
inline constexpr bool observes_any = false;
template <class H, class... Es>
inline constexpr bool observes_any<H, event_list<Es...>> = (observes<H, Es> || ...);
template <class H, class List>
inline constexpr bool filters_any = false;
template <class H, class... Es>
inline constexpr bool filters_any<H, event_list<Es...>> = (filters<H, Es> || ...);

// Whether `on_message` takes an event of the list, but returns another type than `errc`.
template <class H, class List>
inline constexpr bool misjudges_any = false;
template <class H, class... Es>
inline constexpr bool misjudges_any<H, event_list<Es...>> =
    ((requires(H& h, message_context& c, Es& e) { h.on_message(c, e); } && !judges<H, Es>) || ...);

template <class H>
concept only_observes = requires { requires H::only_observes; };

template <class H>
concept has_on_event = observes_any<H, incoming_events>;
template <class H>
concept has_on_message = judges_any<H, incoming_events> && !misjudges_any<H, incoming_events>;
template <class H>
concept has_on_deliver = filters_any<H, outgoing_events>;

} // namespace detail

/** Hook: takes part in the decisions of a hub. A hook has at least one of these members. If a member with
 *  such a name has another signature, the program does not compile.
 *  - `errc on_admit(const request&, admission&)`: a connection asks for admission. `ok` admits it; the hook
 *    may change the admission. Any other value refuses the connection: by `admission.refused_as` if set, or
 *    else by `end` of the codec.
 *  - `awaitable<errc> on_admit_deferred(const request&, admission&)`: runs if `on_admit` returned `deferred`,
 *    or if the hook has no `on_admit`. It may take time, see `coroutine_hooks.hpp`. Request and admission
 *    live until it ends.
 *  - `void on_open(peer_handle, const admission&)`: a peer was welcomed. `admission::id` is its id.
 *  - `void on_event(peer_handle, const event::send&)`: a peer sent an event; called before any decision about
 *    it. Overloads take other events. An overload for `event::incoming`, or a template, sees all events.
 *  - `errc on_message(message_context&, event::send&)`: a peer sent an event. Overloads take other events. An
 *    overload for `event::incoming&`, or a template, judges all events except `ack` and `resume`. `ok` lets
 *    the event continue; the hook may change it. `deferred` defers the event, see `message_context::defer`.
 *    Any other value is the cause in the reply.
 *  - `bool on_deliver(peer_handle to, const event::send&)`: whether the hub delivers the event to that peer.
 *    Overloads take other events. If no target is left, the reply to the sender is `denied`.
 *  - `void on_outcome(const outcome&)`: a request has ended, or a connection was refused.
 *  - `void on_close(peer_handle, errc)`: a peer has left, with the cause. Its id is free; its connection may
 *    still be closing.
 *
 *  Laws: after each `on_open` the hub calls `on_close` once with the same handle. Messages and deliveries of
 *  the peer occur only in between. The destructor of a hub calls nothing; that of a server stops the hub
 *  first. If two peers have the same id in turn, the first is closed before the second is opened. A member
 *  keeps no views of its arguments. Each member returns soon, since it runs on the loop.
 *
 *  A hook with `static constexpr bool only_observes = true` promises that no member throws, refuses or calls
 *  the hub. The hub then takes no precautions, and a relayed message costs less.
 *
 *  If a member throws, the current message ends with `internal_error`, or the connection does. A hook may
 *  call the hub; `close` and `stop` then act after the current event. A view that `on_message` stores in an
 *  event must stay valid until the hub has processed the event: see `message_context::keep`. */
template <class H>
concept Hook = (!detail::names_on_admit<H> || detail::has_on_admit<H>) &&
               (!detail::names_on_admit_deferred<H> || detail::has_on_admit_deferred<H>) &&
               (!detail::names_on_open<H> || detail::has_on_open<H>) &&
               (!detail::names_on_event<H> || detail::has_on_event<H>) &&
               (!detail::names_on_message<H> || detail::has_on_message<H>) &&
               (!detail::names_on_deliver<H> || detail::has_on_deliver<H>) &&
               (!detail::names_on_outcome<H> || detail::has_on_outcome<H>) &&
               (!detail::names_on_close<H> || detail::has_on_close<H>) &&
               (detail::has_on_admit<H> || detail::has_on_admit_deferred<H> || detail::has_on_open<H> ||
                detail::has_on_event<H> || detail::has_on_message<H> || detail::has_on_deliver<H> ||
                detail::has_on_outcome<H> || detail::has_on_close<H>);

namespace detail {

// The result type of the first hook that has `on_admit_deferred`.
template <class... Hs>
struct deferred_answer {
    using type = void;
};
template <class H, class... Hs>
struct deferred_answer<H, Hs...> : deferred_answer<Hs...> {};
template <has_on_admit_deferred H, class... Hs>
struct deferred_answer<H, Hs...> {
    using type = decltype(std::declval<H&>().on_admit_deferred(std::declval<const request&>(),
                                                               std::declval<admission&>()));
};

} // namespace detail

/** A chain of hooks, joined at compile time: `hooks{bearer{check}, my_limits{}}`. A part of a server, and of
 *  a hub. An empty chain costs nothing.
 *
 *  Admissions, messages and deliveries pass the hooks from first to last. The first refusal wins: the hub
 *  does not ask the later hooks. `on_open` runs from first to last, `on_close` from last to first. Each hook
 *  models Hook and is moved in.
 *
 *  An admission costs a coroutine and a copy of the request only if a hook returns `deferred`. All
 *  `on_admit_deferred` of a chain return the same type. The hooks of such a chain live until the last
 *  admission has ended, even after the server; copies of the chain share them. */
template <class... Hs>
class hooks {
    static_assert(
        ((!detail::names_on_admit<Hs> || detail::has_on_admit<Hs>) && ...),
        "sigfire: on_admit has the wrong signature: expected errc on_admit(const request&, admission&); a "
        "coroutine is awaitable<errc> on_admit_deferred(const request&, admission&)");
    static_assert(((!detail::names_on_admit_deferred<Hs> || detail::has_on_admit_deferred<Hs>) && ...),
                  "sigfire: on_admit_deferred has the wrong signature: expected awaitable<errc> "
                  "on_admit_deferred(const request&, admission&)");
    static_assert(
        ((!detail::names_on_open<Hs> || detail::has_on_open<Hs>) && ...),
        "sigfire: on_open has the wrong signature: expected void on_open(peer_handle, const admission&)");
    static_assert(((!detail::names_on_event<Hs> || detail::has_on_event<Hs>) && ...),
                  "sigfire: on_event has the wrong signature: expected void on_event(peer_handle, const "
                  "event::send&), or with another event, or event::incoming for all");
    static_assert(((!detail::names_on_message<Hs> || detail::has_on_message<Hs>) && ...),
                  "sigfire: on_message has the wrong signature: expected errc on_message(message_context&, "
                  "event::send&), or with another event, or event::incoming& for all");
    static_assert(((!detail::names_on_deliver<Hs> || detail::has_on_deliver<Hs>) && ...),
                  "sigfire: on_deliver has the wrong signature: expected bool on_deliver(peer_handle, const "
                  "event::send&), or with another event");
    static_assert(((!detail::names_on_outcome<Hs> || detail::has_on_outcome<Hs>) && ...),
                  "sigfire: on_outcome has the wrong signature: expected void on_outcome(const outcome&)");
    static_assert(((!detail::names_on_close<Hs> || detail::has_on_close<Hs>) && ...),
                  "sigfire: on_close has the wrong signature: expected void on_close(peer_handle, errc)");
    static_assert((Hook<Hs> && ...),
                  "sigfire: a hook needs at least one of on_admit, on_admit_deferred, on_open, on_event, "
                  "on_message, on_deliver, on_outcome, on_close");

    using tuple = std::tuple<Hs...>;

public:
    /// Whether all hooks only observe.
    static constexpr bool only_observes = (detail::only_observes<Hs> && ...);
    /// Whether a hook has `on_admit_deferred`.
    static constexpr bool can_defer = (detail::has_on_admit_deferred<Hs> || ...);
    /// The awaitable type of `on_admit_deferred`; `void` if no hook has one.
    using deferred_type = typename detail::deferred_answer<Hs...>::type;

    /// Creates the empty chain.
    hooks()
        requires(sizeof...(Hs) == 0)
    = default;
    /// Takes each hook by value and moves it in.
    explicit hooks(Hs... links)
        requires(sizeof...(Hs) != 0)
        : links_([&] {
              if constexpr (can_defer)
                  return std::make_shared<tuple>(std::move(links)...);
              else
                  return tuple{std::move(links)...};
          }()) {}

    /// Asks the hooks about an admission, from index `first` on. On `deferred`, `first` is the index of the
    /// hook to await.
    errc on_admit(const request& r, admission& a, std::size_t& first)
        requires((detail::has_on_admit<Hs> || ...) || can_defer)
    {
        return admit(links(), r, a, first);
    }

    /// Awaits the hook with index `first`, then asks the later hooks.
    auto on_admit_deferred(const request& r, admission& a, std::size_t first)
        requires can_defer
    {
        return ask_rest<deferred_type>(links_, r, a, first);
    }

    /// Calls `on_open` of each hook, from first to last.
    void on_open(peer_handle peer, const admission& a)
        requires(detail::has_on_open<Hs> || ...)
    {
        each([&]<class H>(H& h) {
            if constexpr (detail::has_on_open<H>) h.on_open(peer, a);
        });
    }

    /// Shows an event of a peer to each hook, from first to last.
    template <class E>
    void on_event(peer_handle from, const E& e)
        requires(detail::observes<Hs, E> || ...)
    {
        each([&]<class H>(H& h) {
            if constexpr (detail::observes<H, E>) h.on_event(from, e);
        });
    }

    /// Asks the hooks about an event of a peer, after those that have judged it already.
    template <class E>
    errc on_message(message_context& context, E& e)
        requires(detail::judges<Hs, E> || ...)
    {
        std::size_t place = 0;
        return first_refusal([&]<class H>(H& h) {
            if (place++ < context.judged_) return errc::ok;
            if constexpr (detail::judges<H, E>)
                if (!context.answered()) {
                    const errc cause = h.on_message(context, e);
                    if (cause == errc::deferred) context.judged_ = place;
                    return cause;
                }
            return errc::ok;
        });
    }

    /// Asks the hooks whether the hub delivers `e` to a peer.
    template <class E>
    bool on_deliver(peer_handle to, const E& e)
        requires(detail::filters<Hs, E> || ...)
    {
        return errc::ok == first_refusal([&]<class H>(H& h) {
                   if constexpr (detail::filters<H, E>) return h.on_deliver(to, e) ? errc::ok : errc::denied;
                   return errc::ok;
               });
    }

    /// Calls `on_outcome` of each hook, from first to last.
    void on_outcome(const outcome& o)
        requires(detail::has_on_outcome<Hs> || ...)
    {
        each([&]<class H>(H& h) {
            if constexpr (detail::has_on_outcome<H>) h.on_outcome(o);
        });
    }

    /// Calls `on_close` of each hook, from last to first.
    void on_close(peer_handle peer, errc why)
        requires(detail::has_on_close<Hs> || ...)
    {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (close(std::get<sizeof...(Hs) - 1 - I>(links()), peer, why), ...);
        }(std::index_sequence_for<Hs...>{});
    }

private:
    template <class F>
    void each(F f) {
        std::apply([&](auto&... links) { (f(links), ...); }, links());
    }

    template <class F>
    errc first_refusal(F f) {
        return std::apply(
            [&](auto&... links) {
                errc cause = errc::ok;
                static_cast<void>((((cause = f(links)) == errc::ok) && ...));
                return cause;
            },
            links());
    }

    tuple& links() noexcept {
        if constexpr (can_defer)
            return *links_;
        else
            return links_;
    }

    static errc admit(tuple& links, const request& r, admission& a, std::size_t& first) {
        errc cause = errc::ok;
        std::size_t place = 0;
        const auto ask = [&]<class H>([[maybe_unused]] H& h) {
            if (place++ < first) return true;
            if constexpr (detail::has_on_admit<H>)
                cause = h.on_admit(r, a);
            else if constexpr (detail::has_on_admit_deferred<H>)
                cause = errc::deferred;
            // Without `on_admit_deferred` nothing can be awaited: a deferral is then a refusal.
            if constexpr (!detail::has_on_admit_deferred<H>)
                if (is_verdict(cause) && cause != errc::ok) cause = errc::denied;
            if (cause != errc::ok) first = place - 1;
            return cause == errc::ok;
        };
        std::apply([&](auto&... hs) { static_cast<void>((ask(hs) && ...)); }, links);
        return cause;
    }

    // Shares the hooks, since the chain may end before its last answer. One coroutine serves all hooks.
    template <class A>
    static A ask_rest(std::shared_ptr<tuple> links, const request& r, admission& a, std::size_t first) {
        using question = std::optional<A> (*)(tuple&, const request&, admission&);
        static constexpr auto questions = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<question, sizeof...(Hs)>{&hooks::template ask<I, A>...};
        }(std::index_sequence_for<Hs...>{});
        for (errc cause = errc::deferred;;) {
            if (auto answer = questions[first](*links, r, a)) cause = co_await std::move(*answer);
            if (cause != errc::ok) co_return is_verdict(cause) ? errc::denied : cause;
            ++first;
            cause = admit(*links, r, a, first);
            if (cause != errc::deferred) co_return cause;
        }
    }

    template <std::size_t I, class A>
    static std::optional<A> ask(tuple& links, [[maybe_unused]] const request& r,
                                [[maybe_unused]] admission& a) {
        using H = std::tuple_element_t<I, tuple>;
        if constexpr (detail::has_on_admit_deferred<H>)
            return std::optional<A>{std::get<I>(links).on_admit_deferred(r, a)};
        else
            return std::optional<A>{};
    }

    template <class H>
    static void close(H& h, peer_handle peer, errc why) {
        if constexpr (detail::has_on_close<H>) h.on_close(peer, why);
    }

    [[no_unique_address]] std::conditional_t<can_defer, std::shared_ptr<tuple>, tuple> links_;
};

/// The types are those of the arguments.
template <class... Hs>
hooks(Hs...) -> hooks<Hs...>;

/// The empty chain.
using no_hooks = hooks<>;

namespace detail {

template <class H>
struct is_hooks : std::false_type {};
template <class... Hs>
struct is_hooks<hooks<Hs...>> : std::true_type {};

} // namespace detail

} // namespace sigfire::inline v0_1
