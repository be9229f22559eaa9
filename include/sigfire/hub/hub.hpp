// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/hub_pipeline.hpp>
#include <sigfire/hub/directory.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub_options.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/router.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** Admits peers, delivers the messages between them, and replies to each request.
 *
 *  A hub does no I/O and reads no clock. Its inputs are `opened`, `received`, `alive`, `resumed`, `tick` and
 *  `closed`. Time stands still between two ticks. The other members are for the host program.
 *
 *  The event of a peer passes these stages: limit, hooks, policy, then a route or the feature that handles
 *  the event, deliver, outcome. Each stage is a function in `detail/hub_pipeline.hpp`; the last two are in
 *  `detail/hub_core.hpp`.
 *
 *  Guarantees: the first message to a peer is its welcome. Each request with a token gets exactly one reply.
 *  The reply enters the outbox of the sender before any message that the request causes. Messages of one
 *  sender to one target arrive in order. A message with several targets goes to each target that can take it.
 *  It ends with `ok` if at least one target could.
 *
 *  Claims: a second connection may ask for the id of an online peer. Then the hub pings the holder and holds
 *  the claimant. If the holder answers, the hub refuses the claimant. If no pong arrives within
 *  `hub_options::claim_timeout`, the hub disconnects the holder. When the holder has left, the claimant gets
 *  the id. A claimant with `admission::id_verified` gets the id at once. A feature may refuse other
 *  claims: `resume` keeps the ids of resumable peers for them.
 *
 *  Thread safety: none; one thread at a time. Hooks, features, functions and logs may call the members for
 *  the host program during a call of the hub. Then `send` acts at once; `close` and `stop` act after the
 *  current event.
 *
 *  Memory: a slot of 64 bytes for each peer, and the entry of the registry. The hub reuses slots and frees
 *  them in its destructor. After the peak, only `opened`, hooks and features allocate.
 *  @tparam R models Registry
 *  @tparam T models Router
 *  @tparam O models Channel
 *  @tparam L models Log; `no_log` lists the events
 *  @tparam H a chain of hooks: `hooks<...>`
 *  @tparam F `features<...>`; each models Feature
 *  @tparam P models Policy */
template <class R, class T, class O, class L = no_log, class H = no_hooks, class F = features<>,
          class P = permit_all>
class hub : detail::hub_pipeline<hub<R, T, O, L, H, F, P>, R, T, O, L, H, F, P> {
    static_assert(Registry<R>, "sigfire: Registry requirements not met");
    static_assert(Router<T>, "sigfire: Router requirements not met");
    static_assert(Channel<O>, "sigfire: Channel requirements not met");
    static_assert(Log<L>, "sigfire: Log requirements not met");
    static_assert(detail::is_hooks<H>::value, "sigfire: give hooks to a hub as a chain: hooks{...}");
    static_assert(detail::is_features<F>::value, "sigfire: give features to a hub as features{...}");
    static_assert(Policy<P>, "sigfire: Policy requirements not met");

    using base = detail::hub_pipeline<hub, R, T, O, L, H, F, P>;
    using standing = detail::standing;
    using base::has_features, base::can_wait, base::each_feature, base::any_feature, base::guarded,
        base::slots_, base::registry_, base::lines_, base::box_, base::now_, base::nowhere, base::options_;
    using typename base::slot;
    using typename base::work;

    friend class feature_context<hub>;
    friend base;
    friend class sigfire::directory<hub>;
    template <class, class, class, class, class, class, class, class>
    friend class detail::hub_core;
    template <class, class, class, class, class, class, class, class>
    friend class detail::hub_peers;

public:
    /// Creates a hub without peers. Takes each part by value and moves it in.
    explicit hub(const hub_options& options = {}, R registry = {}, T router = {}, L log = {}, H hooks = {},
                 F features = {}, P policy = {})
        : base(options, std::move(registry), std::move(router), std::move(log), std::move(hooks),
               std::move(features), std::move(policy)) {}

    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;

    /// The type of the chain of hooks.
    using hooks_type = H;

