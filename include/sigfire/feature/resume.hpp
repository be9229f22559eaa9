// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_envelope.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sigfire {

/// Settings of `resume`.
struct resume_options {
    std::chrono::milliseconds window{30'000}; ///< from the loss of a connection, to come back; 0 = none can
    std::size_t messages = 1000;              ///< kept for one peer, that it has not acknowledged
    std::size_t bytes = 1u << 20;             ///< of those messages
};

/** Lets a peer continue on another connection where the last one broke. A part of a server, and of a hub.
 *
 *  Only peers that ask for it pay: what they are sent is kept until they acknowledge it. Both ends count what
 *  they hear, and write no numbers into messages. When the connection breaks, the peer is `away`: it keeps
 * its id, topics and sessions, and messages to it are kept, `full` beyond the bounds. With the token of its
 * last welcome it comes back, on any listener of the hub: what it has not got is sent again, in order, once.
 * Where something is missing because the bounds were too narrow, it is told so (`recovered` is false), and
 * nothing is sent again.
 *
 *  A token is 126 random bits and good for one return: it is spent as soon as the new connection has said
 *  anything, so that a peer whose new token was lost on the way is not locked out. A connection that was
 * closed properly, or by the hub, is not waited for. */
class resume : public feature {
public:
    explicit resume(resume_options options = {}) : options_(options) {}

    static constexpr bool takes(verb v) noexcept { return v == verb::resume; }

    /// How many peers are away.
    std::size_t away_peers() const noexcept { return away_; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        if (e.data.bytes.empty()) { // asks to be resumable
            begin(desk, from);
            const auto said = describe(states_.at(from.slot), false);
            return answer(desk, from, e.id, errc::ok, said.view());
        }
        const auto old = find(e.data.bytes);
        if (!old || old == from) return answer(desk, from, e.id, errc::expired, {});
        desk.take_over(from, old);
        auto& s = states_.at(old.slot);
        const bool recovered = settle(s, e.data.bytes, e.number);
        detail::json_text said;
        said.raw(R"({"id":)").string(desk.id(old)).raw(",").raw(describe(s, true).view().substr(1));
        answer(desk, old, e.id, errc::ok, said.view());
        if (recovered) replay(desk, old, s);
    }

    template <class D>
    peer_handle returning(D&, const admission& wish) {
        return find(wish.token);
    }

    template <class D>
    void returned(D& desk, peer_handle peer, const admission& wish) {
        const auto known = states_.find(peer.slot);
        if (known == states_.end()) return; // another feature brought it back
        auto& s = known->second;
        const bool recovered = settle(s, wish.token, wish.received);
        envelope e;
        e.what = verb::welcome;
        e.id = desk.fresh_id();
        e.to = desk.id(peer);
        const auto said = describe(s, true);
        e.data.bytes = said.view();
        desk.send_uncounted(peer, e);
        if (recovered) replay(desk, peer, s);
    }

    template <class D>
    void greeting(D& desk, peer_handle peer, const admission& wish, envelope& welcome) {
        if (!wish.resumable) return;
        begin(desk, peer);
        auto& s = states_.at(peer.slot);
        s.recovered = false; // whoever came with a token that is none hears so
        greeting_ = describe(s, !wish.token.empty());
        welcome.data.bytes = greeting_.view();
    }

    template <class D>
    bool outlives(D&, peer_handle peer, errc why) {
        if (!states_.contains(peer.slot) || options_.window.count() <= 0) return false;
        return why == errc::lost || why == errc::pong_timeout || why == errc::slow_consumer ||
               why == errc::overloaded || why == errc::tls_failed;
    }

    template <class D>
    void away(D& desk, peer_handle peer) {
        auto& s = states_.at(peer.slot);
        s.deadline = desk.now() + options_.window;
        s.away = true;
        ++away_;
        due_.push_back({s.deadline, peer});
    }

    template <class D>
    void back(D&, peer_handle peer) {
        states_.at(peer.slot).away = false;
        --away_;
    }

    template <class D>
    void closed(D&, peer_handle peer, errc) {
        const auto at = states_.extract(peer.slot);
        if (!at) return;
        tokens_.erase(at.mapped().token);
        tokens_.erase(at.mapped().spent);
        away_ -= at.mapped().away;
    }

    template <class D>
    void heard(D&, peer_handle peer, const envelope& e) {
        auto& s = states_.at(peer.slot);
        if (!s.spent.empty()) { // the new token has arrived
            tokens_.erase(s.spent);
            s.spent.clear();
        }
        if (e.what == verb::ack)
            acknowledge(s, e.number);
        else if (e.what != verb::resume && !e.id.empty())
            ++s.heard;
    }

