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

namespace sigfire::detail {

/// Which time a peer began to watch something: one that stopped since is another watcher.
struct watcher {
    peer_handle peer;
    std::uint64_t serial;
};

/** Watchers that take a snapshot more slowly than it is told, and their due: the rest of the snapshot, and
 * the changes behind it. One that is owed too many changes is owed a new snapshot instead, behind the one
 * that it is being told. */
class slow_watchers {
public:
    using page = std::shared_ptr<const presence_page>;

    bool empty() const noexcept { return owed_.empty(); }
    std::size_t size() const noexcept { return owed_.size(); }

    /// Whether that peer is one; then it is owed the page, of which it shall not be owed more than `most`
    /// that tell changes.
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

    /// A peer becomes one.
    void begin(const watcher& w, const page& what, time_point now) {
        auto& o = owed_[w.peer.slot];
        o.peer = w.peer;
        o.since = now;
        o.pages.push_back({what, w.serial});
    }

    /// Forgets a peer.
    void erase(std::uint32_t slot) { owed_.erase(slot); }

    /** Sends as much as can be taken, at most `budget` pages, to each peer in its turn.
     * `watches(watcher, place)`: whether it still does, and is here. `again(watcher, place)`: it is owed a
     * new snapshot. A peer that takes nothing for so long is sent the next page all the same, which ends it.
     *  @returns how many pages were sent, or could not be sent */
    template <class X, class Watches, class Again>
    std::size_t serve(X& hub, std::size_t budget, std::chrono::milliseconds patience, Watches watches,
                      Again again) {
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
                    if (!hub.has_room(o.peer, e) && hub.now() - o.since < patience) break;
                    fanout alone;
                    hub.spread(o.peer, e, alone);
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
        std::deque<std::pair<page, std::uint64_t>> pages; // and the serials of their watchers
        std::size_t changes = 0;
        time_point since{}; // the last one that it took
        std::map<watched_place, std::uint64_t> again;
    };

    std::map<std::uint32_t, owed> owed_; // by slot
    std::uint32_t last_ = 0;             // that was served
};

} // namespace sigfire::detail
