// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/hub_peers.hpp>
#include <sigfire/hub/directory.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/router.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The middle stages of the pipeline of a hub: limit, hooks, policy, then a route or the feature that handles
/// the event.
template <class Self, class R, class T, class O, class L, class H, class F, class P>
class hub_pipeline : protected hub_peers<Self, R, T, O, L, H, F, P> {
    using peers = hub_peers<Self, R, T, O, L, H, F, P>;

protected:
    using peers::peers, peers::has_features, peers::can_wait, peers::each_feature, peers::any_feature,
        peers::guarded;
    using typename peers::slot;

    // --- limit: messages that the hub rejects or queues ---

    template <class E>
    void limit(slot& sender, peer_handle from, E& e) {
        if (e.token.bytes.size() > longest_token) [[unlikely]]
            return this->reply_seldom(sender, from, e.token, errc::malformed);
        if constexpr (can_wait)
            if (!this->lines_.empty() && this->lines_.contains(from.slot)) [[unlikely]] {
                if (!this->lines_.push(from.slot, e, this->options_.deferred_messages,
                                       this->options_.deferred_bytes))
                    this->reply_seldom(sender, from, e.token, errc::full);
                return;
            }
        judge(sender, from, e, {});
    }

    // --- hooks: then the policy, then the action ---

    template <class E>
    void judge(slot& sender, peer_handle from, E& e, pipeline_stage stage) {
        if constexpr (requires(message_context& c) { this->hooks_.on_message(c, e); }) {
            // Declared here, since the strings of hooks must live until the end.
            message_context context{from, sender.id.view(), this->now_, this->box_, stage.hooks};
            if (stage.permitted || pass_hooks(sender, from, e, context)) permit(sender, from, e, stage);
        } else {
            permit(sender, from, e, stage);
        }
    }

    // Whether the hooks pass `e`. If not, `e` was answered or deferred.
    template <class E>
    bool pass_hooks(slot& sender, peer_handle who, E& e, message_context& context) {
        const auto token = e.token;
        errc refusal = errc::internal_error;
        const bool judged = guarded([&] { refusal = this->hooks_.on_message(context, e); });
        e.token = token;
        if (refusal == errc::ok && !context.answered()) return true;
        if (judged && refusal == errc::deferred && context.deferred_as() != 0)
            this->lines_.put_off(who.slot, e, context.deferred_as(), {context.judged(), 0, false},
                                 this->now_ + this->options_.deferral_timeout);
        else if (refusal == errc::ok)
            this->reply_seldom(sender, who, token, errc::ok, {}, context.data());
        else
            this->reply_seldom(sender, who, token, is_verdict(refusal) ? errc::denied : refusal,
                               context.text());
        return false;
    }

    // --- policy ---

    // Whether the policy is asked. A faulty event without a target has a reply of its own. A faulty message
    // with a target still reveals by its reply whether the target exists.
    template <class E>
    static bool asks_policy(const E& e) noexcept {
        if constexpr (std::same_as<E, event::send>)
            return e.fault == errc::ok || !e.to.empty() || !e.topic.empty();
        else if constexpr (requires { e.fault; })
            return e.fault == errc::ok;
        else
            return true;
    }

    bool is_idle() const {
        if constexpr (requires { this->policy_.is_idle(); })
            return this->policy_.is_idle();
        else
            return false;
    }

    template <class E>
    void permit(slot& sender, peer_handle from, E& e, pipeline_stage stage) {
        if constexpr (acts<E> && !std::is_same_v<P, permit_all>)
            if (!stage.permitted && asks_policy(e) && !is_idle()) {
                act a;
                a.what = action_of<E>::what;
                a.from = from;
                a.from_id = sender.id.view();
                a.to_id = named_peer(e);
                if (!a.to_id.empty()) a.to = this->registry_.find(a.to_id);
                if constexpr (requires { e.topic; }) a.topic = e.topic;
                a.command = e.command;
                errc cause = errc::internal_error;
                guarded([&] { cause = this->policy_.permit(a, directory<Self>{this->self()}); });
                if (cause != errc::ok)
                    return this->reply_seldom(sender, from, e.token,
                                              is_verdict(cause) ? errc::denied : cause);
            }
        if constexpr (std::same_as<E, event::send>)
            relay(sender, from, e, stage);
        else
            serve(sender, from, e);
    }

