// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/desk.hpp>
#include <sigfire/hub/detail/slots.hpp>
#include <sigfire/hub/detail/waiting_lines.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire {

/// Settings of a hub.
struct hub_options {
    /// How long the holder of an id that another connection claims may take to answer a ping.
    std::chrono::milliseconds claim_timeout{2000};
    /// How long a hook that puts a verdict off may take; then the message has `expired`.
    std::chrono::milliseconds deferral_timeout{5000};
    std::size_t deferred_messages = 64;    ///< of one peer that wait for verdicts; more are `full`
    std::size_t deferred_bytes = 1u << 20; ///< of those messages in all
};

/** Decides what happens: who is let in under which id, who gets which message, how each request ends.
 *
 *  It does no I/O and reads no clock. Its inputs are `opened`, `received`, `alive`, `resumed`, `tick` and
 *  `closed`; time stands still between two ticks. The other members are for the host program.
 *
 *  Contract: a peer's first message is its welcome. Each request that carries a token gets exactly one reply,
 *  and the reply is in the sender's outbox before anything that the request causes is in another's. Messages
 *  of one sender to one target arrive in order. A message for several goes to each that can take it, and
 *  ends in `ok` if anyone could.
 *
 *  A second claim of an online id: the hub pings the holder and holds the claimant. A pong refuses the
 *  claimant and leaves the holder alone; no pong within `claim_timeout`, or the holder's end, admits it.
 *
 *  Thread safety: none, one thread at a time. No member may be called by an outlet, a registry, a router, a
 *  hook or a log while the hub calls them. Memory: a slot of 64 bytes a peer, plus the registry's entry;
 *  slots are used again, and freed with the hub. Nothing but `opened`, and hooks, allocates once the peak was
 *  reached.
 *
 *  @tparam R  models Registry    @tparam T  models Router
 *  @tparam O  models Outlet      @tparam L  models Log, events in log.hpp
 *  @tparam H  a chain of hooks: `hooks<...>`    @tparam F  `features<...>`, each models Feature */
template <class R, class T, class O, class L = no_log, class H = no_hooks, class F = features<>>
class hub {
    static_assert(Registry<R>, "sigfire: Registry requirements not met");
    static_assert(Router<T>, "sigfire: Router requirements not met");
    static_assert(Outlet<O>, "sigfire: Outlet requirements not met");
    static_assert(Log<L>, "sigfire: Log requirements not met");
    static_assert(detail::is_hooks<H>::value, "sigfire: the hooks of a hub are a chain: hooks{...}");
    static_assert(detail::is_features<F>::value, "sigfire: the features of a hub are given by features{...}");

public:
    explicit hub(const hub_options& options = {}, R registry = {}, T router = {}, L log = {}, H hooks = {},
                 F features = {})
        : options_(options), registry_(std::move(registry)), router_(std::move(router)), log_(std::move(log)),
          hooks_(std::move(hooks)), features_(std::move(features)) {}

    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;
    ~hub() { box_->ring = nullptr; }

    /** A connection wants in; the codec has filled `wish`. What the hooks say to that: `ok`, or the cause for
     *  which to refuse it, as `wish.refusal` says if it is set; or what to await for that. The hub does not
     * know the connection yet. */
    auto admit([[maybe_unused]] const request& r, [[maybe_unused]] admission& wish) {
        if constexpr (detail::has_on_admit<H>)
            return hooks_.on_admit(r, wish);
        else
            return errc::ok;
    }

    /// What the hooks threw instead of letting somebody in: for the log.
    void admission_failed([[maybe_unused]] std::string_view what) {
        if constexpr (!std::is_same_v<L, no_log>)
            write(log_level::error, "admission_failed", {{"what", what}});
    }

