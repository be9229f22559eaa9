// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Bounds of a pool.
struct http_pool_limits {
    std::size_t connections = 32; ///< connections in all
    std::size_t per_origin = 8;   ///< connections to one origin
    std::size_t waiting = 256;    ///< requests that wait for a connection
};

/** Decides which request uses which connection: an idle one to its origin (the one used last), a new one, or
 *  none yet. Requests wait in order, but a request does not wait for one to another origin that is busy. Does
 *  no I/O and reads no clock. */
class http_pool {
public:
    using number = std::uint64_t;

    explicit http_pool(http_pool_limits limits) noexcept : limits_{limits} {}

    /// Adds a request. False, and nothing is added, if it would have to wait and too many requests wait.
    bool submit(number request, std::string origin) {
        if (waiting_.size() >= limits_.waiting && !can_start(origin)) return false;
        waiting_.push_back({request, std::move(origin), false});
        return true;
    }
    /// Adds a request again, in front of all others, for a new connection.
    void retry(number request, std::string origin) {
        waiting_.push_front({request, std::move(origin), true});
    }
    /// Removes a request that waits. False if it does not wait.
    bool withdraw(number request) {
        return std::erase_if(waiting_, [&](const wish& w) { return w.request == request; }) != 0;
    }

    /** Gives connections to requests that wait. Calls `close(connection)` for an idle connection that has to
     *  make room, and `start(request, connection, fresh)`; with `fresh` the connection has to be opened. */
    template <class Start, class Close>
    void assign(Start start, Close close) {
        for (auto w = waiting_.begin(); w != waiting_.end();) {
            const auto idle = w->fresh ? connections_.end() : newest_idle(w->origin);
            number chosen = 0;
            const bool fresh = idle == connections_.end();
            if (!fresh) {
                chosen = idle->first;
                idle->second.idle_until.reset();
            } else {
                if (!can_open(w->origin)) {
                    ++w;
                    continue;
                }
                if (connections_.size() >= limits_.connections || to(w->origin) >= limits_.per_origin)
                    drop(oldest_idle(to(w->origin) >= limits_.per_origin ? &w->origin : nullptr), close);
                chosen = ++last_;
                connections_.emplace(chosen, connection{w->origin, {}, 0});
            }
            const auto request = w->request;
            w = waiting_.erase(w);
            start(request, chosen, fresh);
        }
    }

    /// The connection is free; it closes at `until` if no request needs it.
    void idle(number which, time_point until) {
        const auto at = connections_.find(which);
        if (at == connections_.end()) return;
        at->second.idle_until = until;
        at->second.used = ++uses_;
    }
    /// The connection is closed.
    void gone(number which) { connections_.erase(which); }

    /// Calls `close(connection)` for each connection that was idle for too long.
    template <class Close>
    void expire(time_point now, Close close) {
        for (auto c = connections_.begin(); c != connections_.end();) {
            const auto next = std::next(c);
            if (c->second.idle_until && *c->second.idle_until <= now) drop(c, close);
            c = next;
        }
    }

    /// When the next connection was idle for too long; `time_point::max()` = none is idle.
    time_point deadline() const noexcept {
        auto first = time_point::max();
        for (const auto& [n, c] : connections_)
            if (c.idle_until) first = std::min(first, *c.idle_until);
        return first;
    }

    std::size_t connections() const noexcept { return connections_.size(); }
    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    struct wish {
        number request;
        std::string origin;
        bool fresh; // no connection that was used before
    };
    struct connection {
        std::string origin;
        std::optional<time_point> idle_until; // empty: in use
        std::uint64_t used;
    };
    using place = std::map<number, connection>::iterator;

    std::size_t to(const std::string& origin) const {
        return static_cast<std::size_t>(
            std::count_if(connections_.begin(), connections_.end(),
                          [&](const auto& c) { return c.second.origin == origin; }));
    }
    bool has_idle(const std::string* origin) const {
        return std::any_of(connections_.begin(), connections_.end(), [&](const auto& c) {
            return c.second.idle_until && (origin == nullptr || c.second.origin == *origin);
        });
    }
    bool can_open(const std::string& origin) const {
        if (to(origin) >= limits_.per_origin) return has_idle(&origin);
        return connections_.size() < limits_.connections || has_idle(nullptr);
    }
    // Whether a new request could start at once; those that wait for its origin go first.
    bool can_start(const std::string& origin) const {
        const bool behind =
            std::any_of(waiting_.begin(), waiting_.end(), [&](const wish& w) { return w.origin == origin; });
        return !behind && (has_idle(&origin) || can_open(origin));
    }

    place newest_idle(const std::string& origin) {
        auto found = connections_.end();
        for (auto c = connections_.begin(); c != connections_.end(); ++c)
            if (c->second.idle_until && c->second.origin == origin &&
                (found == connections_.end() || found->second.used < c->second.used))
                found = c;
        return found;
    }
    place oldest_idle(const std::string* origin) {
        auto found = connections_.end();
        for (auto c = connections_.begin(); c != connections_.end(); ++c)
            if (c->second.idle_until && (origin == nullptr || c->second.origin == *origin) &&
                (found == connections_.end() || c->second.used < found->second.used))
                found = c;
        return found;
    }

    template <class Close>
    void drop(place c, Close& close) {
        if (c == connections_.end()) return;
        const auto n = c->first;
        connections_.erase(c);
        close(n);
    }

    http_pool_limits limits_;
    std::map<number, connection> connections_;
    std::deque<wish> waiting_;
    number last_ = 0;
    std::uint64_t uses_ = 0;
};

} // namespace sigfire::inline v0_1::detail
