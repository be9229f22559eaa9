// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/token_bucket.hpp>
#include <sigfire/feature/detail/kept_payload.hpp>
#include <sigfire/feature/detail/presence_changes.hpp>
#include <sigfire/feature/detail/presence_pages.hpp>
#include <sigfire/feature/detail/slow_watchers.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `presence`.
struct presence_options {
    /// Time in which changes are collected before they are sent, in milliseconds.
    std::chrono::milliseconds delay{50};
    /// Maximum number of topics and peers that one peer may watch; a further watch is `full`.
    std::size_t watches_per_peer = 100;
    /// New watches of one peer per second on average, since each costs a snapshot; a further one fails with
    /// `rate`. At once, a peer may begin 20 watches, or `watches_per_peer` if that is more. 0 = no limit.
    double watches_per_second = 2;
    /// Maximum number of watches of all peers; a further watch is `full`. The peers of one address have at
    /// most a quarter of them.
    std::size_t total = 1'000'000;
    /// Maximum number of changes in one message.
    std::size_t changes_per_message = 100;
    /// Maximum number of messages sent in one tick, so that other requests do not wait long.
    std::size_t messages_per_tick = 512;
    /// Time in which a watcher may take nothing of a snapshot, in milliseconds. After that time it is
    /// disconnected.
    std::chrono::milliseconds slow_watcher_timeout{10'000};
    /// Maximum number of messages with changes that wait behind a snapshot. Beyond it the watcher gets a new
    /// snapshot.
    std::size_t pending_changes = 1000;
    /// Maximum size of the messages that wait for slow watchers, in bytes. Beyond it new snapshots wait.
    std::size_t pending_bytes = 16u << 20;
};

/** Informs watchers about peers that arrive and leave, in a topic or on the hub. A part of a server, and of a
 *  hub. To watch topics, the hub needs `topics` too.
 *
 *  A watcher first receives a snapshot, then each change. No change is missing, and none is sent twice. The
 *  feature collects changes for `presence_options::delay` and sends only their outcome. It does not report a
 *  peer that arrived and left meanwhile. It reports a peer that left and returned as left and joined.
 *
 *  The feature works in slices. A watcher that was away receives a new snapshot when it returns. A watcher
 *  receives a snapshot as fast as it reads; later changes wait. */
class presence : public feature {
    // Defined first, since its return type is deduced.
    auto is_queued() {
        return [this](const place& where) {
            const auto at = subjects_.find(where);
            return at != subjects_.end() && at->second.queued;
        };
    }

public:
    /// Takes the settings.
    explicit presence(presence_options options = {}) : options_(options), shares_(options.total) {}

    /// Number of watchers that have not taken their whole snapshot yet.
    std::size_t slow() const noexcept { return slow_.size(); }

    /// Starts a watch of a topic or a peer. Causes: `malformed`, `full`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::watch& e) {
        const auto where = place_of(e.peer, e.topic);
        if (!detail::is_name(where.name)) return hub.reply(from, e.token, errc::malformed);
        auto& w = watching_[from.slot];
        if (w.places.contains(where)) return hub.reply(from, e.token, errc::ok);
        const auto burst = static_cast<double>(std::max<std::size_t>(options_.watches_per_peer, 20));
        if (w.places.size() >= options_.watches_per_peer) return hub.reply(from, e.token, errc::full);
        if (!w.rate.take(1, hub.now(), options_.watches_per_second, burst)) {
            event::reply said;
            said.token = e.token;
            said.cause = errc::rate;
            said.retry_after = w.rate.wait(1, hub.now(), options_.watches_per_second, burst);
            return hub.reply(from, said);
        }
        const auto payer = w.places.empty() ? hub.address(from) : w.address;
        detail::address_shares::attempt room{shares_, payer, 1};
        if (!room) return hub.reply(from, e.token, errc::full);
        w.address = payer;
        auto& serial = w.places[where];
        room.keep(); // if the next step needs memory and gets none, the watch counts all the same
        begin(hub, from, where, serial);
        hub.reply(from, e.token, errc::ok);
    }