    /** A connection was accepted, and nothing was sent on it yet. The peer is registered and welcomed, or
     *  held until it is known whether the holder of its id is alive. Keep the attachment with the connection,
     *  and report the connection's end by `closed`.
     *
     *  Errors, after which the hub does not know the connection: `malformed` if the id asked for is not 1-256
     *  bytes of UTF-8, `id_in_use` if it is taken and cannot be claimed, `stopping` after `stop`, and those
     * of features: `overloaded` if there are enough of its party. */
    result<attachment> opened(const O& way, const admission& wish) {
        if (stop_cause_ != errc::ok) return make_error_code(errc::stopping);
        if constexpr (has_features)
            if (!wish.token.empty())
                if (const auto back = bring_back(way, wish)) return *back;
        if (!wish.id.empty()) {
            if (!detail::is_name(wish.id)) return make_error_code(errc::malformed);
            if (const peer_handle holder = registry_.find(wish.id)) return claim(way, wish, holder.slot);
        }
        if constexpr (has_features) {
            errc cause = errc::ok;
            if (any_feature([&](auto& f) { return (cause = f.entering(desk_, wish)) != errc::ok; }))
                return make_error_code(cause);
        }
        if (!wish.id.empty()) return enter(slots_.add(way, wish.id, standing::online), wish);
        const auto id = draw_id();
        return enter(slots_.add(way, detail::view(id), standing::online), wish);
    }

    /** A peer said something. What an attachment says that is not, or no longer, online is ignored. Changes
     *  `e`; its views have to live until this returns. Changes `a` if the peer proved to be another, who
     *  continues on this connection. Does not allocate to relay a message, once the targets fit. */
    void received(attachment& a, envelope& e) {
        slot* const sender = resolve(a);
        if (sender == nullptr || sender->state != standing::online) return;
        if constexpr (has_features) {
            if (sender->kept) [[unlikely]]
                hear(a.peer, e);
            if (e.what == verb::resume) [[unlikely]]
                return resume(*sender, a, e);
        }
        if constexpr (detail::has_on_message<H>) {
            if (!is_request(e.what)) return;
            if (!lines_.empty() && lines_.contains(a.peer.slot)) {
                if (!lines_.push(a.peer.slot, e, options_.deferred_messages, options_.deferred_bytes))
                    reply_seldom(*sender, e.id, errc::full, {}, {});
                return;
            }
            // Out here, since what hooks keep in it has to live until the end.
            message_context context{a.peer, now_, box_};
            if (pass_hooks(*sender, a.peer, e, context)) act(*sender, a.peer, e);
        } else {
            act(*sender, a.peer, e);
        }
    }

    /// Late answers are in: what was put off goes on.
    void resumed() {
        box_->rung = false;
        for (auto& late : std::exchange(box_->answers, {})) {
            if constexpr (detail::has_on_message<H>)
                if (const auto sender = lines_.settle(late.key)) {
                    go_on(*sender, &late);
                    continue;
                }
            any_feature([&](auto& f) { return f.answered(desk_, late); });
        }
    }

    /** How `resumed` comes to be called: `post(f)` has `f` called soon, on the hub's thread, from outside the
     * hub. A listener sets it. */
    template <class Post>
    void on_late(Post post) {
        box_->ring = [this, post = std::move(post), weak = std::weak_ptr{box_}] {
            post([this, weak] {
                if (const auto box = weak.lock(); box && box->ring) resumed();
            });
        };
    }

    /// A peer's connection answered a ping. Whoever claims its id is refused.
    void alive(attachment a) {
        slot* const holder = resolve(a);
        if (holder == nullptr || holder->state != standing::online || holder->link == nowhere) return;
        slot& claimant = slots_[std::exchange(holder->link, nowhere)];
        note(log_level::warn, "claim_refused", claimant.id.view());
        refuse(claimant, errc::id_in_use);
    }

