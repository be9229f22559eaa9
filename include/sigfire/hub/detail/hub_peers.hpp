// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/hub/detail/hub_core.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The first stage of the pipeline of a hub: admits peers, changes their ids, and ends them.
template <class Self, class R, class T, class O, class L, class H, class F, class P>
class hub_peers : protected hub_core<Self, R, T, O, L, H, F, P> {
    using core = hub_core<Self, R, T, O, L, H, F, P>;

protected:
    using core::core, core::nowhere, core::has_features, core::each_feature, core::any_feature, core::note,
        core::guarded;
    using typename core::slot;

    result<attachment> admit_peer(const O& way, const admission& entry) {
        if (this->stop_cause_ != errc::ok) return make_error_code(errc::stopping);
        if constexpr (has_features)
            if (const auto back = bring_back(way, entry)) return *back;
        if (!entry.id.empty()) {
            if (!is_name(entry.id)) return make_error_code(errc::malformed);
            if (const peer_handle holder = this->registry_.find(entry.id))
                return claim(way, entry, holder.slot);
        }
        if constexpr (has_features) {
            errc cause = errc::ok;
            const auto ask = [&](auto& f) { return (cause = f.on_enter(context(), entry)) != errc::ok; };
            if (!guarded([&] { any_feature(ask); })) cause = errc::internal_error;
            if (cause != errc::ok) return make_error_code(cause);
            make_way(entry.id, {});
            // A feature may have attached a function with that id.
            if (!entry.id.empty() && this->registry_.find(entry.id)) return make_error_code(errc::id_in_use);
        }
        if (!entry.id.empty()) return enter(this->slots_.add(way, entry.id, standing::online), entry);
        const auto id = this->draw_id();
        return enter(this->slots_.add(way, view(id), standing::online), entry);
    }

    // Without memory for the peer, the hub removes it: the transport does not know the attachment yet.
    attachment enter(std::uint32_t i, const admission& entry) {
        try {
            return introduce(i, entry);
        } catch (...) {
            leave(i, errc::internal_error);
            this->slots_.remove(i);
            throw;
        }
    }

    // No code of the host program runs between the caller and here: nothing can reach the peer before its
    // welcome.
    attachment introduce(std::uint32_t i, const admission& entry) {
        slot& s = this->slots_[i];
        const auto peer = this->slots_.handle(i);
        const attachment a{peer, s.epoch};
        s.verified = entry.id_verified;
        this->registry_.insert(s.id.view(), peer);
        take_terms(i, entry);
        const auto id = this->fresh_id();
        event::welcome e;
        e.id = id.view();
        e.peer = s.id.view();
        e.configuration = {entry.rtc_configuration, default_wire};
        e.rate = entry.rate;
        [[maybe_unused]] bool sound = each_feature([&](auto& f) { f.on_welcome(context(), peer, entry, e); });
        s.way.deliver(e);
        if constexpr (!std::is_same_v<L, no_log>)
            guarded([&] {
                this->write(log_level::info, "peer_opened", {{"id", s.id.view()}, {"remote", entry.remote}});
            });
        if constexpr (has_on_open<H> || has_features) {
            admission granted = entry;
            granted.id = s.id.view();
            if constexpr (has_on_open<H>)
                sound = guarded([&] { this->hooks_.on_open(peer, granted); }) && sound;
            sound = each_feature([&](auto& f) { f.on_open(context(), peer, granted); }) && sound;
            // Hooks and features with an incomplete view of a peer would misjudge it.
            if (!sound) this->put_by([this, peer] { close_peer(peer, errc::internal_error); });
        }
        return a;
    }

    // Takes notes and validity from the newest admission of a peer.
    void take_terms(std::uint32_t i, const admission& entry) {
        if (!entry.attached.empty()) this->notes_.insert_or_assign(i, entry.attached);
        this->set_address(i, entry.address);
        constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 36'500};
        expire_at(i, entry.valid_for.count() <= 0 ? time_point::max()
                                                  : this->now_ + std::min(entry.valid_for, longest));
    }

    // Sets the end of a peer; `time_point::max()` = none.
    void expire_at(std::uint32_t i, time_point when) {
        if (const auto old = expiry_of_.extract(i)) expiries_.erase(old.mapped());
        if (when != time_point::max()) expiry_of_.emplace(i, expiries_.emplace(when, i));
    }

    // --- claims: a connection asks for the id of a present peer ---

