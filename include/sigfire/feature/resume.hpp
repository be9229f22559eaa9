// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_event.hpp>
#include <sigfire/hub/feature.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `resume`.
struct resume_options {
    /// Time to return after the loss of a connection, in milliseconds; 0 = no peer can return.
    std::chrono::milliseconds window{30'000};
    /// Maximum number of unacknowledged messages that the hub keeps for one peer.
    std::size_t messages = 1000;
    /// Maximum size of these messages, in bytes.
    std::size_t bytes = 1u << 20;
    /// Maximum size of the messages that the hub keeps for all peers, in bytes; for the peers of one address
    /// at most a quarter. Beyond this, the peers with the most kept messages lose theirs.
    std::size_t total_bytes = 64u << 20;
    /// Maximum number of resumable peers; of one address at most a quarter. A further peer is not resumable.
    std::size_t peers = 100'000;
    /// Whether a connection without the token may claim the id of a resumable peer. If true, a peer that is
    /// away loses its id to the claim, and an online peer if it answers no ping.
    bool ids_claimable = false;
};

/** Lets a peer continue on a new connection after its connection broke. A part of a server, and of a hub.
 *
 *  Only peers that ask for it cost anything: the hub keeps each message to them until they acknowledge it.
 *  Both sides count the messages that they receive; messages carry no numbers.
 *
 *  When the connection breaks, the peer is `away`. It keeps its id, topics and sessions. The hub keeps
 *  messages to it; beyond the limits they end with `full`. The peer returns on any listener of the hub, with
 *  the token of its last welcome. The hub then sends the missing messages again, in order and once. If the
 *  limits were too small, messages are lost: then `recovered` is false and the hub sends nothing again.
 *
 *  A token has 126 random bits and is good for one return. It stays valid until the new connection has sent a
 *  message: a peer that lost its new token on the way can try again. A connection that was closed properly,
 *  or by the hub, does not make its peer `away`.
 *
 *  The id of a resumable peer belongs to its token. Another connection that asks for the id gets `id_in_use`,
 *  unless `resume_options::ids_claimable` is set. */
class resume : public feature {
    // Defined first, since its return type is deduced.
    auto is_open() {
        return [this](const auto& a) {
            const auto* const s = of(a.peer);
            return s != nullptr && s->away && s->absence == a.number;
        };
    }

public:
    /// Takes the settings.
    explicit resume(resume_options options = {})
        : options_(options), peers_(options.peers), bytes_(options.total_bytes) {}

    /// Number of peers that are away.
    std::size_t away_peers() const noexcept { return away_; }

    /// Writes the metrics of the feature, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.gauge("kept_bytes", "Bytes of messages that are kept for resumable peers.", bytes_.used());
        constexpr auto help = "Returns of resumable peers by result.";
        out.counter("resumes_total", help, recovered_, {{"result", "recovered"}});
        out.counter("resumes_total", help, gaps_, {{"result", "gap"}});
        out.counter("resumes_total", help, expired_, {{"result", "not_in_time"}});
    }

    /// Without `e.proof`, makes the peer resumable and replies with a token. With it, continues as the peer
    /// of that token; cause: `expired`, also for a peer with a verified id.
    template <class X>
    void on_request(X& hub, peer_handle from, event::resume& e) {
        if (e.proof.empty()) { // asks to be resumable
            auto* const s = begin(hub, from);
            if (s == nullptr) return refuse(hub, from, e.token, errc::full);
            auto said = grant(*s, false);
            said.token = e.token;
            return hub.send_uncounted(from, said);
        }
        const auto* const proven = find(e.proof);
        const auto old = proven == nullptr ? peer_handle{} : proven->peer;
        if (!old || old == from || hub.has_verified_id(from))
            return refuse(hub, from, e.token, errc::expired);
        hub.take_over(from, old);
        auto* const s = of(old); // features may have changed much during take_over
        if (s == nullptr) return;
        settle(*s, e.proof, e.received);
        auto said = grant(*s, true);
        said.token = e.token;
        said.peer = hub.id(old);
        hub.send_uncounted(old, said);
        replay(hub, *s);
    }

    /// Refuses a connection without the token of the holder: `id_in_use`. A stranger does not get the id of a
    /// peer that is silent for a moment, or away.
    template <class X>
    errc on_claim(X&, peer_handle holder, const admission&) {
        const bool returns = of(holder) != nullptr && options_.window.count() > 0;
        return returns && !options_.ids_claimable ? errc::id_in_use : errc::ok;
    }

    /// Returns the peer of the token, if there is one.
    template <class X>
    peer_handle on_identify(X&, const admission& entry) {
        auto* const s = find(entry.token);
        return s == nullptr ? peer_handle{} : s->peer;
    }