    /** Sets the time and ends what is overdue.
     *  @returns when to call it again at the latest; `time_point::max()` = no matter when. */
    time_point tick(time_point now) {
        now_ = now;
        auto due = next_claim();
        for (; due <= now; due = next_claim())
            end(slots_.find(claims_.front().claimant)->link, errc::pong_timeout);
        if constexpr (detail::has_on_message<H>) {
            for (; lines_.deadline() <= now;) {
                detail::late_answer none{lines_.due(), errc::expired, false, {}};
                go_on(*lines_.settle(none.key), &none);
            }
            due = std::min(due, lines_.deadline());
        }
        stirred_ = false;
        each_feature([&](auto& f) { due = std::min(due, f.tick(desk_)); });
        return stirred_ ? now : due;
    }

    /// A connection that was `opened` is gone, and this is why. Its peer is forgotten; what a stale
    /// attachment closes is nothing.
    void closed(attachment a, errc why) {
        slot* const s = resolve(a);
        if (s == nullptr) return;
        if (s->state == standing::claimant) slots_[s->link].link = nowhere;
        const bool online = s->state == standing::online;
        if constexpr (has_features)
            if (online && s->kept && s->link == nowhere && go_away(*s, a.peer, why)) return;
        if (online || s->state == standing::leaving)
            note(is_fault(why) ? log_level::warn : log_level::info, "peer_closed", s->id.view(), why);
        if (online) leave(a.peer.slot, why);
        if constexpr (keeps_wishes) wishes_.erase(a.peer.slot);
        slots_.remove(a.peer.slot);
    }

    /// Ends a peer for what its connection did; it is unknown from now on. `closed` is still to come.
    void close(attachment a, errc why) {
        slot* const s = resolve(a);
        if (s != nullptr && s->state == standing::online) end(a.peer.slot, why);
    }

    /** Sends `command` with a payload (JSON, or empty for none) to a peer in the name of the server: the
     *  envelope has an empty `from`, and a wire that names the sender leaves the name out.
     *  @returns the cause why it was not sent: `unknown`, `full`, ... */
    errc send(std::string_view to, std::string_view command, std::string_view json_payload = {}) {
        envelope e;
        e.what = verb::send;
        e.command = command;
        e.to = to;
        e.data.bytes = json_payload;
        const errc cause = judge({}, e);
        if (cause == errc::ok) hand_out(e);
        return cause;
    }

    /// Closes a peer; false if nobody online has that id. The id is free from now on.
    bool close(std::string_view id, errc why) {
        const peer_handle peer = registry_.find(id);
        if (peer) end(peer.slot, why);
        return static_cast<bool>(peer);
    }

    /// Who is online under that id, or nobody.
    peer_handle find(std::string_view id) const { return registry_.find(id); }

    /** Calls `f(std::string_view id, peer_handle)` for each online peer. `f` may send, and close any peer,
     *  itself included; a peer admitted meanwhile may be left out. */
    template <class G>
    void for_each(G f) {
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (slots_[i].state == standing::online) f(slots_[i].id.view(), slots_.handle(i));
    }

    /// How many peers are online.
    std::size_t size() const { return registry_.size(); }

    /// Closes everyone, claimants too, and admits nobody any more. `closed` is still to come for each.
    void stop(errc why = errc::stopping) {
        stop_cause_ = why;
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (is_present(slots_[i])) end(i, why);
    }

    /** Makes a function a peer of that id: requests and other messages to it are calls of `f(call&)`, see
     *  `requests`. `close` ends it. Errors: `malformed`, `id_in_use`, `stopping`. */
    template <class Function>
    result<peer_handle> attach(std::string_view id, Function f) {
        static_assert(F::takes(verb::request),
                      "sigfire: peers that are functions need a hub with the part requests{}");
        if (stop_cause_ != errc::ok) return make_error_code(errc::stopping);
        if (!detail::is_name(id)) return make_error_code(errc::malformed);
        if (registry_.find(id)) return make_error_code(errc::id_in_use);
        const auto i = slots_.add(id, standing::function);
        slots_[i].kept = true;
        const auto peer = slots_.handle(i);
        registry_.insert(slots_[i].id.view(), peer);
        each_feature([&](auto& x) {
            if constexpr (requires { x.attach(peer, f); }) x.attach(peer, std::move(f));
        });
        admission granted;
        granted.id = id;
        each_feature([&](auto& x) { x.opened(desk_, peer, granted); });
        return peer;
    }