    result<attachment> claim(const O& way, const admission& entry, std::uint32_t holder) {
        const std::string_view id = entry.id;
        const auto holding = this->slots_.handle(holder);
        slot* held = &this->slots_[holder];
        errc cause = held->state == standing::function ? errc::id_in_use : errc::ok;
        if constexpr (has_features) {
            const auto ask = [&](auto& f) {
                return (cause = f.on_claim(context(), holding, entry)) != errc::ok;
            };
            if (cause == errc::ok && !entry.id_verified && !guarded([&] { any_feature(ask); }))
                cause = errc::internal_error;
            held = this->slots_.find(holding); // a feature may have ended the holder, or added slots
            if (cause == errc::ok && (held == nullptr || !core::is_present(*held))) cause = errc::id_in_use;
        }
        if (cause == errc::ok && (entry.id_verified || held->state == standing::away)) {
            if (held->link != nowhere)
                refuse(this->slots_[std::exchange(held->link, nowhere)], errc::id_in_use);
            end(holder, entry.id_verified ? errc::replaced : errc::pong_timeout);
            if (this->registry_.find(id)) return make_error_code(errc::id_in_use);
            return enter(this->slots_.add(way, id, standing::online), entry);
        }
        if (cause == errc::ok && (held->link != nowhere || has_just_answered(holder) || !held->way.ping()))
            cause = errc::id_in_use;
        if (cause != errc::ok) {
            note(log_level::warn, "claim_refused", id);
            return make_error_code(cause);
        }
        const auto i = this->slots_.add(way, id, standing::claimant);
        slot& s = this->slots_[i];
        const auto peer = this->slots_.handle(i);
        try {
            pending_entries_.emplace(i, entry);
            // All claims have the same time-out, so the queue is in order of deadline. `tick` skips decided
            // claims.
            claims_.push_back({peer, this->now_ + this->options_.claim_timeout});
        } catch (...) { // without memory there is no claim
            pending_entries_.erase(i);
            this->slots_.remove(i);
            throw;
        }
        s.link = holder;
        this->slots_[holder].link = i;
        s.way.hold();
        note(log_level::info, "id_claimed", id);
        return attachment{peer, s.epoch};
    }

    // Whether a holder has answered a claim within the last second: it is not pinged for the next one. So
    // claims cost a holder at most one ping a second.
    bool has_just_answered(std::uint32_t holder) {
        const auto at = defended_.find(holder);
        if (at == defended_.end()) return false;
        if (this->now_ - at->second < std::chrono::seconds{1}) return true;
        defended_.erase(at);
        return false;
    }

    // The holder of a claimed id has answered the ping.
    void defend(slot& holder) {
        slot& claimant = this->slots_[std::exchange(holder.link, nowhere)];
        guarded([&] { defended_.insert_or_assign(claimant.link, this->now_); });
        note(log_level::warn, "claim_refused", claimant.id.view());
        refuse(claimant, errc::id_in_use);
    }

    // Ends holders that did not answer in time, and peers with an expired admission. Returns the next
    // deadline.
    time_point judge_claims() {
        auto due = next_claim();
        for (; due <= this->now_; due = next_claim())
            end(this->slots_.find(claims_.front().claimant)->link, errc::pong_timeout);
        while (!expiries_.empty() && expiries_.begin()->first <= this->now_)
            end(expiries_.begin()->second, errc::expired);
        return expiries_.empty() ? due : std::min(due, expiries_.begin()->first);
    }

    // The deadline of the first undecided claim.
    time_point next_claim() {
        for (; !claims_.empty(); claims_.pop_front()) {
            const slot* const claimant = this->slots_.find(claims_.front().claimant);
            if (claimant != nullptr && claimant->state == standing::claimant) return claims_.front().deadline;
        }
        return time_point::max();
    }

    // Gives the id that `s` had, now free, to the connection that claims it.
    void pass_on(slot& s) {
        if (s.link == nowhere) return;
        const auto i = std::exchange(s.link, nowhere);
        slot& claimant = this->slots_[i];
        claimant.link = nowhere;
        if (this->stop_cause_ != errc::ok) return refuse(claimant, this->stop_cause_);
        // A hook or feature may have attached a function with that id in `on_close`.
        if (this->registry_.find(claimant.id.view())) return refuse(claimant, errc::id_in_use);
        claimant.state = standing::online;
        if (!guarded([&] { introduce(i, pending_entries_.extract(i).mapped()); }))
            return end(i, errc::internal_error);
        claimant.way.release();
    }