    /// Welcomes the returned peer and sends the missing messages again.
    template <class X>
    void on_identified(X& hub, peer_handle peer, const admission& entry) {
        auto* const s = of(peer);
        if (s == nullptr || find(entry.token) != s) return; // another feature identified the peer
        settle(*s, entry.token, entry.received);
        const auto id = hub.fresh_id();
        const auto said = grant(*s, true);
        event::welcome e;
        e.id = id.view();
        e.peer = hub.id(peer);
        e.configuration.bytes = entry.rtc_configuration;
        e.rate = entry.rate;
        e.grant = &said;
        hub.send_uncounted(peer, e);
        replay(hub, *s);
    }

    /// Adds the resume token to the welcome of a resumable peer.
    template <class X>
    void on_welcome(X& hub, peer_handle peer, const admission& entry, event::welcome& e) {
        if (!entry.resumable) return;
        auto* const s = begin(hub, peer);
        if (s == nullptr) return; // too many resumable peers: this one is none
        s->recovered = false;     // tells a peer with an invalid token that nothing was recovered
        greeting_ = grant(*s, !entry.token.empty());
        e.grant = &greeting_;
    }

    /// Keeps a resumable peer if its connection broke: causes `lost`, `pong_timeout`, `slow_consumer`,
    /// `overloaded` and `tls_failed`.
    template <class X>
    bool on_connection_lost(X&, peer_handle peer, errc why) {
        if (of(peer) == nullptr || options_.window.count() <= 0) return false;
        return why == errc::lost || why == errc::pong_timeout || why == errc::slow_consumer ||
               why == errc::overloaded || why == errc::tls_failed;
    }

    /// Starts the window for the return.
    template <class X>
    void on_away(X& hub, peer_handle peer) {
        auto* const s = of(peer);
        if (s == nullptr || s->away) return; // another feature keeps the peer
        s->away = true;
        s->absence = ++absences_;
        ++away_;
        if (options_.window.count() > 0)
            due_.add(hub.now() + options_.window, {peer, s->absence}, away_, is_open());
    }

    /// The peer has returned in time.
    template <class X>
    void on_reconnected(X&, peer_handle peer) {
        auto* const s = of(peer);
        if (s != nullptr && std::exchange(s->away, false)) --away_;
    }

    /// Forgets the peer, its tokens and its messages.
    template <class X>
    void on_close(X&, peer_handle peer, errc) {
        if (of(peer) == nullptr) return;
        const auto at = states_.extract(peer.slot);
        tokens_.erase(at.mapped().token);
        tokens_.erase(at.mapped().spent);
        away_ -= at.mapped().away;
        clear(at.mapped());
        peers_.give(at.mapped().address, 1);
    }

    /// Counts a request of the peer.
    template <class X>
    void on_received(X&, peer_handle peer, const event::incoming& e, bool is_request) {
        auto* const s = of(peer);
        if (s == nullptr) return; // another feature keeps its traffic
        if (!s->spent.empty()) {  // the new token has arrived
            tokens_.erase(s->spent);
            s->spent.clear();
        }
        s->heard += is_request && !e.token.empty();
    }

    /// Removes acknowledged messages.
    template <class X>
    void on_ack(X&, peer_handle peer, const event::ack& e) {
        if (auto* const s = of(peer)) acknowledge(*s, e.received);
    }

    /// Whether the limits permit one more message.
    template <class X, class E>
    bool can_keep(X&, peer_handle peer, const E& e) {
        const auto* const s = of(peer);
        const auto size = detail::stored_event<E>::size_of(e);
        return s != nullptr && !s->gap && s->kept.size() < options_.messages &&
               s->bytes + size <= options_.bytes && bytes_.can_take(s->address, size);
    }

    /// Keeps a message until the peer acknowledges it.
    template <class X, class E>
    void on_delivery(X&, peer_handle peer, const E& e) {
        auto* const known = of(peer);
        if (known == nullptr) return; // another feature keeps its traffic
        auto& s = *known;
        ++s.said;
        if (s.gap) return;
        const auto size = detail::stored_event<E>::size_of(e);
        if (!bytes_.has_room(size)) clear_largest(size);
        // A connected peer has most likely received the oldest messages. A peer that is away has a gap then.
        while (s.kept.size() >= options_.messages || s.bytes + size > options_.bytes ||
               !bytes_.can_take(s.address, size)) {
            if (s.away) s.gap = true;
            if (s.away || s.kept.empty()) return clear(s);
            drop_first(s);
        }
        detail::address_shares::attempt room{bytes_, s.address, size};
        s.kept.emplace_back(e);
        s.bytes += size;
        room.keep();
    }

    /// Ends peers that did not return in time, with `lost`.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(hub.now(), is_open(), [&](const absence& a) {
            ++expired_;
            hub.close(a.peer, errc::lost);
        });
    }

