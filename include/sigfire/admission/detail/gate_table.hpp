// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/gate_options.hpp>
#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/token_bucket.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <unordered_map>

namespace sigfire::inline v0_1::detail {

/// The decisions of a gate, and its bounded memory of addresses. Does no I/O, reads no clock. One thread.
class gate_table {
public:
    explicit gate_table(const gate_options& o) : options_{o} {}

    /// A connection has come; no block = an address without limits of its own. `ok` counts it as open.
    errc enter(const address_block& who, time_point now) {
        if (who) {
            auto& e = entry_of(who, now);
            errc cause = errc::ok;
            if (now < e.banned_until)
                cause = errc::denied;
            else if (options_.per_address != 0 && e.open >= options_.per_address)
                cause = errc::rate;
            else if (options_.connections != 0 && open_ >= options_.connections)
                cause = errc::overloaded;
            else if (!e.connects.take(1, now, options_.connects_per_second, burst()))
                cause = errc::rate;
            if (cause == errc::ok && e.open++ == 0) busy_.splice(busy_.end(), idle_, e.place);
            if (cause != errc::ok) return trim(), cause;
        } else if (options_.connections != 0 && open_ >= options_.connections) {
            return errc::overloaded;
        }
        ++open_;
        return errc::ok;
    }

    /// A counted connection has ended.
    void leave(const address_block& who) noexcept {
        --open_;
        const auto at = entries_.find(who);
        if (at == entries_.end() || at->second.open == 0 || --at->second.open != 0) return;
        idle_.splice(idle_.end(), busy_, at->second.place);
        trim();
    }

    /// An admission has failed.
    void failed(const address_block& who, time_point now) {
        if (!who || options_.failures == 0) return;
        auto& e = entry_of(who, now);
        if (now < e.banned_until) return; // or each attempt would prolong the ban
        if (now - e.first_failure >= options_.failure_window) {
            e.first_failure = now;
            e.failures = 0;
        }
        if (++e.failures >= options_.failures) {
            e.banned_until = now + options_.ban;
            e.failures = 0;
        }
        trim();
    }

    void ban(const address_block& who, time_point now, std::chrono::milliseconds duration) {
        entry_of(who, now).banned_until = now + duration;
        trim();
    }

    bool unban(const address_block& who, time_point now) {
        const auto at = entries_.find(who);
        if (at == entries_.end()) return false;
        const bool was = now < at->second.banned_until;
        at->second.banned_until = time_point{};
        at->second.failures = 0;
        return was;
    }

    bool is_banned(const address_block& who, time_point now) const {
        const auto at = entries_.find(who);
        return at != entries_.end() && now < at->second.banned_until;
    }

    /// Calls `f(block, end)` for each ban.
    template <class F>
    void for_each_ban(time_point now, F f) const {
        for (const auto& [who, e] : entries_)
            if (now < e.banned_until) f(who, e.banned_until);
    }

    std::size_t connections() const noexcept { return open_; }
    /// Number of known addresses.
    std::size_t size() const noexcept { return entries_.size(); }

private:
    using places = std::list<address_block>;

    struct entry {
        std::size_t open = 0;
        token_bucket connects;
        std::size_t failures = 0;
        time_point first_failure{}, banned_until{};
        places::iterator place{}; // in idle_ or busy_
    };

    double burst() const noexcept { return static_cast<double>(options_.connects_burst); }

    entry& entry_of(const address_block& who, time_point now) {
        const auto [at, fresh] = entries_.try_emplace(who);
        auto& e = at->second;
        if (fresh) {
            try {
                e.place = idle_.insert(idle_.end(), who);
            } catch (...) {
                entries_.erase(at);
                throw;
            }
            e.first_failure = now;
        } else if (e.open == 0) {
            idle_.splice(idle_.end(), idle_, e.place);
        }
        return e;
    }

    // Forgets addresses beyond the bound, the longest unseen first.
    void trim() noexcept {
        while (idle_.size() > options_.addresses) {
            entries_.erase(idle_.front());
            idle_.pop_front();
        }
    }

    gate_options options_;
    std::unordered_map<address_block, entry> entries_;
    // Addresses without an open connection, the longest unseen first, and those with one. An end of a
    // connection then needs no memory.
    places idle_, busy_;
    std::size_t open_ = 0;
};

} // namespace sigfire::inline v0_1::detail
