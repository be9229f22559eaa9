// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/hub/deferral.hpp>

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire {

/** What a hook learns about the message in hand, and what it may do besides judging it. Lives until the
 *  message was delivered or refused. */
class message_context {
public:
    /// For hubs, and for tests of hooks: who says it, the time, where late verdicts go, and how many hooks
    /// have judged it already.
    message_context(peer_handle from, time_point now, std::shared_ptr<detail::late_box> box = nullptr,
                    std::size_t judged = 0) noexcept
        : from_(from), now_(now), box_(std::move(box)), judged_(judged) {}

    message_context(const message_context&) = delete;
    message_context& operator=(const message_context&) = delete;

    /// Who says it; the envelope's `from` is the id.
    peer_handle from() const noexcept { return from_; }

    /// The hub's time.
    time_point now() const noexcept { return now_; }

    /** Keeps `text` until the message was delivered, so that the envelope may view it. Who changes
     *  `data.bytes` puts a valid payload there, says in `data.format` how it is written, and sets
     *  `data.signal` to a part of it, or empties it. */
    std::string_view keep(std::string text) { return kept_.emplace_front(std::move(text)); }

    /** Makes `ok` the sender's reply, with `data` (a JSON object, or empty) where its wire has room for it,
     *  and ends the message here: no further hook sees it, and nobody is sent it. */
    void reply(std::string data = {}) {
        text_ = keep(std::move(data));
        answered_ = true;
    }

    /// Makes the sender's reply a failure in words of your own: `return context.fail("Forbidden");`
    errc fail(std::string text, errc cause = errc::denied) {
        text_ = keep(std::move(text));
        return cause;
    }

    /** Puts the verdict off: return `errc::deferred` and keep the ticket. `e.id`, names and payload of the
     *  envelope are kept by the hub; the sender's further messages wait behind this one. If it passes, the
     *  hooks behind this one judge next. Without a verdict in time the sender's reply is `expired`. */
    deferral defer() {
        if (!box_) box_ = std::make_shared<detail::late_box>();
        return {box_, deferred_as_ = ++box_->last};
    }

    /// Which ticket was taken; 0 = none.
    std::uint64_t deferred_as() const noexcept { return deferred_as_; }

    /// How many hooks of the chain have judged the message.
    std::size_t judged() const noexcept { return judged_; }

    /// Whether a hook replied.
    bool answered() const noexcept { return answered_; }

    /// The data of the reply, or what is said instead of the cause's own text.
    std::string_view text() const noexcept { return text_; }

private:
    template <class...>
    friend class hooks;

    peer_handle from_;
    time_point now_;
    std::shared_ptr<detail::late_box> box_;
    std::size_t judged_;
    std::uint64_t deferred_as_ = 0;
    std::forward_list<std::string> kept_;
    std::string_view text_;
    bool answered_ = false;
};

namespace detail {

// What the first of them returns that has to be awaited.
template <class... Hs>
struct awaited_answer;
template <class H, class... Hs>
struct awaited_answer<H, Hs...> : awaited_answer<Hs...> {};
template <awaits_on_admit H, class... Hs>
struct awaited_answer<H, Hs...> {
    using type =
        decltype(std::declval<H&>().on_admit(std::declval<const request&>(), std::declval<admission&>()));
};

} // namespace detail

/** A chain of hooks, put together by the compiler: `hooks{bearer{check}, my_limits{}}`. A part of a server,
 *  and of a hub; a chain without hooks costs nothing.
 *
 *  Admissions, messages and deliveries pass the hooks from the first to the last, and the first refusal
 *  wins: those behind it are not asked. `on_open` goes from the first to the last, `on_close` from the last
 * to the first. Each hook is moved in and models Hook.
 *
 *  If an `on_admit` is awaitable, that of the chain is too; awaitable ones are all of one type. The hooks of
 *  such a chain live until the last admission has ended, though the server may be gone by then; copies of the
 *  chain share them. */
template <class... Hs>
class hooks {
    static_assert(((!detail::names_on_admit<Hs> || detail::has_on_admit<Hs>) && ...),
                  "sigfire: on_admit has the wrong shape: errc on_admit(const request&, admission&), or "
                  "awaitable<errc> on_admit(const request&, admission&)");
    static_assert(((!detail::names_on_open<Hs> || detail::has_on_open<Hs>) && ...),
                  "sigfire: on_open has the wrong shape: void on_open(peer_handle, const admission&)");
    static_assert(((!detail::names_on_message<Hs> || detail::has_on_message<Hs>) && ...),
                  "sigfire: on_message has the wrong shape: errc on_message(message_context&, envelope&)");
    static_assert(((!detail::names_on_deliver<Hs> || detail::has_on_deliver<Hs>) && ...),
                  "sigfire: on_deliver has the wrong shape: bool on_deliver(peer_handle, const envelope&)");
    static_assert(((!detail::names_on_close<Hs> || detail::has_on_close<Hs>) && ...),
                  "sigfire: on_close has the wrong shape: void on_close(peer_handle, errc)");
    static_assert((Hook<Hs> && ...),
                  "sigfire: a hook has at least one of on_admit, on_open, on_message, on_deliver, on_close");

    static constexpr bool awaits = (detail::awaits_on_admit<Hs> || ...);
    using tuple = std::tuple<Hs...>;

public:
    hooks()
        requires(sizeof...(Hs) == 0)
    = default;
    explicit hooks(Hs... links)
        requires(sizeof...(Hs) != 0)
        : links_([&] {
              if constexpr (awaits)
                  return std::make_shared<tuple>(std::move(links)...);
              else
                  return tuple{std::move(links)...};
          }()) {}

    errc on_admit(const request& r, admission& a)
        requires(!awaits && (detail::has_on_admit<Hs> || ...))
    {
        return first_refusal([&]<class H>(H& h) {
            if constexpr (detail::has_on_admit<H>) return h.on_admit(r, a);
            return errc::ok;
        });
    }

    auto on_admit(const request& r, admission& a)
        requires awaits
    {
        return ask_all(links_, r, a);
    }

    void on_open(peer_handle peer, const admission& a)
        requires(detail::has_on_open<Hs> || ...)
    {
        first_refusal([&]<class H>(H& h) {
            if constexpr (detail::has_on_open<H>) h.on_open(peer, a);
            return errc::ok;
        });
    }

    errc on_message(message_context& context, envelope& e)
        requires(detail::has_on_message<Hs> || ...)
    {
        std::size_t place = 0;
        return first_refusal([&]<class H>(H& h) {
            if (place++ < context.judged_) return errc::ok;
            if constexpr (detail::has_on_message<H>)
                if (!context.answered()) {
                    const errc cause = h.on_message(context, e);
                    if (cause == errc::deferred) context.judged_ = place;
                    return cause;
                }
            return errc::ok;
        });
    }

    bool on_deliver(peer_handle to, const envelope& e)
        requires(detail::has_on_deliver<Hs> || ...)
    {
        return errc::ok == first_refusal([&]<class H>(H& h) {
                   if constexpr (detail::has_on_deliver<H>)
                       return h.on_deliver(to, e) ? errc::ok : errc::denied;
                   return errc::ok;
               });
    }

    void on_close(peer_handle peer, errc why)
        requires(detail::has_on_close<Hs> || ...)
    {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (close(std::get<sizeof...(Hs) - 1 - I>(links()), peer, why), ...);
        }(std::index_sequence_for<Hs...>{});
    }

private:
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
        if constexpr (awaits)
            return *links_;
        else
            return links_;
    }

    // Holds the hooks itself, since the chain may be gone before its last answer. One coroutine for all of
    // them: each either has its answer at once or leaves something to await.
    template <class A = detail::awaited_answer<Hs...>>
    static typename A::type ask_all(std::shared_ptr<tuple> links, const request& r, admission& a) {
        using later = std::optional<typename A::type>;
        using question = errc (*)(tuple&, const request&, admission&, later&);
        const auto questions = []<std::size_t... I>(std::index_sequence<I...>) {
            return std::array<question, sizeof...(Hs)>{&hooks::template ask<I, later>...};
        }(std::index_sequence_for<Hs...>{});
        for (const question ask : questions) {
            later answer;
            errc cause = ask(*links, r, a, answer);
            if (answer) cause = co_await std::move(*answer);
            if (cause != errc::ok) co_return cause;
        }
        co_return errc::ok;
    }

    template <std::size_t I, class Later>
    static errc ask(tuple& links, [[maybe_unused]] const request& r, [[maybe_unused]] admission& a,
                    [[maybe_unused]] Later& answer) {
        auto& h = std::get<I>(links);
        using H = std::remove_reference_t<decltype(h)>;
        if constexpr (detail::awaits_on_admit<H>)
            answer.emplace(h.on_admit(r, a));
        else if constexpr (detail::has_on_admit<H>)
            return h.on_admit(r, a);
        return errc::ok;
    }

    template <class H>
    static void close(H& h, peer_handle peer, errc why) {
        if constexpr (detail::has_on_close<H>) h.on_close(peer, why);
    }

    [[no_unique_address]] std::conditional_t<awaits, std::shared_ptr<tuple>, tuple> links_;
};