    /// Ends a watch. Causes: `malformed`, `unknown`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::unwatch& e) {
        const auto where = place_of(e.peer, e.topic);
        if (!detail::is_name(where.name)) return hub.reply(from, e.token, errc::malformed);
        const auto mine = watching_.find(from.slot);
        if (mine == watching_.end() || !mine->second.places.contains(where))
            return hub.reply(from, e.token, errc::unknown);
        forget(mine->second, mine->second.places.find(where));
        hub.reply(from, e.token, errc::ok);
    }

    /// Records a change of a membership.
    template <class X>
    void on_membership(X& hub, std::string_view topic, peer_handle peer, membership what, payload metadata,
                       errc why) {
        if (auto* const s = find(true, topic)) change(hub, *s, hub.id(peer), what, metadata, why);
    }

    /// Records a change of a state entry.
    template <class X>
    void on_entry(X& hub, std::string_view topic, std::string_view key, payload value,
                  std::string_view owner) {
        auto* const s = find(true, topic);
        if (s == nullptr) return;
        s->changes.set(key, value, owner);
        queue(hub, *s);
    }

    /// Records that the peer has arrived.
    template <class X>
    void on_open(X& hub, peer_handle peer, const admission&) {
        if (auto* const s = find(false, hub.id(peer)))
            change(hub, *s, hub.id(peer), membership::joined, {}, errc::ok);
    }

    /// Records that the peer has left, and ends its watches.
    template <class X>
    void on_close(X& hub, peer_handle peer, errc why) {
        if (auto* const s = hub.is_unlisted(peer) ? nullptr : find(false, hub.id(peer)))
            change(hub, *s, hub.id(peer), membership::left, {}, why);
        slow_.erase(peer.slot);
        const auto mine = watching_.extract(peer.slot);
        if (!mine) return;
        auto& w = mine.mapped();
        for (auto at = w.places.begin(); at != w.places.end();) forget(w, at++);
    }

    /// Records that the old id has left.
    template <class X>
    void on_rename(X& hub, peer_handle peer) {
        if (auto* const s = hub.is_unlisted(peer) ? nullptr : find(false, hub.id(peer)))
            change(hub, *s, hub.id(peer), membership::left, {}, errc::replaced);
    }

    /// Records that the new id has arrived.
    template <class X>
    void on_renamed(X& hub, peer_handle peer) {
        on_open(hub, peer, {});
    }

    /// Records that the peer is away.
    template <class X>
    void on_away(X& hub, peer_handle peer) {
        shift(hub, peer, true);
    }

    /// Records that the peer has returned, and sends new snapshots to it.
    template <class X>
    void on_reconnected(X& hub, peer_handle peer) {
        shift(hub, peer, false);
        const auto mine = watching_.find(peer.slot);
        if (mine == watching_.end()) return;
        for (auto& [where, serial] : mine->second.places) begin_again(hub, peer, where, serial);
    }

    /// Sends changes and snapshots that are due.
    template <class X>
    time_point on_tick(X& hub) {
        auto budget = options_.messages_per_tick;
        if (!slow_.empty()) // slow watchers get at most half of it
            budget -= std::min(budget - 1, serve_slow(hub, std::max<std::size_t>(budget / 2, 1)));
        const auto next = work_off(hub, budget);
        using namespace std::chrono_literals;
        return slow_.empty() ? next : std::min(next, hub.now() + 50ms);
    }

