// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/detail/random.hpp>
#include <sigfire/detail/slots.hpp>
#include <sigfire/detail/utf8.hpp>
#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>
#include <sigfire/hooks.hpp>
#include <sigfire/log.hpp>
#include <sigfire/peer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
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
};

/** Decides what happens: who is let in under which id, who gets which message, how each request ends.
 *
 *  It does no I/O and reads no clock. Its inputs are `opened`, `received`, `alive`, `tick` and `closed`; time
 *  stands still between two ticks. The other members are for the host program.
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
 *  @tparam H  a chain of hooks: `hooks<...>` */
template <class R, class T, class O, class L = no_log, class H = no_hooks>
class hub {
    static_assert(Registry<R>, "sigfire: Registry requirements not met");
    static_assert(Router<T>, "sigfire: Router requirements not met");
    static_assert(Outlet<O>, "sigfire: Outlet requirements not met");
    static_assert(Log<L>, "sigfire: Log requirements not met");
    static_assert(detail::is_hooks<H>::value, "sigfire: the hooks of a hub are a chain: hooks{...}");

public:
    explicit hub(const hub_options& options = {}, R registry = {}, T router = {}, L log = {}, H hooks = {})
        : options_(options), registry_(std::move(registry)), router_(std::move(router)), log_(std::move(log)),
          hooks_(std::move(hooks)) {}

    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;

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
     *  bytes of UTF-8, `id_in_use` if it is taken and cannot be claimed, `stopping` after `stop`. */
    result<attachment> opened(const O& way, const admission& wish) {
        if (stop_cause_ != errc::ok) return make_error_code(errc::stopping);
        if (wish.id.empty()) {
            auto id = ids_.draw();
            while (registry_.find(detail::view(id))) id = ids_.draw();
            return enter(slots_.add(way, detail::view(id), standing::online), wish);
        }
        if (wish.id.size() > 256 || !detail::is_utf8(wish.id)) return make_error_code(errc::malformed);
        const peer_handle holder = registry_.find(wish.id);
        if (!holder) return enter(slots_.add(way, wish.id, standing::online), wish);
        return claim(way, wish, holder.slot);
    }

    /** A peer said something. What an attachment says that is not, or no longer, online is ignored. Changes
     *  `e`; its views have to live until this returns. Does not allocate, once the targets fit. */
    void received(attachment a, envelope& e) {
        slot* const sender = resolve(a);
        if (sender == nullptr || sender->state != standing::online) return;
        // Out here, since what hooks keep in it has to live until the end.
        [[maybe_unused]] std::conditional_t<detail::has_on_message<H>, message_context, nothing> context{
            a.peer, now_};
        if constexpr (detail::has_on_message<H>) {
            if (e.what != verb::other && e.what != verb::send) return;
            const auto asked = e.id;
            e.from = sender->id.view();
            const errc refusal = hooks_.on_message(context, e);
            if (refusal != errc::ok || context.answered()) {
                envelope r;
                r.what = verb::reply;
                r.status = refusal != errc::ok && is_verdict(refusal) ? errc::denied : refusal;
                r.id = asked;
                (refusal == errc::ok ? r.data.bytes : r.command) = context.text();
                if (!asked.empty()) sender->way.deliver(r);
                return;
            }
            e.id = asked;
        }
        if (e.what == verb::other) return reply(*sender, e.id, errc::unknown_command);
        if (e.what != verb::send) return;
        const auto token = e.id;
        e.from = sender->id.view();
        const errc cause = judge(a.peer, e);
        reply(*sender, token, cause);
        if (cause == errc::ok) hand_out(e);
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
        for (; !claims_.empty(); claims_.pop_front()) {
            const slot* const claimant = slots_.find(claims_.front().claimant);
            if (claimant == nullptr || claimant->state != standing::claimant) continue;
            if (claims_.front().deadline > now) return claims_.front().deadline;
            end(claimant->link, errc::pong_timeout);
        }
        return time_point::max();
    }