    void refuse(slot& claimant, errc why) {
        claimant.state = standing::refused;
        claimant.link = nowhere;
        claimant.way.close(why);
        this->ends({}, why);
    }

    // --- returns: a connection continues as a present peer ---

    std::optional<result<attachment>> bring_back(const O& way, const admission& entry) {
        if (entry.token.empty()) return {};
        peer_handle who;
        const auto ask = [&](auto& f) { return static_cast<bool>(who = f.on_identify(context(), entry)); };
        if (!guarded([&] { any_feature(ask); })) return make_error_code(errc::internal_error);
        if (!who) return {};
        // A drawn id does not count against the proof.
        if (!entry.id.empty() && !entry.id_generated && entry.id != this->slots_[who.slot].id.view())
            return {};
        const auto a = reattach(who, way);
        take_terms(who.slot, entry);
        each_feature([&](auto& f) { f.on_identified(context(), who, entry); });
        return a;
    }

    attachment reattach(peer_handle who, const O& way) {
        slot& s = this->slots_[who.slot];
        if (s.state == standing::online) s.way.close(errc::replaced);
        if (s.link != nowhere) refuse(this->slots_[std::exchange(s.link, nowhere)], errc::id_in_use);
        const bool was_away = s.state == standing::away;
        s.set_way(way);
        s.state = standing::online;
        ++s.epoch;
        note(log_level::info, "peer_resumed", s.id.view());
        if (was_away) each_feature([&](auto& f) { f.on_reconnected(context(), who); });
        return {who, s.epoch};
    }

    void take_over(peer_handle from, peer_handle old) {
        const O way = this->slots_[from.slot].way;
        admission terms;
        if (const auto* const noted = this->notes_of(from)) terms.attached = *noted;
        terms.address = this->address_of(from.slot);
        const auto expiry = expiry_of_.find(from.slot);
        const auto until = expiry == expiry_of_.end() ? time_point::max() : expiry->second->first;
        leave(from.slot, errc::replaced);
        this->slots_.remove(from.slot);
        const auto* const s = this->slot_of(old);
        if (s == nullptr || (s->state != standing::online && s->state != standing::away))
            return way.close(errc::expired); // left together with `from`
        moved_ = reattach(old, way);
        take_terms(old.slot, terms);
        expire_at(old.slot, until);
    }

    [[gnu::noinline]] errc rename(peer_handle who, std::string_view id) {
        slot* const s = this->slots_.find(who);
        if (s == nullptr || s->state != standing::online) return errc::offline;
        const std::string fresh{id.empty() ? view(this->draw_id()) : id};
        if (!is_name(fresh)) return errc::malformed;
        if (this->registry_.find(fresh)) return errc::id_in_use;
        const typename core::work w{*this};
        make_way(fresh, who);
        each_feature([&](auto& f) { f.on_rename(context(), who); });
        // A feature may have ended the peer, or attached a function with the new id.
        if (!this->stands(who, standing::online)) return errc::offline;
        if (this->registry_.find(fresh)) return errc::id_in_use;
        give_up_id(*s);
        s->unlisted = false;
        s->id.assign(fresh);
        this->registry_.insert(s->id.view(), who);
        this->stirred_ = true;
        note(level_of_change(*s), "peer_renamed", fresh);
        each_feature([&](auto& f) { f.on_renamed(context(), who); });
        pass_on(*s);
        return errc::ok;
    }

    // Frees the id of an online peer. The peer keeps sending under it until another peer gets it.
    [[gnu::noinline]] errc unlist(peer_handle who) {
        slot* const s = this->slots_.find(who);
        if (s == nullptr || s->state != standing::online) return errc::offline;
        if (s->unlisted) return errc::ok;
        if (s->kept) return errc::denied; // features find kept traffic by the id of its peer
        if (s->link != nowhere) return rename(who, {});
        const typename core::work w{*this};
        each_feature([&](auto& f) { f.on_rename(context(), who); });
        if (!this->stands(who, standing::online)) return errc::offline;
        give_up_id(*s);
        s->unlisted = true;
        unlisted_.insert_or_assign(s->id.view(), who);
        this->stirred_ = true;
        note(level_of_change(*s), "peer_unlisted", s->id.view());
        return errc::ok;
    }

    // A peer can change its id all the time, and the log must not grow with that.
    static log_level level_of_change(slot& s) noexcept {
        const bool again = s.renamed;
        s.renamed = true;
        return again ? log_level::debug : log_level::info;
    }