    // --- a request to the hub itself: the feature that handles it ---

    template <class E>
    static constexpr bool router_takes = Feature<T> && detail::takes<T, E>;

    template <class E>
    [[gnu::noinline]] void serve(slot& sender, peer_handle from, E& e) {
        if constexpr (std::same_as<E, event::ping>) {
            this->reply_seldom(sender, from, e.token, errc::ok);
        } else if constexpr (F::template takes<E> || router_takes<E>) {
            if (e.fault != errc::ok) return this->reply_seldom(sender, from, e.token, e.fault);
            if constexpr (requires { e.from = sender.id.view(); }) e.from = sender.id.view();
            typename peers::request_in_hand mine{from, e.token};
            auto* const outer = std::exchange(this->in_hand_, &mine);
            const bool done = guarded([&] {
                const auto hand = [&](auto& f) {
                    if constexpr (requires { f.on_request(this->context(), from, e); })
                        f.on_request(this->context(), from, e);
                };
                if constexpr (router_takes<E>)
                    hand(this->router_);
                else
                    this->features_.each(hand);
            });
            this->in_hand_ = outer;
            if (!done && !mine.answered)
                if (slot* const s = this->slots_.find(from); s != nullptr && peers::is_present(*s))
                    this->reply_seldom(*s, from, mine.token, errc::internal_error);
        } else {
            this->reply_seldom(sender, from, e.token, errc::unknown_command);
        }
    }

    [[gnu::noinline]] void resume(slot& sender, attachment& a, event::resume& e) {
        if (e.token.bytes.size() > longest_token) [[unlikely]]
            return this->reply_seldom(sender, a.peer, e.token, errc::malformed);
        const auto before = std::exchange(this->moved_, attachment{});
        serve(sender, a.peer, e);
        if (this->moved_) a = this->moved_;
        this->moved_ = before;
    }

    // --- a message to other peers ---

    // The targets of a message; most messages have one.
    struct target_list {
        peer_handle first{};
        slot* only = nullptr;       // the slot of the only target
        std::size_t bound = 0;      // bound of the message for it
        std::uint64_t removals = 0; // slot_table::removals when the target was found
        std::vector<peer_handle> more{};

        void operator()(peer_handle h) {
            if (!first)
                first = h;
            else
                more.push_back(h);
        }
    };

    void relay(slot& sender, peer_handle from, event::send& e, [[maybe_unused]] pipeline_stage stage) {
        const auto id = this->message_ids_.next();
        e.from = sender.id.view();
        auto role = politeness::none;
        errc cause = errc::ok;
        target_list targets;
        if constexpr (has_features) {
            cause = ask_features(from, e, stage.features);
            if (cause == errc::ok) cause = route(from, e, view(id), targets);
            if (cause != errc::ok) [[unlikely]]
                return miss(sender, from, e, cause);
            each_feature([&](auto& f) { f.on_sent(this->context(), from, std::as_const(e), role); });
        } else {
            cause = route(from, e, view(id), targets);
        }
        this->reply(sender, from, e.token, cause, role);
        if (cause == errc::ok) hand_out(targets, e);
    }

    // Whether the features pass `e`. Queues a deferred message.
    errc ask_features(peer_handle from, event::send& e, std::size_t first) {
        errc cause = errc::ok;
        std::size_t place = 0;
        this->ticket_ = 0;
        const auto ask = [&](auto& f) {
            if (place++ < first) return false;
            return (cause = f.on_send(this->context(), from, e)) != errc::ok;
        };
        if (!guarded([&] { any_feature(ask); })) cause = errc::internal_error;
        if (cause == errc::deferred) [[unlikely]] {
            if (this->ticket_ == 0) return errc::denied;
            if constexpr (F::defers)
                this->lines_.put_off(from.slot, e, this->ticket_, {0, place, true},
                                     this->now_ + this->options_.deferral_timeout);
            else
                return errc::denied;
        }
        return cause;
    }