    /// A connection that was `opened` is gone, and this is why. Its peer is forgotten; what a stale
    /// attachment closes is nothing.
    void closed(attachment a, errc why) {
        slot* const s = resolve(a);
        if (s == nullptr) return;
        if (s->state == standing::claimant) slots_[s->link].link = nowhere;
        const bool online = s->state == standing::online;
        if (online || s->state == standing::leaving)
            note(is_fault(why) ? log_level::warn : log_level::info, "peer_closed", s->id.view(), why);
        if (online) leave(a.peer.slot, why);
        if constexpr (detail::has_on_open<H>) wishes_.erase(a.peer.slot);
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
    template <class F>
    void for_each(F f) {
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (slots_[i].state == standing::online) f(slots_[i].id.view(), slots_.handle(i));
    }

    /// How many peers are online.
    std::size_t size() const { return registry_.size(); }

    /// Closes everyone, claimants too, and admits nobody any more. `closed` is still to come for each.
    void stop(errc why = errc::stopping) {
        stop_cause_ = why;
        for (std::uint32_t i = 0; i < slots_.end(); ++i)
            if (slots_[i].state == standing::online) end(i, why);
    }

private:
    using standing = detail::standing;
    using slot = detail::slot<O>;
    static constexpr auto nowhere = detail::nowhere;

    struct nothing {
        constexpr nothing(auto&&...) noexcept {}
    };

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
        s.way.deliver(e);
        note(log_level::info, "peer_opened", s.id.view());
        if constexpr (detail::has_on_open<H>) {
            admission granted = wish;
            granted.id = s.id.view();
            hooks_.on_open(peer, granted);
        }
        return {peer, s.epoch};
    }

    result<attachment> claim(const O& way, const admission& wish, std::uint32_t holder) {
        const std::string_view id = wish.id;
        if (slots_[holder].link != nowhere || !slots_[holder].way.ping()) {
            note(log_level::warn, "claim_refused", id);
            return make_error_code(errc::id_in_use);
        }
        const auto i = slots_.add(way, id, standing::claimant);
        slot& s = slots_[i];
        s.link = holder;
        slots_[holder].link = i;
        s.way.hold();
        if constexpr (detail::has_on_open<H>) wishes_.emplace(i, wish);
        const auto peer = slots_.handle(i);
        // One time-out for all, so the queue is in order of deadline; `tick` skips claims that were decided.
        claims_.push_back({peer, now_ + options_.claim_timeout});
        note(log_level::info, "id_claimed", id);
        return attachment{peer, s.epoch};
    }

    // Fills `targets_` with those that can take `e`, or says why there are none.
    errc judge(peer_handle from, envelope& e) {
        if (e.to.empty()) return e.status == errc::ok ? errc::missing_target : e.status;
        targets_.clear();
        errc cause =
            router_.route(registry_, from, e, [this](peer_handle h) { targets_.push_back(slots_.find(h)); });
        if (cause != errc::ok) return cause;
        if (e.status != errc::ok) return e.status;
        e.id = message_ids_.next();
        const auto cannot = [&](slot* s) {
            const errc taken = s == nullptr || s->state != standing::online ? errc::offline
                               : !may_have(*s, e)                           ? errc::denied
                                                                            : s->way.ready(e);
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

    void hand_out(const envelope& e) {
        for (slot* const s : targets_) s->way.deliver(e);
    }

    void reply(slot& to, std::string_view token, errc status) {
        if (token.empty()) return;
        envelope e;
        e.what = verb::reply;
        e.status = status;
        e.id = token;
        to.way.deliver(e);
    }

    // The hub ends an online peer.
    void end(std::uint32_t i, errc why) {
        slots_[i].way.close(why);
        leave(i, why);
    }

    // An online peer gives up its id, to its claimant if it has one.
    void leave(std::uint32_t at, [[maybe_unused]] errc why) {
        slot& s = slots_[at];
        registry_.erase(s.id.view());
        s.state = standing::leaving;
        if constexpr (detail::has_on_close<H>) hooks_.on_close(slots_.handle(at), why);
        if (s.link == nowhere) return;
        const auto i = std::exchange(s.link, nowhere);
        slot& claimant = slots_[i];
        claimant.link = nowhere;
        if (stop_cause_ != errc::ok) return refuse(claimant, stop_cause_);
        claimant.state = standing::online;
        if constexpr (detail::has_on_open<H>)
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
    // what claimants asked for, by slot
    [[no_unique_address]] std::conditional_t<detail::has_on_open<H>,
                                             std::unordered_map<std::uint32_t, admission>, nothing> wishes_;
    detail::slot_table<O> slots_;
    detail::id_source ids_;
    detail::message_ids message_ids_{ids_.draw()};
    std::vector<slot*> targets_; // of the message in hand
    std::deque<pending_claim> claims_;
    time_point now_{};
    errc stop_cause_ = errc::ok; // why everybody was closed, if so
};

} // namespace sigfire