    // Renames an unlisted peer that still uses `id`. The peer `next` is about to get that id.
    void make_way(std::string_view id, peer_handle next) {
        if (unlisted_.empty()) [[likely]]
            return;
        const auto at = unlisted_.find(id);
        if (at != unlisted_.end() && !(at->second == next)) rename(at->second, {});
    }

    void give_up_id(slot& s) {
        if (s.unlisted)
            unlisted_.erase(s.id.view());
        else
            this->registry_.erase(s.id.view());
    }

    // --- ends ---

    // Whether a feature keeps an online peer without its connection.
    bool go_away(slot& s, peer_handle who, errc why) {
        bool stays = false;
        guarded(
            [&] { stays = any_feature([&](auto& f) { return f.on_connection_lost(context(), who, why); }); });
        if (!stays) return false;
        s.state = standing::away;
        s.lose_way();
        note(log_level::info, "peer_away", s.id.view(), why);
        // Without a feature that notes the absence nothing would end it.
        if (!each_feature([&](auto& f) { f.on_away(context(), who); })) end(who.slot, errc::internal_error);
        return true;
    }

    // Ends a peer by decision of the hub.
    void end(std::uint32_t i, errc why) {
        slot& s = this->slots_[i];
        if (s.state == standing::online) {
            s.way.close(why);
            return leave(i, why);
        }
        note(log_level::info, "peer_closed", s.id.view(), why);
        leave(i, why);
        this->slots_.remove(i); // no connection is left that would have to end first
    }

    void end_all(errc why) {
        for (std::uint32_t i = 0; i < this->slots_.end(); ++i)
            if (core::is_present(this->slots_[i])) end(i, why);
    }

    // Ends up to `most` online peers. The next call continues behind them.
    std::size_t end_some(std::size_t most, errc why) {
        std::size_t ended = 0;
        for (auto left = this->slots_.end(); left != 0 && ended != most; --left) {
            if (next_to_end_ >= this->slots_.end()) next_to_end_ = 0;
            const auto i = next_to_end_++;
            if (this->slots_[i].state != standing::online) continue;
            end(i, why);
            ++ended;
        }
        return ended;
    }

    void close_peer(peer_handle peer, errc why) {
        auto* const s = this->slot_of(peer);
        if (s != nullptr && core::is_present(*s)) end(peer.slot, why);
    }

    // Takes the id of a peer and gives it to the claimant, if there is one. Unanswered requests of the peer
    // end with `expired`.
    void leave(std::uint32_t at, [[maybe_unused]] errc why) {
        slot& s = this->slots_[at];
        const auto who = this->slots_.handle(at);
        give_up_id(s);
        [[maybe_unused]] const bool hooked = s.state != standing::function;
        s.state = standing::leaving;
        this->stirred_ = true;
        if constexpr (core::can_wait)
            this->lines_.erase(at, [&](request_token token) {
                event::reply e;
                e.token = token;
                e.cause = errc::expired;
                this->reply_event(who, e);
            });
        each_feature([&](auto& f) { f.on_close(context(), who, why); });
        if constexpr (has_on_close<H>)
            if (hooked) guarded([&] { this->hooks_.on_close(who, why); });
        this->notes_.erase(at);
        this->set_address(at, {});
        defended_.erase(at);
        if constexpr (!std::is_same_v<L, no_log>) this->told_.erase(at);
        expire_at(at, time_point::max());
        pass_on(s);
    }

    auto& context() noexcept { return this->self().context_; }

    std::unordered_map<std::uint32_t, admission> pending_entries_; // of claimants, by slot
    std::map<std::string_view, peer_handle> unlisted_;             // by the id of each peer: a view of it
    attachment moved_; // the peer to which the resuming connection has moved

private:
    struct pending_claim {
        peer_handle claimant;
        time_point deadline;
    };

    std::deque<pending_claim> claims_;
    std::unordered_map<std::uint32_t, time_point> defended_; // when a holder answered a claim, by slot
    std::uint32_t next_to_end_ = 0;                          // a slot: see `end_some`
    using expiries = std::multimap<time_point, std::uint32_t>;

    expiries expiries_; // ends of admissions, with the slots of their peers
    std::unordered_map<std::uint32_t, expiries::iterator> expiry_of_; // by slot
};

} // namespace sigfire::inline v0_1::detail