    /// Whom routers, and codecs that answer HTTP, may ask who is here: as a Registry, and for the members of
    /// a topic. Names peers in the order in which they came if there is a feature that knows it (`roster`).
    struct directory {
        hub& all;

        peer_handle find(std::string_view id) const { return all.registry_.find(id); }
        std::size_t size() const { return all.registry_.size(); }
        template <class G>
        void for_each_peer(G f) const {
            const auto in_order = [&](peer_handle h) { f(all.whose(h)->id.view(), h); };
            if (!all.any_feature([&](auto& x) { return x.for_each_arrival(in_order); }))
                all.registry_.for_each_peer(std::move(f));
        }
        template <class G>
        void for_each(std::string_view topic, G f) const {
            all.each_feature([&](auto& x) { x.for_each(topic, f); });
        }
    };

    /// The feature `X` of this hub, or its router, for the host program.
    template <class X>
    X& get() noexcept {
        if constexpr (std::is_same_v<X, T>)
            return router_;
        else
            return features_.template get<X>();
    }

private:
    friend class desk<hub>;

    using standing = detail::standing;
    using slot = detail::slot<O>;
    static constexpr auto nowhere = detail::nowhere;

    struct nothing {
        constexpr nothing(auto&&...) noexcept {}
    };

    // A router may be a feature too.
    static constexpr bool has_features = F::size != 0 || Feature<T>;
    // What a claimant asked for is needed when it is let in.
    static constexpr bool keeps_wishes = detail::has_on_open<H> || has_features;

    template <class G>
    void each_feature([[maybe_unused]] G g) {
        features_.each(g);
        if constexpr (Feature<T>) g(router_);
    }
    template <class G>
    bool any_feature([[maybe_unused]] G g) {
        if (features_.any(g)) return true;
        if constexpr (Feature<T>) return g(router_);
        return false;
    }

    static bool is_present(const slot& s) noexcept {
        return s.state == standing::online || s.state == standing::away || s.state == standing::function;
    }

    struct pending_claim {
        peer_handle claimant;
        time_point deadline;
    };

    slot* resolve(attachment a) noexcept {
        slot* const s = slots_.find(a.peer);
        return s != nullptr && s->epoch == a.epoch ? s : nullptr;
    }

    // Nobody can reach the peer before its welcome: nothing happens between the two calls.
    attachment enter(std::uint32_t i, [[maybe_unused]] const admission& wish) {
        slot& s = slots_[i];
        const auto peer = slots_.handle(i);
        registry_.insert(s.id.view(), peer);
        envelope e;
        e.what = verb::welcome;
        e.id = message_ids_.next();
        e.to = s.id.view();
        each_feature([&](auto& f) { f.greeting(desk_, peer, wish, e); });
        s.way.deliver(e);
        note(log_level::info, "peer_opened", s.id.view());
        if constexpr (keeps_wishes) {
            admission granted = wish;
            granted.id = s.id.view();
            if constexpr (detail::has_on_open<H>) hooks_.on_open(peer, granted);
            each_feature([&](auto& f) { f.opened(desk_, peer, granted); });
        }
        return {peer, s.epoch};
    }