    template <class D>
    bool can_keep(D&, peer_handle peer, const envelope& e) {
        const auto& s = states_.at(peer.slot);
        return !s.gap && s.kept.size() < options_.messages &&
               s.bytes + detail::stored_envelope::size_of(e) <= options_.bytes;
    }

    template <class D>
    void keep(D&, peer_handle peer, const envelope& e) {
        auto& s = states_.at(peer.slot);
        ++s.said;
        if (s.gap) return;
        s.kept.emplace_back(e);
        s.bytes += s.kept.back().size();
        // A peer that is here has most likely got the oldest; one that is away has a gap.
        while (s.kept.size() > options_.messages || s.bytes > options_.bytes) {
            if (s.away) {
                s.gap = true;
                s.bytes = 0;
                return s.kept.clear();
            }
            drop_first(s);
        }
    }

    template <class D>
    time_point tick(D& desk) {
        for (; !due_.empty(); due_.pop_front()) {
            const auto [deadline, peer] = due_.front();
            const auto at = states_.find(peer.slot);
            if (at == states_.end() || !(at->second.peer == peer) || !at->second.away ||
                at->second.deadline != deadline)
                continue;
            if (deadline > desk.now()) return deadline;
            desk.close(peer, errc::lost);
        }
        return time_point::max();
    }

private:
    struct state {
        peer_handle peer;
        std::string token;
        std::string spent; // the one before, until the new connection has said anything
        std::deque<detail::stored_envelope> kept;
        std::size_t bytes = 0;
        std::uint64_t said = 0;  // messages to the peer
        std::uint64_t heard = 0; // requests of the peer
        time_point deadline{};
        bool away = false;
        bool gap = false;       // something that the peer has not got is kept no longer
        bool recovered = false; // by the last return
    };

    peer_handle find(std::string_view token) const {
        const auto at = tokens_.find(std::string{token});
        return at == tokens_.end() ? peer_handle{} : at->second;
    }

    // Counting starts here.
    template <class D>
    void begin(D& desk, peer_handle peer) {
        auto& s = states_[peer.slot];
        tokens_.erase(s.token);
        tokens_.erase(s.spent);
        s = state{};
        s.peer = peer;
        renew(s);
        desk.keep_traffic(peer);
    }

    void renew(state& s) {
        s.token = detail::view(ids_.draw());
        tokens_.emplace(s.token, s.peer);
    }

    static void drop_first(state& s) noexcept {
        s.bytes -= s.kept.front().size();
        s.kept.pop_front();
    }

    // The peer has `count` messages.
    static void acknowledge(state& s, std::uint64_t count) noexcept {
        while (!s.kept.empty() && s.said - s.kept.size() < count) drop_first(s);
    }

    // A peer is back, and had `count` messages. False: it has missed something.
    bool settle(state& s, std::string_view shown, std::uint64_t count) {
        // Shown again: it never heard that something is missing, and still counts from an older beginning.
        const bool misled = s.token != shown && !s.recovered;
        if (s.token == shown) std::swap(s.token, s.spent);
        tokens_.erase(s.token);
        renew(s);
        acknowledge(s, count);
        s.recovered = !misled && !s.gap && count == s.said - s.kept.size();
        if (!s.recovered) {
            s.kept.clear();
            s.bytes = 0;
            s.said = s.heard = 0;
            s.gap = false;
        }
        return s.recovered;
    }

    // Replies about resuming are not counted.
    template <class D>
    static void answer(D& desk, peer_handle to, std::string_view token, errc status, std::string_view data) {
        envelope r;
        r.what = verb::reply;
        r.id = token;
        r.status = status;
        r.data.bytes = data;
        desk.send_uncounted(to, r);
    }

    template <class D>
    static void replay(D& desk, peer_handle peer, const state& s) {
        for (const auto& e : s.kept) desk.send_uncounted(peer, e.get());
    }

    detail::json_text describe(const state& s, bool came_back) const {
        detail::json_text t;
        t.raw(R"({"token":)").string(s.token).raw(R"(,"window":)").number(options_.window.count());
        if (came_back) {
            t.raw(s.recovered ? R"(,"recovered":true)" : R"(,"recovered":false)");
            if (s.recovered) t.raw(R"(,"received":)").number(s.heard);
        }
        t.raw("}");
        return t;
    }

    resume_options options_;
    detail::id_source ids_;
    std::unordered_map<std::uint32_t, state> states_;     // by slot
    std::unordered_map<std::string, peer_handle> tokens_; // also the spent ones that still count
    std::deque<std::pair<time_point, peer_handle>> due_;  // one window for all: in order
    detail::json_text greeting_;
    std::size_t away_ = 0;
};

} // namespace sigfire
