// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/feature.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `rtc_refresh`.
struct rtc_refresh_options {
    unsigned percent = 80; ///< part of its life after which a configuration is renewed: 1 to 99
    /// Shortest time between two renewals for one peer, in milliseconds.
    std::chrono::milliseconds pause{1'000};
};

/** Sends peers a new RTC configuration before the old one ends, as `event::configuration`. A part of a
 *  server, and of a hub.
 *
 *  A hook such as `turn` attaches an `rtc_renewal` to the peer. After `percent` of the life, the feature asks
 *  for a new configuration and sends it. If there is none, the feature asks again after a twentieth of the
 *  life. A peer that is away gets its configuration when it returns. A peer with a wire that cannot express
 *  the event gets nothing.
 *
 *  Peers without an `rtc_renewal` cost nothing. The feature keeps one entry, and at most one open question,
 *  for each other peer. */
class rtc_refresh : public feature {
    struct turn {
        peer_handle peer;
        std::uint64_t number; // of the entry's deadline
    };
    struct entry {
        peer_handle peer;
        rtc_renewal renewal;
        std::chrono::milliseconds life{}; // of the last configuration
        std::uint64_t number = 0;         // of its deadline
        std::uint64_t question = 0;       // key of its open question; 0 = none
        bool missed = false;              // the peer was away at its time
    };
    struct question {
        peer_handle peer;
        std::shared_ptr<std::chrono::milliseconds> life; // of the answer
    };

    // Defined first, since its return type is deduced.
    auto is_open() const noexcept {
        return [this](const turn& t) {
            const auto at = entries_.find(t.peer.slot);
            return at != entries_.end() && at->second.peer == t.peer && at->second.number == t.number;
        };
    }

public:
    /// A feature with default settings.
    rtc_refresh() = default;
    /// Throws `std::invalid_argument` if `percent` is not from 1 to 99, or `pause` is not positive.
    explicit rtc_refresh(rtc_refresh_options options) : options_{options} {
        if (options.percent < 1 || options.percent > 99 || options.pause.count() <= 0)
            throw std::invalid_argument{
                "sigfire: rtc_refresh needs a percent from 1 to 99 and a pause above 0"};
    }

    /// Number of peers with a configuration that ends.
    std::size_t size() const noexcept { return entries_.size(); }
    /// Number of configurations sent.
    std::uint64_t sent() const noexcept { return sent_; }
    /// Number of renewals that failed.
    std::uint64_t failed() const noexcept { return failed_; }

    /// Notes the life of the peer's configuration.
    template <class X>
    void on_open(X& hub, peer_handle peer, const admission& granted) {
        begin(hub, peer, granted);
    }
    /// The peer has the configuration of its new connection.
    template <class X>
    void on_identified(X& hub, peer_handle peer, const admission& granted) {
        begin(hub, peer, granted);
    }
    /// Asks for the configuration that the peer has missed.
    template <class X>
    void on_reconnected(X& hub, peer_handle peer) {
        // With the next turn: a connection that brings a configuration of its own ends this one before.
        if (auto* const e = of(peer); e != nullptr && e->missed) expect(hub.now(), *e);
    }
    /// Forgets the peer.
    template <class X>
    void on_close(X&, peer_handle peer, errc) {
        forget(peer);
    }

    /// Sends an answer to its peer.
    template <class X>
    bool on_verdict(X& hub, detail::late_verdict& answer) {
        const auto asked = questions_.extract(answer.key);
        if (!asked) return false;
        auto* const e = of(asked.mapped().peer);
        if (e == nullptr) return true;
        e->question = 0;
        if (!answer.answered || answer.data.empty()) {
            ++failed_;
            expect(hub.now() + again(*e), *e);
            return true;
        }
        e->life = *asked.mapped().life;
        deliver(hub, *e, answer);
        return true;
    }

    /// Asks for the configurations that are due.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(hub.now(), is_open(), [&](const turn& t) { ask(hub, entries_.at(t.peer.slot)); });
    }

private:
    entry* of(peer_handle peer) {
        const auto at = entries_.find(peer.slot);
        return at == entries_.end() || at->second.peer != peer ? nullptr : &at->second;
    }
    void forget(peer_handle peer) {
        auto* const e = of(peer);
        if (e == nullptr) return;
        questions_.erase(e->question);
        entries_.erase(peer.slot);
    }

    template <class X>
    void begin(X& hub, peer_handle peer, const admission& granted) {
        forget(peer);
        const auto* const r = granted.attached.find<rtc_renewal>();
        if (r == nullptr || r->life.count() <= 0 || !r->renew) return;
        auto& e = entries_[peer.slot] = entry{peer, *r, r->life};
        expect(hub.now() + first(e), e);
    }

    // `missed` and the answer's life decide when it is asked again.
    template <class X>
    void ask(X& hub, entry& e) {
        questions_.erase(std::exchange(e.question, 0)); // its answer did not come in time
        e.missed = !hub.is_online(e.peer);
        if (e.missed) {
            e.number = 0;
            return;
        }
        const auto key = hub.late_key();
        const auto life = std::make_shared<std::chrono::milliseconds>();
        questions_.emplace(key, question{e.peer, life});
        e.question = key;
        expect(hub.now() + again(e), e);
        auto done = [box = hub.late_answers(), key, life](rtc_lease made) {
            *life = made.life;
            detail::late_verdict v;
            v.key = key;
            v.answered = !made.configuration.empty();
            v.data = std::move(made.configuration);
            box->put(std::move(v));
        };
        const auto renew = e.renewal.renew; // a copy: the call may end the peer
        try {
            renew(hub.id(e.peer), std::move(done));
        } catch (...) { // it is asked again later
            ++failed_;
        }
    }

    template <class X>
    void deliver(X& hub, entry& e, const detail::late_verdict& answer) {
        if (!hub.is_online(e.peer)) {
            e.missed = true;
            e.number = 0;
            return;
        }
        const auto id = hub.fresh_id();
        event::configuration said;
        said.id = id.view();
        said.data = {answer.data, answer.wire};
        const auto peer = e.peer;
        const errc cause = hub.send(peer, said);
        auto* const left = of(peer); // the hub may have closed the peer
        if (left == nullptr) return;
        if (cause == errc::unknown_command || left->life.count() <= 0) forget(peer);
        if (cause == errc::ok) ++sent_;
        if (auto* const stays = of(peer))
            expect(hub.now() + (cause == errc::ok ? first(*stays) : again(*stays)), *stays);
    }

    std::chrono::milliseconds first(const entry& e) const {
        return std::max(options_.pause, e.life / 100 * static_cast<std::int64_t>(options_.percent));
    }
    std::chrono::milliseconds again(const entry& e) const { return std::max(options_.pause, e.life / 20); }

    void expect(time_point at, entry& e) {
        e.number = ++last_;
        due_.add(at, {e.peer, e.number}, entries_.size(), is_open());
    }

    rtc_refresh_options options_;
    std::unordered_map<std::uint32_t, entry> entries_;      // by slot
    std::unordered_map<std::uint64_t, question> questions_; // by key
    detail::deadline_queue<turn> due_;
    std::uint64_t last_ = 0, sent_ = 0, failed_ = 0;
};

} // namespace sigfire::inline v0_1
