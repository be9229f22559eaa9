// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/detail/presence_pages.hpp>
#include <sigfire/hub/fanout.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// A watch of a peer. After an end and a new start it has another serial.
struct watcher {
    peer_handle peer;
    std::uint64_t serial;
};

/// Watchers that take a snapshot more slowly than it is written, with their waiting messages: the rest of the
/// snapshot, and later changes. If too many changes wait for a watcher, it gets a new snapshot instead, after
/// the current one.
class slow_watchers {
public:
    using page = std::shared_ptr<const presence_page>;

    bool empty() const noexcept { return owed_.empty(); }
    std::size_t size() const noexcept { return owed_.size(); }

    /// If the peer is a slow watcher, queues the message for it and returns true. At most `most` messages
    /// with changes wait for one peer.
    bool add(const watcher& w, const page& what, std::size_t most) {
        if (owed_.empty()) return false;
        const auto at = owed_.find(w.peer.slot);
        if (at == owed_.end()) return false;
        auto& o = at->second;
        const auto again = o.again.find(what->where());
        if (again != o.again.end() && again->second == w.serial) return true;
        if (!what->message().snapshot && o.changes++ == most) {
            std::erase_if(o.pages, [&](const auto& p) {
                if (p.first->message().snapshot) return false;
                o.again[p.first->where()] = p.second;
                return true;
            });
            o.again[what->where()] = w.serial;
            o.changes = 0;
        } else {
            o.pages.push_back({what, w.serial});
        }
        return true;
    }

    /// The peer becomes a slow watcher.
    void begin(const watcher& w, const page& what, time_point now) {
        auto& o = owed_[w.peer.slot];
        o.peer = w.peer;
        o.since = now;
        o.pages.push_back({what, w.serial});
    }

    /// Forgets a peer.
    void erase(std::uint32_t slot) { owed_.erase(slot); }

    /** Sends to each peer in turn as much as it can take, at most `budget` messages in all.
     *
     *  `watches(watcher, place)` says whether a watch still exists and its peer is present. `again(watcher,
     *  place)` requests a new snapshot. If a peer takes nothing for `slow_watcher_timeout`, the
     *  hub sends the next message anyway: this disconnects the peer.
     *  @returns the number of messages that were sent or tried */
    template <class X, class Watches, class Again>
    std::size_t serve(X& hub, std::size_t budget, std::chrono::milliseconds slow_watcher_timeout,
                      Watches watches, Again again) {
        std::size_t used = 0;
        for (auto n = owed_.size(); n != 0 && used < budget; --n) {
            auto at = owed_.upper_bound(last_);
            if (at == owed_.end()) at = owed_.begin();
            last_ = at->first;
            auto& o = at->second;
            while (!o.pages.empty() && used < budget) {
                const auto& [what, serial] = o.pages.front();
                const auto& e = what->message();
                if (watches(watcher{o.peer, serial}, what->where())) {
                    ++used;
                    if (!hub.has_room(o.peer, e) && hub.now() - o.since < slow_watcher_timeout) break;
                    fanout alone;
                    hub.broadcast(o.peer, e, alone);
                    o.since = hub.now();
                }
                if (!e.snapshot) --o.changes;
                o.pages.pop_front();
            }
            if (!o.pages.empty()) continue;
            const auto done = std::move(owed_.extract(at).mapped());
            for (const auto& [where, serial] : done.again) {
                const watcher w{done.peer, serial};
                if (watches(w, where)) again(w, where);
            }
        }
        return used;
    }

private:
    struct owed {
        peer_handle peer;
        std::deque<std::pair<page, std::uint64_t>> pages; // with the serials of their watchers
        std::size_t changes = 0;
        time_point since{}; // when it took the last message
        std::map<watched_place, std::uint64_t> again;
    };

    std::map<std::uint32_t, owed> owed_; // by slot
    std::uint32_t last_ = 0;             // slot that was served last
};

} // namespace sigfire::inline v0_1::detail