private:
    // Each absence of a peer has its own deadline.
    struct absence {
        peer_handle peer;
        std::uint64_t number;
    };

    struct state {
        peer_handle peer;
        address_block address; // of its first connection
        std::string token;
        std::string spent; // the previous token, until the new connection has sent a message
        std::deque<detail::stored_outgoing> kept;
        std::size_t bytes = 0;
        std::uint64_t said = 0;    // messages to the peer
        std::uint64_t heard = 0;   // requests of the peer
        std::uint64_t absence = 0; // number of the last absence
        bool away = false;
        bool gap = false;       // an unacknowledged message was removed
        bool recovered = false; // result of the last return
    };

    // The kept traffic of a peer, or null.
    state* of(peer_handle peer) {
        const auto at = states_.find(peer.slot);
        return at == states_.end() || !(at->second.peer == peer) ? nullptr : &at->second;
    }

    state* find(std::string_view token) {
        const auto at = tokens_.find(std::string{token});
        return at == tokens_.end() ? nullptr : of(at->second);
    }

    template <class X>
    static void refuse(X& hub, peer_handle peer, request_token token, errc cause) {
        event::reply said;
        said.token = token;
        said.cause = cause;
        hub.send_uncounted(peer, said);
    }

    // Starts counting. Null if there are too many resumable peers.
    template <class X>
    state* begin(X& hub, peer_handle peer) {
        const auto address = hub.address(peer);
        detail::address_shares::attempt room{peers_, address, states_.contains(peer.slot) ? 0u : 1u};
        if (!room) return nullptr;
        auto& s = states_[peer.slot];
        tokens_.erase(s.token);
        tokens_.erase(s.spent);
        clear(s);
        const auto counted = s.peer ? s.address : address;
        s = state{};
        s.peer = peer;
        s.address = counted;
        room.keep();
        renew(s);
        hub.keep_traffic(peer);
        return &s;
    }

    void renew(state& s) {
        s.token = detail::view(ids_.draw());
        tokens_.emplace(s.token, s.peer);
    }

    void drop_first(state& s) noexcept {
        const auto size = s.kept.front().size();
        s.bytes -= size;
        bytes_.give(s.address, size);
        s.kept.pop_front();
    }

    void clear(state& s) noexcept {
        bytes_.give(s.address, std::exchange(s.bytes, 0));
        s.kept.clear();
    }

    // Makes room: the peers with the most kept messages lose them, until the budget has room for `size`.
    void clear_largest(std::size_t size) noexcept {
        while (!bytes_.has_room(size)) {
            std::size_t most = 0;
            for (const auto& [slot, s] : states_) most = std::max(most, s.bytes);
            if (most <= size) return; // this message is the largest
            for (auto& [slot, s] : states_)
                if (s.bytes > most / 2) {
                    s.gap = s.gap || s.away;
                    clear(s);
                }
        }
    }

    // The peer has received `count` messages.
    void acknowledge(state& s, std::uint64_t count) noexcept {
        while (!s.kept.empty() && s.said - s.kept.size() < count) drop_first(s);
    }

    // A peer has returned, and had received `count` messages.
    void settle(state& s, std::string_view shown, std::uint64_t count) {
        // The spent token again: the peer does not know of its gap, and still counts from an earlier start.
        const bool misled = s.token != shown && !s.recovered;
        if (s.token == shown) std::swap(s.token, s.spent);
        tokens_.erase(s.token);
        renew(s);
        acknowledge(s, count);
        s.recovered = !misled && !s.gap && count == s.said - s.kept.size();
        ++(s.recovered ? recovered_ : gaps_);
        if (s.recovered) return;
        clear(s);
        s.said = s.heard = 0;
        s.gap = false;
    }

    template <class X>
    static void replay(X& hub, const state& s) {
        for (const auto& kept : s.kept) kept.visit([&](const auto& e) { hub.send_uncounted(s.peer, e); });
    }

    // The grant for the peer; as a reply it is not counted.
    event::resume_grant grant(const state& s, bool came_back) const {
        event::resume_grant g;
        g.proof = s.token;
        g.window = options_.window;
        g.returned = came_back;
        g.recovered = came_back && s.recovered;
        if (g.recovered) g.received = s.heard;
        return g;
    }

    resume_options options_;
    detail::address_shares peers_; // resumable peers
    detail::address_shares bytes_; // of kept messages
    detail::id_source ids_;
    std::unordered_map<std::uint32_t, state> states_;     // by slot
    std::unordered_map<std::string, peer_handle> tokens_; // includes spent tokens that are still valid
    detail::deadline_queue<absence> due_;
    event::resume_grant greeting_; // of the next welcome
    std::size_t away_ = 0;
    std::uint64_t absences_ = 0;
    std::uint64_t recovered_ = 0, gaps_ = 0, expired_ = 0; // returns so far
};

} // namespace sigfire::inline v0_1
