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

namespace sigfire {

/** Decides which peer is let in under which id, which peer gets which message, and how each request ends.
 *
 *  It does no I/O and reads no clock. Its inputs are `opened`, `received`, `alive`, `resumed`, `tick` and
 *  `closed`; time stands still between two ticks. The other members are for the host program.
 *
 *  An event of a peer passes these stages, each a function in `detail/hub_pipeline.hpp`, the last two in
 *  `detail/hub_core.hpp`: limit -> hooks -> policy -> route, or the feature that takes it -> deliver ->
 * outcome.
 *
 *  Contract: a peer's first message is its welcome. Each request that carries a token gets exactly one reply,
 *  and the reply is in the sender's outbox before anything that the request causes is in another's. Messages
 *  of one sender to one target arrive in order. A message for several goes to each that can take it, and
 *  ends in `ok` if anyone could.
 *
 *  A second claim of an online id: the hub pings the holder and holds the claimant. A pong refuses the
 *  claimant and leaves the holder alone; no pong within `claim_timeout`, or the holder's end, admits it. The
 * id of a peer that is away is kept for its return.
 *
 *  Thread safety: none, one thread at a time. Hooks, features, functions and logs may call the members for
 * the host program while the hub calls them: `send` acts at once, `close` and `stop` when the event in hand
 * is dealt with. Memory: a slot of 64 bytes a peer, plus the registry's entry; slots are used again, and
 * freed with the hub. Nothing but `opened`, hooks and features allocates once the peak was reached.
 *
 *  @tparam R  models Registry    @tparam T  models Router
 *  @tparam O  models Channel      @tparam L  models Log, events in log.hpp
 *  @tparam H  a chain of hooks: `hooks<...>`    @tparam F  `features<...>`, each models Feature
 *  @tparam P  models Policy */
template <class R, class T, class O, class L = no_log, class H = no_hooks, class F = features<>,
          class P = permit_all>
class hub : detail::hub_pipeline<hub<R, T, O, L, H, F, P>, R, T, O, L, H, F, P> {
    static_assert(Registry<R>, "sigfire: Registry requirements not met");
    static_assert(Router<T>, "sigfire: Router requirements not met");
    static_assert(Channel<O>, "sigfire: Channel requirements not met");
    static_assert(Log<L>, "sigfire: Log requirements not met");
    static_assert(detail::is_hooks<H>::value, "sigfire: the hooks of a hub are a chain: hooks{...}");
    static_assert(detail::is_features<F>::value, "sigfire: the features of a hub are given by features{...}");
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
    explicit hub(const hub_options& options = {}, R registry = {}, T router = {}, L log = {}, H hooks = {},
                 F features = {}, P policy = {})
        : base(options, std::move(registry), std::move(router), std::move(log), std::move(hooks),
               std::move(features), std::move(policy)) {}

    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;

    /// The hooks' chain.
    using hooks_type = H;

    /** A connection wants in; the codec has filled `wish`. The answer of the hooks from number `first` on:
     * `ok`, or the cause for which to refuse it, as `wish.refused_as` says if it is set; or `deferred`: then
     * `await_admission` tells. The hub does not know the connection yet. An exception of a hook is an
     * `internal_error`. */
    errc admit([[maybe_unused]] const request& r, [[maybe_unused]] admission& wish,
               [[maybe_unused]] std::size_t& first) {
        errc cause = errc::ok;
        if constexpr (requires { this->hooks_.on_admit(r, wish, first); })
            if (!guarded([&] { cause = this->hooks_.on_admit(r, wish, first); })) {
                cause = errc::internal_error;
                wish.refused_as.reset(); // it is not for this cause
            }
        return cause;
    }
    /// The awaitable that tells, after `deferred`. Request and admission live until it ends.
    auto await_admission(const request& r, admission& wish, std::size_t first)
        requires(H::can_defer)
    {
        return this->hooks_.on_admit_deferred(r, wish, first);
    }

    /// A connection was refused, by hooks, codec or transport; for hooks and log. `remote`: its numeric
    /// address.
    void refused([[maybe_unused]] std::string_view remote, errc cause) {
        const work w{*this};
        this->ends({}, cause);
        if constexpr (!std::is_same_v<L, no_log>)
            guarded([&] {
                this->write(log_level::warn, "connection_refused",
                            {{"remote", remote}, {"cause", cause_name(cause)}});
            });
    }

    /// Code of the host program threw while it dealt with a connection; for the log.
    using base::failed;

    /** A connection was accepted, and nothing was sent on it yet. The peer is registered and welcomed, or
     *  held until it is known whether the holder of its id is alive. Keep the attachment with the connection,
     *  and report the connection's end by `closed`.
     *
     *  Errors, after which the hub does not know the connection: `malformed` if the id asked for is not 1-256
     *  bytes of UTF-8, `id_in_use` if it is taken and cannot be claimed, `stopping` after `stop`, and those
     * of features: `overloaded` if there are enough of its party. */
    result<attachment> opened(const O& way, const admission& wish) {
        const work w{*this};
        auto entered = this->admit_peer(way, wish);
        if (!entered) refused(wish.remote, static_cast<errc>(entered.error().value()));
        return entered;
    }