    result<attachment> claim(const O& way, const admission& wish, std::uint32_t holder) {
        const std::string_view id = wish.id;
        if (slots_[holder].state == standing::away) { // nobody there to defend it
            end(holder, errc::pong_timeout);
            return enter(slots_.add(way, id, standing::online), wish);
        }
        if (slots_[holder].state != standing::online || slots_[holder].link != nowhere ||
            !slots_[holder].way.ping()) {
            note(log_level::warn, "claim_refused", id);
            return make_error_code(errc::id_in_use);
        }
        const auto i = slots_.add(way, id, standing::claimant);
        slot& s = slots_[i];
        s.link = holder;
        slots_[holder].link = i;
        s.way.hold();
        if constexpr (keeps_wishes) wishes_.emplace(i, wish);
        const auto peer = slots_.handle(i);
        // One time-out for all, so the queue is in order of deadline; `tick` skips claims that were decided.
        claims_.push_back({peer, now_ + options_.claim_timeout});
        note(log_level::info, "id_claimed", id);
        return attachment{peer, s.epoch};
    }

    // The first claim that is undecided: when its time is up.
    time_point next_claim() {
        for (; !claims_.empty(); claims_.pop_front()) {
            const slot* const claimant = slots_.find(claims_.front().claimant);
            if (claimant != nullptr && claimant->state == standing::claimant) return claims_.front().deadline;
        }
        return time_point::max();
    }

    // --- what peers say ---

    // Whether the hooks let `e` go on; else it is answered, or put off.
    bool pass_hooks(slot& sender, peer_handle who, envelope& e, message_context& context)
        requires(detail::has_on_message<H>)
    {
        const auto asked = e.id;
        e.from = sender.id.view();
        const errc refusal = hooks_.on_message(context, e);
        e.id = asked;
        if (refusal == errc::ok && !context.answered()) return true;
        if (refusal == errc::deferred && context.deferred_as() != 0)
            lines_.put_off(who.slot, e, context.deferred_as(), context.judged(),
                           now_ + options_.deferral_timeout);
        else if (refusal == errc::ok)
            reply_seldom(sender, asked, errc::ok, context.text(), {});
        else
            reply_seldom(sender, asked, is_verdict(refusal) ? errc::denied : refusal, {}, context.text());
        return false;
    }

    // The verdict on the first message of a line is in: that one and those behind it go on.
    void go_on(std::uint32_t sender, const detail::late_answer* verdict)
        requires(detail::has_on_message<H>)
    {
        for (const auto who = slots_.handle(sender); auto first = lines_.pop(sender);) {
            slot& s = slots_[sender];
            auto& e = first->message.get();
            const auto* const late = std::exchange(verdict, nullptr);
            if (late != nullptr && (late->cause != errc::ok || late->answered)) {
                const std::string_view text = late->text;
                reply_seldom(s, e.id, late->cause, late->answered ? text : std::string_view{},
                             late->answered ? std::string_view{} : text);
                continue;
            }
            message_context context{who, now_, box_, first->judged};
            if (pass_hooks(s, who, e, context))
                act(s, who, e);
            else if (lines_.waits(sender))
                return;
        }
    }

    void act(slot& sender, peer_handle from, envelope& e) {
        if (e.what == verb::send) [[likely]]
            return relay(sender, from, e);
        if (is_request(e.what)) serve(sender, from, e);
    }

    // A request to the hub itself.
    [[gnu::noinline]] void serve(slot& sender, peer_handle from, envelope& e) {
        e.from = sender.id.view();
        if (e.what == verb::ping) return reply_seldom(sender, e.id, errc::ok, {}, {});
        const bool taken = any_feature([&](auto& f) {
            if (!f.takes(e.what)) return false;
            if (e.status == errc::ok || e.what == verb::respond)
                f.received(desk_, from, e);
            else
                reply_seldom(sender, e.id, e.status, {}, {});
            return true;
        });
        if (!taken) reply_seldom(sender, e.id, errc::unknown_command, {}, {});
    }

