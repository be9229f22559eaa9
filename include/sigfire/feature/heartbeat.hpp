// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace sigfire::inline v0_1 {

/** Disconnects peers that stop sending their heartbeats. A part of a server, and of a hub.
 *
 *  A peer with `admission::heartbeat_timeout` must send `event::heartbeat` at least once in that time. Other
 *  messages do not count, and a new connection of the peer does not count either. After a silence, the hub
 *  disconnects the peer with `pong_timeout`. Hooks judge heartbeats like other events. Peers without the
 *  time-out cost nothing. */
class heartbeat : public feature {
    // Defined first, since its return type is deduced.
    auto is_open() const noexcept {
        return [this](peer_handle peer) {
            const auto at = watched_.find(peer.slot);
            return at != watched_.end() && at->second.peer == peer;
        };
    }

public:
    /// Number of monitored peers.
    std::size_t size() const noexcept { return watched_.size(); }

    /// Records the time of a heartbeat. Replies `ok` if the event has a token.
    template <class X>
    void on_request(X& hub, peer_handle from, event::heartbeat& e) {
        const auto at = watched_.find(from.slot);
        if (at != watched_.end()) at->second.last = hub.now();
        hub.reply(from, e.token, errc::ok); // a custom codec may ask for a reply
    }

    /// Monitors the peer if it has an `admission::heartbeat_timeout`.
    template <class X>
    void on_open(X& hub, peer_handle peer, const admission& granted) {
        if (granted.heartbeat_timeout.count() <= 0) return;
        watched_.insert_or_assign(peer.slot, watch{peer, hub.now(), granted.heartbeat_timeout});
        expect(hub.now() + granted.heartbeat_timeout, peer);
    }

    /// Stops monitoring the peer.
    template <class X>
    void on_close(X&, peer_handle peer, errc) {
        watched_.erase(peer.slot);
    }

    /// Disconnects peers without a heartbeat in time.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(hub.now(), is_open(), [&](peer_handle peer) {
            // One check per time-out, however many heartbeats arrived.
            const auto& w = watched_.at(peer.slot);
            const auto end = w.last + w.time;
            if (end > hub.now()) return expect(end, peer);
            watched_.erase(peer.slot);
            hub.close(peer, errc::pong_timeout);
        });
    }

private:
    struct watch {
        peer_handle peer;
        time_point last;
        std::chrono::milliseconds time;
    };

    void expect(time_point at, peer_handle peer) { due_.add(at, peer, watched_.size(), is_open()); }

    detail::deadline_queue<peer_handle> due_;          // one for each peer
    std::unordered_map<std::uint32_t, watch> watched_; // by slot
};

} // namespace sigfire::inline v0_1