    /** A peer sent an event. An event of an attachment that is not, or no longer, online is ignored. Changes
     * `e`; its views have to live until this returns. Changes `a` if the peer proved to be another one, which
     * continues on this connection. Does not allocate to relay a message. */
    template <class E>
    void received(attachment& a, E& e) {
        static_assert(detail::is_one_of<E, incoming_events>,
                      "sigfire: a codec emits events of incoming_events");
        slot* const sender = this->resolve(a);
        if (sender == nullptr || sender->state != standing::online) return;
        const work w{*this};
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

    /// Late verdicts are in: the messages that were put off go on.
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

    /** How `resumed` comes to be called: `post(f)` has `f()`, or `f(now)`, called soon, on the hub's thread,
     * from outside the hub; it may be called on any thread. A listener sets it. */
    template <class Post>
    void on_late(Post post) {
        box_->on_ring([this, post = std::move(post), weak = std::weak_ptr{life_}] {
            post([this, weak](time_point now = time_point{}) {
                if (weak.expired()) return;
                set_time(now);
                resumed();
            });
        });
    }

    /// A peer's connection answered a ping. A connection that claims its id is refused.
    void alive(attachment a) {
        slot* const holder = this->resolve(a);
        if (holder == nullptr || holder->state != standing::online || holder->link == nowhere) return;
        const work w{*this};
        this->defend(*holder);
    }

    /// Sets the time without judging anything overdue: for calls of the host program between two ticks.
    void set_time(time_point now) noexcept { now_ = std::max(now_, now); }

    /** Sets the time and ends all that is overdue.
     *  @returns when to call it again at the latest; `time_point::max()` = no matter when. */
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

    /// A connection that was `opened` is gone, and this is why. Its peer is forgotten; a stale attachment
    /// closes nothing.
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
        s->lose_way(); // nothing is sent to a connection that is gone
        if (online) this->leave(a.peer.slot, why);
        this->wishes_.erase(a.peer.slot);
        slots_.remove(a.peer.slot);
    }

    /// Ends a peer for a fault of its connection; it is unknown from now on. `closed` is still to come.
    void close(attachment a, errc why) {
        slot* const s = this->resolve(a);
        if (s == nullptr || s->state != standing::online) return;
        const work w{*this};
        this->end(a.peer.slot, why);
    }

    // --- for the host program ---

    /** Sends `command` with a payload (in the format of `wire`, or empty for none) to a peer in the
     * name of the server: the message has an empty `from`, and a wire that names the sender leaves the name
     * out.
     *  @returns the cause why it was not sent: `unknown`, `full`, ... */
    errc send(std::string_view to, std::string_view command, std::string_view data = {},
              wire_id wire = default_wire) {
        const work w{*this};
        event::say e;
        e.command = command;
        e.to = to;
        e.data = {data, wire};
        const auto id = this->message_ids_.next();
        typename base::target_list targets;
        const errc cause = this->route({}, e, detail::view(id), targets);
        if (cause == errc::ok) this->hand_out(targets, e);
        return cause;
    }

    /// Closes a peer; false if no peer goes by that id. The id is free from now on, or when the hub has dealt
    /// with the event in hand.
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

    /// The peer with that id: connected, away or a function; or nobody.
    peer_handle find(std::string_view id) const { return registry_.find(id); }

    /** Calls `f(std::string_view id, peer_handle)` for each peer: connected, away or a function. `f` may
     * send, and close any peer, itself included; a peer admitted meanwhile may be left out. */
    template <class G>
    void for_each(G f) {
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (base::is_present(slots_[i])) f(slots_[i].id.view(), slots_.handle(i));
    }

    /// Whether a peer is connected: neither away nor a function.
    bool is_online(peer_handle peer) { return this->stands(peer, standing::online); }

    /// How many ids are taken: by peers that are connected, away or functions.
    std::size_t size() const { return registry_.size(); }

    /// Closes every peer, claimants too, and admits nobody any more. `closed` is still to come for each.
    void stop(errc why = errc::stopping) {
        this->stop_cause_ = why;
        if (this->at_work()) return this->put_by([this, why] { end_all(why); });
        const work w{*this};
        end_all(why);
    }

    /** Makes a function a peer of that id: requests and other messages to it are calls of `f(call&)`, see
     *  `requests`. `close` ends it. Errors: `malformed`, `id_in_use`, `stopping`, and `internal_error` if a
     *  feature throws or there is no memory. */
    template <class Function>
    result<peer_handle> attach(std::string_view id, Function f) {
        static_assert(F::template takes<event::request>,
                      "sigfire: peers that are functions need a hub with the part requests{}");
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

    /// A read-only view of the peers that are here.
    using directory = sigfire::directory<hub>;

    /// The feature `X` of this hub, or its router or policy, for the host program.
    template <class X>
    X& get() noexcept {
        if constexpr (std::is_same_v<X, T>)
            return this->router_;
        else if constexpr (std::is_same_v<X, P>)
            return this->policy_;
        else
            return this->features_.template get<X>();
    }

    /// The features' view of the hub, for the host program's calls of features.
    feature_context<hub>& context() noexcept { return context_; }

private:
    void end_all(errc why) {
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (base::is_present(slots_[i])) this->end(i, why);
    }

    // Once for all types: keeping costs each of them no more than a call.
    [[gnu::noinline]] void heard(peer_handle who, const event::incoming& e, bool is_request) {
        each_feature([&](auto& f) { f.on_received(context_, who, e, is_request); });
    }
    void acknowledged(const slot& sender, peer_handle who, const event::ack& e) {
        if (sender.kept) each_feature([&](auto& f) { f.on_ack(context_, who, e); });
    }

    feature_context<hub> context_{*this};
    // Ends with the hub, unlike the box: tickets that are out have a share in that one.
    std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

} // namespace sigfire