private:
    using place = detail::watched_place;
    using watcher = detail::watcher;
    using watchers = std::vector<watcher>;
    using page = detail::slow_watchers::page;

    struct subject {
        const place* where = nullptr;
        std::size_t watched = 0; // number of watchers
        watchers old, fresh;     // `fresh` watchers have received nothing yet
        detail::presence_changes changes;
        bool queued = false;
    };

    struct watches_of_peer {
        std::map<place, std::uint64_t> places{}; // serials
        token_bucket rate{};
        address_block address{}; // pays for all of these
    };

    struct job {
        page what;
        std::shared_ptr<const watchers> to;
        std::size_t next = 0;
        fanout shared = {};
    };

    static place place_of(std::string_view peer, std::string_view topic) {
        return {peer.empty(), std::string{peer.empty() ? topic : peer}};
    }

    subject* find(bool by_topic, std::string_view name) {
        if (subjects_.empty()) return nullptr;
        const auto at = subjects_.find(place{by_topic, std::string{name}});
        return at == subjects_.end() ? nullptr : &at->second;
    }

    template <class X>
    void begin(X& hub, peer_handle peer, const place& where, std::uint64_t& serial) {
        const auto at = subjects_.try_emplace(where).first;
        auto& s = at->second;
        s.where = &at->first;
        ++s.watched;
        serial = ++last_;
        s.fresh.push_back({peer, serial});
        queue(hub, s);
    }

    // Sends another snapshot to a watcher.
    template <class X>
    void begin_again(X& hub, peer_handle peer, const place& where, std::uint64_t& serial) {
        --find(where.by_topic, where.name)->watched;
        begin(hub, peer, where, serial);
    }

    void forget(watches_of_peer& mine, std::map<place, std::uint64_t>::iterator at) {
        const auto s = subjects_.find(at->first);
        if (s != subjects_.end() && --s->second.watched == 0) subjects_.erase(s);
        mine.places.erase(at);
        shares_.give(mine.address, 1);
    }

    bool watches(const watcher& w, const place& where) const {
        const auto mine = watching_.find(w.peer.slot);
        if (mine == watching_.end()) return false;
        const auto at = mine->second.places.find(where);
        return at != mine->second.places.end() && at->second == w.serial;
    }

    template <class X>
    void queue(X& hub, subject& s) {
        if (!std::exchange(s.queued, true))
            due_.add(hub.now() + options_.delay, *s.where, subjects_.size(), is_queued());
    }

    template <class X>
    void change(X& hub, subject& s, std::string_view id, membership what, payload metadata, errc why) {
        queue(hub, s);
        auto& c = s.changes.of(id, what != membership::joined);
        c.is = what != membership::left;
        c.updated = c.was;
        c.metadata = detail::kept_payload{metadata};
        if (c.is) return;
        c.cause = why;
        c.renewed = c.was;
        c.away_told = false;
    }

    template <class X>
    void shift(X& hub, peer_handle peer, bool away) {
        const auto note = [&](subject* s) {
            if (s == nullptr) return;
            queue(hub, *s);
            auto& c = s->changes.of(hub.id(peer), true);
            c.away_told = !c.away_told; // away and back cancel each other
            c.away = away;
        };
        note(find(false, hub.id(peer)));
        hub.each([&](auto& f) { f.for_each_topic(peer, [&](std::string_view t) { note(find(true, t)); }); });
    }

    // --- sending ---

    // While messages remain to be sent, no changes are taken: under load each message holds more changes.
    template <class X>
    time_point work_off(X& hub, std::size_t budget) {
        for (;;) {
            if (!jobs_.empty()) {
                if (!work(hub, jobs_.front(), budget)) return hub.now();
                jobs_.pop_front();
                continue;
            }
            const auto next = due_.next(is_queued());
            if (next > hub.now()) return next;
            if (budget == 0) return hub.now();
            --budget;
            const auto where = due_.take(hub.now(), is_queued());
            flush(hub, *where, *find(where->by_topic, where->name));
        }
    }

    // Queues the messages that `fill(pages)` writes, for those watchers.
    template <class X, class Fill>
    void tell(X& hub, const place& where, bool snapshot, const watchers& who, Fill fill) {
        if (who.empty()) return;
        const auto to = std::make_shared<const watchers>(who);
        detail::presence_pages pages{
            options_.changes_per_message, snapshot, [&](event::presence& e) {
                const auto id = hub.fresh_id();
                e.id = id.view();
                if (where.by_topic) e.topic = where.name;
                jobs_.push_back({std::make_shared<const detail::presence_page>(where, e, bytes_), to});
            }};
        fill(pages);
        pages.finish();
    }

    template <class X>
    static void say_all(X& hub, const place& where, auto& pages) {
        using enum event::presence_status;
        const auto say = [&](peer_handle peer, payload metadata) {
            pages.member(hub.id(peer), hub.is_away(peer) ? away : joined, metadata);
        };
        if (!where.by_topic) {
            if (const auto peer = hub.find(where.name))
                say(peer, {});
            else // without this, a watcher could not know that the peer is absent
                pages.member(where.name, left);
            return;
        }
        hub.each([&](auto& f) { f.for_each_member(where.name, say); });
        hub.each([&](auto& f) {
            f.for_each_entry(where.name, [&](std::string_view key, payload value, peer_handle owner) {
                pages.entry(key, value, hub.id(owner));
            });
        });
    }

    template <class X>
    void flush(X& hub, const place& where, subject& s) {
        s.queued = false;
        const auto gone = [&](const watcher& w) { return !watches(w, where); };
        std::erase_if(s.old, gone);
        std::erase_if(s.fresh, gone);
        tell(hub, where, false, s.old, [&](auto& pages) { s.changes.write(pages); });
        s.changes.clear();
        if (s.fresh.empty()) return;
        if (*bytes_ >= options_.pending_bytes) return queue(hub, s);
        tell(hub, where, true, s.fresh, [&](auto& pages) { say_all(hub, where, pages); });
        s.old.insert(s.old.end(), s.fresh.begin(), s.fresh.end());
        s.fresh.clear();
    }

    // Sends a message. Returns false if the budget was not enough.
    template <class X>
    bool work(X& hub, job& j, std::size_t& budget) {
        const auto& e = j.what->message();
        for (; j.next < j.to->size(); ++j.next) {
            const auto& w = (*j.to)[j.next];
            if (!watches(w, j.what->where()) || hub.is_away(w.peer)) continue;
            if (budget == 0) return false;
            --budget;
            if (slow_.add(w, j.what, options_.pending_changes)) continue;
            if (e.snapshot && !hub.has_room(w.peer, e))
                slow_.begin(w, j.what, hub.now());
            else
                hub.broadcast(w.peer, e, j.shared);
        }
        return true;
    }

    template <class X>
    std::size_t serve_slow(X& hub, std::size_t budget) {
        return slow_.serve(
            hub, budget, options_.slow_watcher_timeout,
            [&](const watcher& w, const place& where) { return watches(w, where) && !hub.is_away(w.peer); },
            [&](const watcher& w, const place& where) {
                begin_again(hub, w.peer, where, watching_.at(w.peer.slot).places.at(where));
            });
    }

    presence_options options_;
    std::map<place, subject> subjects_;
    detail::address_shares shares_;                               // of watches
    std::unordered_map<std::uint32_t, watches_of_peer> watching_; // by slot
    detail::deadline_queue<place> due_;
    std::deque<job> jobs_;
    detail::slow_watchers slow_;
    std::shared_ptr<std::size_t> bytes_ = std::make_shared<std::size_t>(0); // of unsent messages
    std::uint64_t last_ = 0;
};

} // namespace sigfire::inline v0_1