    /** Asks the hooks whether the hub admits a connection that it does not know yet.
     *
     *  Returns `ok`, or the cause of the refusal; then `entry.refused_as`, if set, says how to refuse the
     *  connection. If it returns `deferred`, `await_admission` returns the answer later. If a hook throws,
     *  the cause is `internal_error`.
     *  @param r the request of the connection
     *  @param entry the admission, as the codec has filled it; hooks may change it
     *  @param first index of the first hook to ask; on `deferred`, the index of the hook to await */
    errc admit([[maybe_unused]] const request& r, [[maybe_unused]] admission& entry,
               [[maybe_unused]] std::size_t& first) {
        errc cause = this->stop_cause_;
        if (cause != errc::ok) return cause;
        if constexpr (requires { this->hooks_.on_admit(r, entry, first); })
            if (!guarded([&] { cause = this->hooks_.on_admit(r, entry, first); })) {
                cause = errc::internal_error;
                entry.refused_as.reset(); // it belongs to another cause
            }
        return cause;
    }
    /// Returns an awaitable with the answer of the hooks, after `admit` has returned `deferred`. `r` and
    /// `entry` must live until it ends.
    auto await_admission(const request& r, admission& entry, std::size_t first)
        requires(H::can_defer)
    {
        return this->hooks_.on_admit_deferred(r, entry, first);
    }

    /// Reports a refused connection to hooks and log.
    /// @param remote numeric address of the other side
    /// @param cause the cause of the refusal
    void refused([[maybe_unused]] std::string_view remote, errc cause) {
        const work w{*this};
        this->ends({}, cause, {}, remote);
        if constexpr (!std::is_same_v<L, no_log>)
            guarded([&] {
                this->write(log_level::warn, "connection_refused",
                            {{"remote", remote}, {"cause", cause_name(cause)}});
            });
    }

    /// Logs that code of the host program threw while it handled a connection.
    using base::failed;

    /** Makes a peer of an accepted connection on which nothing was sent yet. The hub registers and welcomes
     *  the peer. If its id is claimed, the hub holds the connection until the claim is decided.
     *
     *  Keep the returned attachment with the connection, and report the end of the connection with `closed`.
     *
     *  Errors, after which the hub does not know the connection: `malformed` if the requested id is not 1-256
     *  bytes of UTF-8. `id_in_use` if a peer has the id and the connection cannot claim it. `stopping` after
     *  `stop`. Features add their own causes, for example `overloaded` for a full party.
     *  @param way the channel to the peer
     *  @param entry the admission, as codec and hooks have filled it */
    result<attachment> opened(const O& way, const admission& entry) {
        const work w{*this};
        auto entered = this->admit_peer(way, entry);
        if (!entered) refused(entry.remote, static_cast<errc>(entered.error().value()));
        return entered;
    }

    /** Processes an event of a peer. Relaying a message does not allocate. The hub ignores an event if the
     *  attachment is stale or its peer is not online.
     *  @param a the attachment of the connection; changed if the peer resumes as another peer on this
     *    connection
     *  @param e the event; the hub may change it. Its views must stay valid until this returns. */
    template <class E>
    void received(attachment& a, E& e) {
        static_assert(detail::is_one_of<E, incoming_events>,
                      "sigfire: a codec may emit only events of incoming_events");
        slot* const sender = this->resolve(a);
        if (sender == nullptr || sender->state != standing::online) return;
        const work w{*this};
        if constexpr (requires { this->hooks_.on_event(a.peer, std::as_const(e)); }) {
            if constexpr (H::only_observes)
                this->hooks_.on_event(a.peer, std::as_const(e));
            else
                guarded([&] { this->hooks_.on_event(a.peer, std::as_const(e)); });
        }
        if constexpr (has_features)
            if (sender->kept) [[unlikely]]
                heard(a.peer, e, !std::same_as<E, event::ack> && !std::same_as<E, event::resume>);
        if constexpr (std::same_as<E, event::ack>)
            acknowledged(*sender, a.peer, e);
        else if constexpr (std::same_as<E, event::resume>)
            return this->resume(*sender, a, e);
        else
            this->limit(*sender, a.peer, e);
    }

    /// Processes the late verdicts that have arrived: the deferred messages continue.
    void resumed() {
        const work w{*this};
        for (auto& late : box_->take()) {
            if constexpr (can_wait)
                if (const auto sender = lines_.settle(late.key)) {
                    this->go_on(*sender, &late);
                    continue;
                }
            guarded([&] { any_feature([&](auto& f) { return f.on_verdict(context_, late); }); });
        }
    }

    /** Sets the function that schedules calls of `resumed`. A listener sets it.
     *
     *  `post(f)` must arrange one call of `f()` or `f(now)` soon, on the thread of the hub. The call must not
     *  come from inside of the hub. The hub may call `post` on any thread. */
    template <class Post>
    void set_scheduler(Post post) {
        box_->on_ring([this, post = std::move(post), weak = std::weak_ptr{life_}] {
            post([this, weak](time_point now = time_point{}) {
                if (weak.expired()) return;
                set_time(now);
                resumed();
            });
        });
    }

