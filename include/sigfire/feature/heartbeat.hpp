// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

namespace sigfire {

/** Ends peers that said they would send heartbeats and do not. A part of a server, and of a hub.
 *
 *  Who is let in with an `admission::heartbeat_timeout` has to say `verb::alive` at least that often;
 * whatever else it says does not count, nor does a new connection that it moves to. One that falls silent is
 * closed as `pong_timeout`. A heartbeat is not answered, and is judged by hooks like everything that peers
 * say. Other peers cost nothing. */
class heartbeat : public feature {
public:
    static constexpr bool takes(verb v) noexcept { return v == verb::alive; }

    /// How many peers are watched.
    std::size_t size() const noexcept { return watched_.size(); }

    template <class D>
    void received(D& desk, peer_handle from, envelope&) {
        const auto at = watched_.find(from.slot);
        if (at != watched_.end()) at->second.last = desk.now();
    }

    template <class D>
    void opened(D& desk, peer_handle peer, const admission& granted) {
        if (granted.heartbeat_timeout.count() <= 0) return;
        const auto due = due_.emplace(desk.now() + granted.heartbeat_timeout, peer);
        watched_.insert_or_assign(peer.slot, watch{desk.now(), granted.heartbeat_timeout, due});
    }

    template <class D>
    void closed(D&, peer_handle peer, errc) {
        if (const auto watch = watched_.extract(peer.slot)) due_.erase(watch.mapped().due);
    }

    template <class D>
    time_point tick(D& desk) {
        while (!due_.empty() && due_.begin()->first <= desk.now()) {
            // Looked at once in that time, however many heartbeats came.
            const auto peer = due_.begin()->second;
            auto& watch = watched_.at(peer.slot);
            const auto end = watch.last + watch.time;
            due_.erase(watch.due);
            if (end > desk.now()) {
                watch.due = due_.emplace(end, peer);
            } else {
                watched_.erase(peer.slot);
                desk.close(peer, errc::pong_timeout);
            }
        }
        return due_.empty() ? time_point::max() : due_.begin()->first;
    }

private:
    using due_times = std::multimap<time_point, peer_handle>;

    struct watch {
        time_point last;
        std::chrono::milliseconds time;
        due_times::iterator due;
    };

    due_times due_;
    std::unordered_map<std::uint32_t, watch> watched_; // by slot
};

} // namespace sigfire