    void relay(slot& sender, peer_handle from, envelope& e) {
        const auto token = e.id;
        e.from = sender.id.view();
        auto role = politeness::none;
        errc cause = errc::ok;
        if constexpr (has_features)
            any_feature([&](auto& f) { return (cause = f.sending(desk_, from, e)) != errc::ok; });
        if (cause == errc::ok) cause = judge(from, e);
        if constexpr (has_features) {
            if (cause != errc::ok) [[unlikely]]
                return miss(sender, from, e, token, cause);
            role = e.role;
            each_feature([&](auto& f) { f.sent(desk_, from, e); });
        }
        reply(sender, token, cause, role);
        if (cause == errc::ok) hand_out(e);
    }

    // `e` can't be delivered: maybe a feature takes care of it.
    [[gnu::noinline]] void miss(slot& sender, peer_handle from, envelope& e, std::string_view token,
                                errc cause) {
        e.id = token;
        const auto ask = [&](auto& f) {
            if (!is_verdict(cause)) cause = f.missed(desk_, from, e, cause);
        };
        // A mailbox first: it takes what a store of records would only find a better cause for, maybe late.
        if constexpr (Feature<T>) ask(router_);
        features_.each(ask);
        if (cause != errc::deferred) reply_seldom(sender, token, cause, {}, {});
    }

    // Fills `targets_` with those that can take `e`, or says why there are none.
    errc judge(peer_handle from, envelope& e) {
        if (e.to.empty() && e.topic.empty()) return e.status == errc::ok ? errc::missing_target : e.status;
        targets_.clear();
        errc cause = router_.route(directory{*this}, from, e,
                                   [this](peer_handle h) { targets_.push_back(slots_.find(h)); });
        if (cause != errc::ok) return cause;
        if (e.status != errc::ok) return e.status;
        e.id = message_ids_.next();
        const auto cannot = [&](slot* s) {
            const errc taken = s == nullptr ? errc::offline : !may_have(*s, e) ? errc::denied : takes(*s, e);
            if (taken != errc::ok) cause = taken;
            return taken != errc::ok;
        };
        std::erase_if(targets_, cannot);
        return targets_.empty() ? cause : errc::ok;
    }

    bool may_have([[maybe_unused]] const slot& to, [[maybe_unused]] const envelope& e) {
        if constexpr (detail::has_on_deliver<H>)
            return hooks_.on_deliver(registry_.find(to.id.view()), e);
        else
            return true;
    }

    errc takes(slot& s, const envelope& e) {
        if (s.state == standing::online) [[likely]]
            return s.way.ready(e);
        if constexpr (has_features) {
            if (s.state == standing::function) return errc::ok;
            if (s.state == standing::away) {
                const auto who = look_up(s.id.view());
                return any_feature([&](auto& f) { return f.can_keep(desk_, who, e); }) ? errc::ok
                                                                                       : errc::full;
            }
        }
        return errc::offline;
    }

    [[gnu::flatten]] void hand_out(const envelope& e) {
        for (slot* const s : targets_) put(*s, e);
    }

    void put(slot& s, const envelope& e) {
        if constexpr (has_features)
            if (s.kept) [[unlikely]]
                return put_aside(s, e);
        s.way.deliver(e);
    }

    // For features, out of line: what they do seldom must not cost relayed messages their inlining.
    [[gnu::noinline]] void put_seldom(slot& s, const envelope& e) { put(s, e); }
    [[gnu::noinline]] void put_past(slot& s, const envelope& e) { s.way.deliver(e); }
    // With data, or with `text` instead of the cause's own.
    [[gnu::noinline]] void reply_seldom(slot& to, std::string_view token, errc status, std::string_view data,
                                        std::string_view text, payload_format format = payload_format::json,
                                        std::uint64_t number = 0, politeness role = politeness::none) {
        if (token.empty()) return;
        envelope e;
        e.what = verb::reply;
        e.number = number;
        e.status = status;
        e.id = token;
        e.role = role;
        e.data.bytes = data;
        e.data.format = format;
        e.command = text;
        put(to, e);
    }
    [[gnu::noinline]] slot* whose(peer_handle peer) noexcept { return slots_.find(peer); }
    [[gnu::noinline]] peer_handle look_up(std::string_view id) const { return registry_.find(id); }