    /// Reports that a connection answered a ping. The hub then refuses a connection that claims the id of the
    /// peer.
    void alive(attachment a) {
        slot* const holder = this->resolve(a);
        if (holder == nullptr || holder->state != standing::online || holder->link == nowhere) return;
        const work w{*this};
        this->defend(*holder);
    }

    /// Sets the time, but ends nothing that is overdue: for calls of the host program between two ticks.
    void set_time(time_point now) noexcept { now_ = std::max(now_, now); }

    /** Sets the time and ends everything that is overdue: claims, admissions, deferred messages, and timers
     *  of features.
     *  @param now the time; never earlier than before
     *  @returns the latest time of the next call; `time_point::max()` = no deadline */
    time_point tick(time_point now) {
        const work w{*this};
        now_ = now;
        auto due = this->judge_claims();
        if constexpr (can_wait) {
            while (lines_.deadline() <= now) {
                detail::late_verdict none;
                none.key = lines_.due();
                none.cause = errc::expired;
                this->go_on(*lines_.settle(none.key), &none);
            }
            due = std::min(due, lines_.deadline());
        }
        this->stirred_ = false;
        each_feature([&](auto& f) { due = std::min(due, f.on_tick(context_)); });
        return this->stirred_ ? now : due;
    }

    /// Reports that a connection is gone, with the cause. The hub forgets its peer, unless a feature keeps
    /// the peer as away. A stale attachment has no effect.
    void closed(attachment a, errc why) {
        slot* const s = this->resolve(a);
        if (s == nullptr) return;
        const work w{*this};
        if (s->state == standing::claimant) slots_[s->link].link = nowhere;
        const bool online = s->state == standing::online;
        if constexpr (has_features)
            if (online && s->kept && s->link == nowhere && this->go_away(*s, a.peer, why)) return;
        if (online || s->state == standing::leaving)
            this->note(base::is_fault(why) ? log_level::warn : log_level::info, "peer_closed", s->id.view(),
                       why);
        s->lose_way(); // the hub sends nothing to a closed connection
        if (online) this->leave(a.peer.slot, why);
        this->pending_entries_.erase(a.peer.slot);
        slots_.remove(a.peer.slot);
    }

    /// Disconnects a peer because of a fault of its connection. The peer leaves at once; `closed` is still to
    /// come.
    void close(attachment a, errc why) {
        slot* const s = this->resolve(a);
        if (s == nullptr || s->state != standing::online) return;
        const work w{*this};
        this->end(a.peer.slot, why);
    }

    // --- for the host program ---

    /** Sends a command to a peer in the name of the server: `from` of the message is empty. If the wire names
     *  senders, its codec leaves the name out.
     *  @param to the id of the peer
     *  @param command the name of the command
     *  @param data the payload in the format of `wire`, or empty for none
     *  @param wire the format of `data`
     *  @returns `ok`, or the cause of the failure: `unknown`, `full`, ... */
    errc send(std::string_view to, std::string_view command, std::string_view data = {},
              wire_id wire = default_wire) {
        const work w{*this};
        event::send e;
        e.command = command;
        e.to = to;
        e.data = {data, wire};
        const auto id = this->message_ids_.next();
        typename base::target_list targets;
        const errc cause = this->route({}, e, detail::view(id), targets);
        if (cause == errc::ok) this->hand_out(targets, e);
        return cause;
    }

    /** Disconnects the peer with that id, or removes the function with that id. Returns false if no peer has
     *  the id.
     *
     *  The id is free at once, or after the current event if the hub is processing one. */
    bool close(std::string_view id, errc why) {
        peer_handle peer = registry_.find(id);
        if (!peer && this->unlisted_.contains(id)) peer = this->unlisted_.at(id);
        if (!peer) return false;
        if (this->at_work())
            this->put_by([this, peer, why] { this->close_peer(peer, why); });
        else if (const work w{*this}; true)
            this->end(peer.slot, why);
        return true;
    }

    /// Returns the peer with that id, online, away or a function, or a null handle.
    peer_handle find(std::string_view id) const { return registry_.find(id); }

    /** Calls `f(std::string_view id, peer_handle)` for each peer that is online, away or a function.
     *
     *  `f` may send, and may close any peer. A peer that is admitted during the calls may be left out. */
    template <class G>
    void for_each(G f) {
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (base::is_present(slots_[i])) f(slots_[i].id.view(), slots_.handle(i));
    }

    /// Whether a peer is online: neither away nor a function.
    bool is_online(peer_handle peer) { return this->stands(peer, standing::online); }