template <class... Hs>
hooks(Hs...) -> hooks<Hs...>;

/// The chain of nobody.
using no_hooks = hooks<>;

namespace detail {

template <class H>
struct is_hooks : std::false_type {};
template <class... Hs>
struct is_hooks<hooks<Hs...>> : std::true_type {};

} // namespace detail

/** Functions for commands: `hooks{commands{{"exists", f}, {"*", g}}}`. Models Hook.
 *
 *  A function is called for its command, be it one that the hub knows or one of your own, and `*` for all
 *  of which nobody else knows. It answers by `context.reply(data)`, or fails by a cause or
 * `context.fail(text)`, now or by a ticket of `context.defer()`. If it does neither, a command that the hub
 * knows goes its way, and the reply to another is `ok`. `awaited.hpp` makes functions of coroutines. */
class commands {
public:
    using function = std::function<errc(message_context&, envelope&)>;

    commands(std::initializer_list<std::pair<const std::string, function>> named) : named_(named) {}

    errc on_message(message_context& context, envelope& e) {
        auto found = named_.find(e.command);
        const bool relayed = e.what != verb::other;
        if (found == named_.end() || e.command == "*") found = relayed ? named_.end() : named_.find("*");
        if (found == named_.end()) return errc::ok;
        const errc cause = found->second(context, e);
        if (cause == errc::ok && !relayed && !context.answered()) context.reply();
        return cause;
    }

private:
    std::map<std::string, function, std::less<>> named_;
};

