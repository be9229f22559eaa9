// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `sessions`.
struct sessions_options {
    /// If false, the feature does nothing: for programs that decide at run time.
    bool enabled = true;
    /// Time for the called peer to accept or reject, in milliseconds.
    std::chrono::milliseconds timeout{30'000};
    /// Maximum number of sessions of one peer; a further session is `full`.
    std::size_t per_peer = 100;
    /// Maximum number of sessions of all peers; a further session is `full`. Sessions that the peers of one
    /// address start are at most a quarter of them.
    std::size_t total = 100'000;
    /// If true, offers, answers and candidates need an accepted session. Without one they fail with
    /// `no_session`.
    bool strict = false;
    /// If true, a side of a session sends its description before its candidates. Earlier candidates fail with
    /// `missing_offer`.
    bool gate = false;
};

/** Sessions between two peers, with a state: started, accepted, over. A part of a server, and of a hub.
 *  Without this feature, the steps of a session are ordinary messages.
 *
 *  Two peers have at most one session (`session_exists`); either of them starts it. Only the called peer
 *  accepts or rejects. Only the caller cancels. Any other step fails with `no_session`. If the called peer
 *  does not answer in time, both peers receive `event::session_ended` with `expired`. If one peer leaves, the
 *  other peer receives the event with the cause.
 *
 *  The called peer is the polite one (perfect negotiation, W3C WebRTC 1.0, section 10.7). The reply carries
 *  the role of the caller, and the message carries the role of the called peer. */
class sessions : public feature {
public:
    /// Takes the settings.
    explicit sessions(sessions_options options = {})
        : options_(options), judges_all_(options.strict || options.gate), shares_(options.total) {}

    /// Number of sessions.
    std::size_t size() const noexcept { return sessions_.size(); }

    /// Writes the metrics of the feature, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        std::size_t accepted = 0;
        for (const auto& [who, s] : sessions_) accepted += s.accepted;
        constexpr auto help = "Sessions by state.";
        out.gauge("sessions", help, accepted, {{"state", "accepted"}});
        out.gauge("sessions", help, sessions_.size() - accepted, {{"state", "started"}});
    }

    /// Checks a step of a session: `ok`, `session_exists`, `no_session`, `full` or `missing_offer`.
    template <class X>
    errc on_send(X& hub, peer_handle from, event::send& e) {
        if (e.signal.kind <= signal_kind::other && !judges_all_) return errc::ok;
        if (!options_.enabled) return errc::ok;
        if (e.signal.kind == signal_kind::session_start && !e.to.empty()) e.role = politeness::polite;
        return judge(hub, from, e);
    }

    /// Applies a step of a session.
    template <class X>
    void on_sent(X& hub, peer_handle from, const event::send& e, politeness& senders_part) {
        if (e.signal.kind <= signal_kind::other && !options_.gate) return;
        if (!options_.enabled) return;
        step(hub, from, e, senders_part);
    }

    /// Ends all sessions of the peer.
    template <class X>
    void on_close(X& hub, peer_handle peer, errc why) {
        const auto with = index_.extract(peer.slot);
        if (!with) return;
        // First each change, then each message: a function that receives one may call the hub.
        std::vector<peer_handle> left;
        for (const auto slot : with.mapped()) {
            const auto s = sessions_.extract(std::minmax(peer.slot, slot)).mapped();
            unlink(slot, peer.slot);
            if (s.counted) shares_.give(s.address, 1);
            left.push_back(s.caller == peer ? s.callee : s.caller);
        }
        for (const auto other : left) tell(hub, other, peer, why);
    }

    /// Ends sessions that were not accepted in time.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(
            hub.now(), [this](const started& k) { return is_open(k); },
            [&](const started& late) {
                const auto s = sessions_.at(late.who);
                erase(s.caller, s.callee);
                tell(hub, s.caller, s.callee, errc::expired);
                tell(hub, s.callee, s.caller, errc::expired);
            });
    }