    [[gnu::noinline]] void put_aside(slot& s, const envelope& e) {
        const auto who = look_up(s.id.view());
        if (s.state == standing::function) return each_feature([&](auto& f) { f.invoke(desk_, who, e); });
        each_feature([&](auto& f) { f.keep(desk_, who, e); });
        if (s.state == standing::online) put_past(s, e);
    }

    // Flattened, and not by way of `put`: so that the codec is compiled for nothing but a short reply here.
    [[gnu::flatten]] void reply(slot& to, std::string_view token, errc status,
                                politeness role = politeness::none) {
        if (token.empty()) return;
        if constexpr (has_features)
            if (to.kept) [[unlikely]]
                return reply_seldom(to, token, status, {}, {}, payload_format::json, 0, role);
        envelope e;
        e.what = verb::reply;
        e.status = status;
        e.id = token;
        e.role = role;
        to.way.deliver(e);
    }

    // --- how peers come and go ---

    // A connection that brings the token of a peer of ours, who continues on it.
    std::optional<attachment> bring_back(const O& way, const admission& wish) {
        peer_handle who;
        any_feature([&](auto& f) { return static_cast<bool>(who = f.returning(desk_, wish)); });
        if (!who || (!wish.id.empty() && wish.id != slots_[who.slot].id.view())) return {};
        const auto a = reattach(who, way);
        each_feature([&](auto& f) { f.returned(desk_, who, wish); });
        return a;
    }

    attachment reattach(peer_handle who, const O& way) {
        slot& s = slots_[who.slot];
        if (s.state == standing::online) s.way.close(errc::replaced);
        if (s.link != nowhere) refuse(slots_[std::exchange(s.link, nowhere)], errc::id_in_use);
        const bool was_away = s.state == standing::away;
        s.set_way(way);
        s.state = standing::online;
        ++s.epoch;
        note(log_level::info, "peer_resumed", s.id.view());
        if (was_away) each_feature([&](auto& f) { f.back(desk_, who); });
        return {who, s.epoch};
    }

    [[gnu::noinline]] void hear(peer_handle who, const envelope& e) {
        each_feature([&](auto& f) { f.heard(desk_, who, e); });
    }

    [[gnu::noinline]] void resume(slot& sender, attachment& a, envelope& e) {
        const auto before = std::exchange(moved_, attachment{});
        if (F::takes(verb::resume))
            each_feature([&](auto& f) {
                if (f.takes(verb::resume)) f.received(desk_, a.peer, e);
            });
        else
            reply_seldom(sender, e.id, errc::unknown_command, {}, {});
        if (moved_) a = moved_;
        moved_ = before;
    }

    void take_over(peer_handle from, peer_handle old) {
        const O way = slots_[from.slot].way;
        leave(from.slot, errc::replaced);
        slots_.remove(from.slot);
        moved_ = reattach(old, way);
    }

    detail::id_chars draw_id() {
        auto id = ids_.draw();
        while (registry_.find(detail::view(id))) id = ids_.draw();
        return id;
    }

    [[gnu::noinline]] errc rename(peer_handle who, std::string_view id) {
        slot* const s = slots_.find(who);
        if (s == nullptr || s->state != standing::online) return errc::offline;
        const std::string fresh{id.empty() ? detail::view(draw_id()) : id};
        if (!detail::is_name(fresh)) return errc::malformed;
        if (registry_.find(fresh)) return errc::id_in_use;
        each_feature([&](auto& f) { f.renaming(desk_, who); });
        registry_.erase(s->id.view());
        s->id.assign(fresh);
        registry_.insert(s->id.view(), who);
        stirred_ = true;
        note(log_level::info, "peer_renamed", fresh);
        each_feature([&](auto& f) { f.renamed(desk_, who); });
        pass_on(*s);
        return errc::ok;
    }