    /// Number of registered ids: of peers that are online or away, and of functions.
    std::size_t size() const { return registry_.size(); }

    /// Disconnects every peer and every claimant, and refuses new connections from now on. `closed` is still
    /// to come for each connection.
    void stop(errc why = errc::stopping) {
        this->stop_cause_ = why;
        if (this->at_work()) return this->put_by([this, why] { this->end_all(why); });
        const work w{*this};
        this->end_all(why);
    }

    /** Refuses new connections from now on, and keeps the peers: the first step of a slow stop. `shed` ends
     *  the peers, `stop` the rest. Resumes and claims are refused too.
     *  @param retry_after time after which refused clients may try again (HTTP `Retry-After`); 0 = not given
     */
    void drain(std::chrono::seconds retry_after = {}) {
        if (this->stop_cause_ == errc::ok) this->stop_cause_ = errc::stopping;
        this->retry_after_ = retry_after;
    }

    /** Disconnects up to `most` online peers, and returns how many. The next call continues with other peers.
     *  `closed` is still to come for each connection. While the hub processes an event, this acts after the
     *  event and returns 0. */
    std::size_t shed(std::size_t most, errc why = errc::stopping) {
        if (this->at_work()) {
            this->put_by([this, most, why] { this->end_some(most, why); });
            return 0;
        }
        const work w{*this};
        return this->end_some(most, why);
    }

    /// Whether clients should come here: set by `set_ready`, at first true, and false after `drain` and
    /// `stop`. Listeners answer `/readyz` with it.
    bool is_ready() const noexcept { return this->ready_ && this->stop_cause_ == errc::ok; }
    /// Sets what `is_ready` returns before `drain` and `stop`. The hub admits connections either way.
    void set_ready(bool yes) noexcept { this->ready_ = yes; }
    /// Time after which a client may try again that is refused because of `drain`; 0 = not given.
    std::chrono::seconds retry_after() const noexcept { return this->retry_after_; }

    /// Makes a function a peer with that id. Requests and other messages to the peer become calls of
    /// `f(call&)`, see `requests`. `close` removes the function. Errors: `malformed`, `id_in_use`,
    /// `stopping`; `internal_error` if a feature throws or memory is exhausted.
    template <class Function>
    result<peer_handle> attach(std::string_view id, Function f) {
        static_assert(F::template takes<event::request>,
                      "sigfire: attached functions need a hub with the feature requests{}");
        if (this->stop_cause_ != errc::ok) return make_error_code(errc::stopping);
        if (!detail::is_name(id)) return make_error_code(errc::malformed);
        if (registry_.find(id)) return make_error_code(errc::id_in_use);
        const work w{*this};
        this->make_way(id, {});
        if (registry_.find(id)) return make_error_code(errc::id_in_use);
        const auto i = slots_.add(id, standing::function);
        slots_[i].kept = true;
        const auto peer = slots_.handle(i);
        bool sound = false;
        guarded([&] {
            registry_.insert(slots_[i].id.view(), peer);
            const bool taken = each_feature([&](auto& x) {
                if constexpr (requires { x.attach(peer, f); }) x.attach(peer, std::move(f));
            });
            admission granted;
            granted.id = id;
            sound = each_feature([&](auto& x) { x.on_open(context_, peer, granted); }) && taken;
        });
        if (sound) return peer;
        this->end(i, errc::internal_error);
        return make_error_code(errc::internal_error);
    }

    /// A read-only view of the present peers.
    using directory = sigfire::directory<hub>;

    /// Returns the feature of type `X`, the router or the policy, for the host program. Valid as long as the
    /// hub.
    template <class X>
    X& get() noexcept {
        if constexpr (std::is_same_v<X, T>)
            return this->router_;
        else if constexpr (std::is_same_v<X, P>)
            return this->policy_;
        else
            return this->features_.template get<X>();
    }

    /// The context that features use, for calls of their members by the host program. Valid as long as the
    /// hub.
    feature_context<hub>& context() noexcept { return context_; }

private:
    // One function for all event types: kept traffic then adds only a call to each `received`.
    [[gnu::noinline]] void heard(peer_handle who, const event::incoming& e, bool is_request) {
        each_feature([&](auto& f) { f.on_received(context_, who, e, is_request); });
    }
    void acknowledged(const slot& sender, peer_handle who, const event::ack& e) {
        if (sender.kept) each_feature([&](auto& f) { f.on_ack(context_, who, e); });
    }

    feature_context<hub> context_{*this};
    // Expires with the hub. The box may live longer: open tickets share it.
    std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

} // namespace sigfire::inline v0_1