    deferral defer() { return {this->box_, this->ticket_ = this->box_->next_key()}; }

    // Fills `targets` with the peers that can take `e`, or returns the cause for which there are none.
    errc route(peer_handle from, event::send& e, std::string_view id, target_list& targets) {
        if (e.to.empty() && e.topic.empty()) [[unlikely]]
            return e.fault == errc::ok ? errc::missing_target : e.fault;
        errc cause = errc::internal_error;
        if constexpr (std::is_same_v<T, direct_router>)
            cause = this->router_.route(this->registry_, from, e, [&](peer_handle h) { targets.first = h; });
        else
            guarded([&] {
                cause = this->router_.route(directory<Self>{this->self()}, from, e,
                                            [&](peer_handle h) { targets(h); });
            });
        if (cause != errc::ok) return cause == errc::deferred ? errc::denied : cause; // no ticket was taken
        if (e.fault != errc::ok) return e.fault;
        e.id = id;
        const auto taken = [&](peer_handle h, std::size_t& bound) __attribute__((always_inline)) {
            slot* const s = this->slots_.find(h);
            targets.only = s;
            targets.removals = this->slots_.removals();
            return s == nullptr ? errc::offline : this->can_have(*s, e, bound);
        };
        if (targets.more.empty()) [[likely]]
            return targets.first ? taken(targets.first, targets.bound) : errc::ok;
        targets.more.push_back(targets.first);
        std::rotate(targets.more.begin(), targets.more.end() - 1, targets.more.end());
        targets.first = {};
        std::erase_if(targets.more, [&](peer_handle h) {
            std::size_t bound = 0;
            const errc t = taken(h, bound);
            if (t != errc::ok) cause = t;
            return t != errc::ok;
        });
        return targets.more.empty() ? cause : errc::ok;
    }

    [[gnu::flatten]] void hand_out(const target_list& targets, const event::send& e) {
        if (targets.first) [[likely]] {
            // A feature may have ended the target in `on_sent`.
            if constexpr (has_features)
                if (this->slots_.removals() != targets.removals) [[unlikely]]
                    if (this->slots_.find(targets.first) == nullptr) return;
            return this->put(*targets.only, e, targets.bound);
        }
        // A function among the targets may end a later target.
        for (const auto h : targets.more)
            if (slot* const s = this->slots_.find(h); s != nullptr && peers::is_present(*s)) this->put(*s, e);
    }

    // `e` cannot be delivered: a feature may keep it, or know a more precise cause.
    [[gnu::noinline]] void miss(slot& sender, peer_handle from, const event::send& e, errc cause) {
        if (cause != errc::deferred) cause = ask_missed(from, e, cause);
        if (cause != errc::deferred) this->reply_seldom(sender, from, e.token, cause);
    }

    template <class E>
    errc ask_missed(peer_handle from, const E& e, errc cause) {
        const auto ask = [&](auto& f) {
            if (!is_verdict(cause)) cause = f.on_undeliverable(this->context(), from, e, cause);
        };
        // The router first: a mailbox keeps messages for which `records` would only find a better cause,
        // perhaps late.
        const bool done = guarded([&] {
            if constexpr (Feature<T>) ask(this->router_);
            this->features_.each(ask);
        });
        return done ? cause : errc::internal_error;
    }

    // The verdict on the first message of a queue has arrived: this message and those behind it continue.
    void go_on(std::uint32_t sender, const late_verdict* verdict)
        requires(can_wait)
    {
        for (const auto who = this->slots_.handle(sender); auto first = this->lines_.pop(sender);) {
            slot& s = this->slots_[sender];
            const auto* const late = std::exchange(verdict, nullptr);
            first->message.visit([&](auto& e) {
                if (late != nullptr && (late->cause != errc::ok || late->answered))
                    this->reply_seldom(s, who, e.token, late->cause, late->text,
                                       late->answered ? payload{late->data, late->wire} : payload{});
                else
                    judge(s, who, e, first->stage);
            });
            if (this->lines_.waits(sender)) return;
        }
    }
};

} // namespace sigfire::inline v0_1::detail