private:
    template <class X>
    [[gnu::noinline]] errc judge(X& hub, peer_handle from, const event::send& e) {
        using enum signal_kind;
        const auto kind = e.signal.kind;
        const auto to = hub.find(e.to);
        if (kind == none || kind == other || !to || to == from) return errc::ok; // the last two fail later
        const auto* const s = find(from, to);
        switch (kind) {
        case session_start:
            if (s != nullptr) return errc::session_exists;
            if (count(from) >= options_.per_peer || count(to) >= options_.per_peer) return errc::full;
            return shares_.can_take(hub.address(from), 1) ? errc::ok : errc::full;
        case session_accept:
        case session_reject: return s && !s->accepted && s->callee == from ? errc::ok : errc::no_session;
        case session_cancel: return s && !s->accepted && s->caller == from ? errc::ok : errc::no_session;
        case session_end: return s ? errc::ok : errc::no_session;
        case bye: return s || !options_.strict ? errc::ok : errc::no_session;
        default: break;
        }
        if (s == nullptr || !s->accepted) return options_.strict ? errc::no_session : errc::ok;
        const bool described = s->caller == from ? s->caller_described : s->callee_described;
        return kind == candidate && options_.gate && !described ? errc::missing_offer : errc::ok;
    }

    template <class X>
    [[gnu::noinline]] void step(X& hub, peer_handle from, const event::send& e, politeness& senders_part) {
        using enum signal_kind;
        const auto kind = e.signal.kind;
        const auto to = hub.find(e.to);
        if (!to) return;
        if (kind == session_start) {
            senders_part = politeness::impolite;
            const auto address = hub.address(from);
            detail::address_shares::attempt room{shares_, address, 1};
            auto& s = sessions_[key(from, to)];
            s = {from, to, ++last_};
            s.address = address;
            s.counted = static_cast<bool>(room);
            room.keep();
            index_[from.slot].insert(to.slot);
            index_[to.slot].insert(from.slot);
            due_.add(hub.now() + options_.timeout, {key(from, to), last_}, sessions_.size(),
                     [this](const started& k) { return is_open(k); });
            return;
        }
        auto* const s = find(from, to);
        if (s == nullptr) return;
        switch (kind) {
        case session_accept: s->accepted = true; return;
        case offer:
        case answer: (s->caller == from ? s->caller_described : s->callee_described) = true; return;
        case candidate:
        case none:
        case other: return;
        default: erase(from, to); return;
        }
    }

    using pair = std::pair<std::uint32_t, std::uint32_t>; // slots, the lower one first

    struct session {
        peer_handle caller, callee;
        std::uint64_t number = 0;
        address_block address{}; // of the caller
        bool counted = false;    // in the shares
        bool accepted = false;
        bool caller_described = false, callee_described = false;
    };

    struct started {
        pair who;
        std::uint64_t number;
    };

    // Whether a session still waits to be accepted.
    bool is_open(const started& s) const {
        const auto at = sessions_.find(s.who);
        return at != sessions_.end() && at->second.number == s.number && !at->second.accepted;
    }

    static pair key(peer_handle a, peer_handle b) noexcept { return std::minmax(a.slot, b.slot); }

    session* find(peer_handle a, peer_handle b) {
        const auto at = sessions_.find(key(a, b));
        return at == sessions_.end() ? nullptr : &at->second;
    }

    std::size_t count(peer_handle peer) const {
        const auto at = index_.find(peer.slot);
        return at == index_.end() ? 0 : at->second.size();
    }

    void unlink(std::uint32_t a, std::uint32_t b) {
        const auto at = index_.find(a);
        if (at == index_.end()) return;
        at->second.erase(b);
        if (at->second.empty()) index_.erase(at);
    }

    void erase(peer_handle a, peer_handle b) {
        const auto s = sessions_.extract(key(a, b));
        if (s && s.mapped().counted) shares_.give(s.mapped().address, 1);
        unlink(a.slot, b.slot);
        unlink(b.slot, a.slot);
    }

    template <class X>
    static void tell(X& hub, peer_handle to, peer_handle other, errc cause) {
        const auto id = hub.fresh_id();
        event::session_ended e;
        e.id = id.view();
        e.from = hub.id(other);
        e.cause = cause;
        fanout alone; // kept for a peer that is away, or reported as a gap
        hub.broadcast(to, e, alone);
    }

    sessions_options options_;
    bool judges_all_; // also signals outside of sessions
    detail::address_shares shares_;
    std::map<pair, session> sessions_;
    std::map<std::uint32_t, std::set<std::uint32_t>> index_; // slot: slots of the other sides
    detail::deadline_queue<started> due_;
    std::uint64_t last_ = 0;
};

} // namespace sigfire::inline v0_1