/** What a hook keeps for each peer: `emplace` in `on_open`, `find` in between, `erase` in `on_close`.
 *
 *  A table by slot: one indexed look-up, no hashing, and a peer that is gone is not found by its handle. It
 *  is the hook's own, not the hub's: hooks that keep nothing cost no memory, several hooks keep different
 *  types, and each can be tested without a hub. References stay valid until `erase`. */
template <class T>
class peer_states {
public:
    /// The state of `peer`, made of `args`; takes the place of any older one in that slot.
    template <class... Args>
    T& emplace(peer_handle peer, Args&&... args) {
        if (peer.slot >= entries_.size()) entries_.resize(std::size_t{peer.slot} + 1);
        auto& e = entries_[peer.slot];
        e.generation = peer.generation;
        return e.state.emplace(std::forward<Args>(args)...);
    }

    /// The state of `peer`, or null.
    T* find(peer_handle peer) noexcept {
        if (peer.slot >= entries_.size()) return nullptr;
        auto& e = entries_[peer.slot];
        return e.generation == peer.generation && e.state ? &*e.state : nullptr;
    }

    /// Forgets `peer`, if it has a state.
    void erase(peer_handle peer) noexcept {
        if (find(peer) != nullptr) entries_[peer.slot].state.reset();
    }

private:
    struct entry {
        std::uint32_t generation = 0;
        std::optional<T> state;
    };

    std::deque<entry> entries_;
};

} // namespace sigfire