    // Whether an online peer stays without its connection.
    bool go_away(slot& s, peer_handle who, errc why) {
        if (!any_feature([&](auto& f) { return f.outlives(desk_, who, why); })) return false;
        s.state = standing::away;
        s.lose_way();
        note(log_level::info, "peer_away", s.id.view(), why);
        each_feature([&](auto& f) { f.away(desk_, who); });
        return true;
    }

    // The hub ends a peer.
    void end(std::uint32_t i, errc why) {
        slot& s = slots_[i];
        if (s.state == standing::online) {
            s.way.close(why);
            return leave(i, why);
        }
        note(log_level::info, "peer_closed", s.id.view(), why);
        leave(i, why);
        slots_.remove(i); // no connection whose end would have to be waited for
    }

    // A peer gives up its id, to its claimant if it has one.
    void leave(std::uint32_t at, [[maybe_unused]] errc why) {
        slot& s = slots_[at];
        registry_.erase(s.id.view());
        [[maybe_unused]] const bool hooked = s.state != standing::function;
        s.state = standing::leaving;
        stirred_ = true;
        each_feature([&](auto& f) { f.closed(desk_, slots_.handle(at), why); });
        if constexpr (detail::has_on_message<H>) lines_.erase(at);
        if constexpr (detail::has_on_close<H>)
            if (hooked) hooks_.on_close(slots_.handle(at), why);
        pass_on(s);
    }

    // The id that `s` had, which is free, goes to whoever claims it.
    void pass_on(slot& s) {
        if (s.link == nowhere) return;
        const auto i = std::exchange(s.link, nowhere);
        slot& claimant = slots_[i];
        claimant.link = nowhere;
        if (stop_cause_ != errc::ok) return refuse(claimant, stop_cause_);
        claimant.state = standing::online;
        if constexpr (keeps_wishes)
            enter(i, wishes_.extract(i).mapped());
        else
            enter(i, {});
        claimant.way.release();
    }

    void refuse(slot& claimant, errc why) {
        claimant.state = standing::refused;
        claimant.link = nowhere;
        claimant.way.close(why);
    }

    static constexpr bool is_fault(errc why) noexcept {
        return why != errc::closed && why != errc::lost && why != errc::stopping;
    }

    void note(log_level level, std::string_view event, std::string_view id) {
        if constexpr (!std::is_same_v<L, no_log>) write(level, event, {{"id", id}});
    }

    void note(log_level level, std::string_view event, std::string_view id, errc why) {
        if constexpr (!std::is_same_v<L, no_log>)
            write(level, event, {{"id", id}, {"cause", cause_name(why)}});
    }

    void write(log_level level, std::string_view event, std::initializer_list<log_field> fields) {
        log_(level, event, {fields.begin(), fields.size()});
    }

    hub_options options_;
    R registry_;
    T router_;
    [[no_unique_address]] L log_;
    [[no_unique_address]] H hooks_;
    [[no_unique_address]] F features_;
    desk<hub> desk_{*this};
    // what claimants asked for, by slot
    [[no_unique_address]] std::conditional_t<keeps_wishes, std::unordered_map<std::uint32_t, admission>,
                                             nothing> wishes_;
    [[no_unique_address]] std::conditional_t<detail::has_on_message<H>, detail::waiting_lines, nothing>
        lines_;
    std::shared_ptr<detail::late_box> box_ = std::make_shared<detail::late_box>();
    attachment moved_; // whose the connection is that says `resume`
    detail::slot_table<O> slots_;
    detail::id_source ids_;
    detail::message_ids message_ids_{ids_.draw()};
    std::vector<slot*> targets_; // of the message in hand
    std::deque<pending_claim> claims_;
    time_point now_{};
    errc stop_cause_ = errc::ok; // why everybody was closed, if so
    bool stirred_ = false;       // a feature was told something, and may have another deadline than it said
};

} // namespace sigfire
