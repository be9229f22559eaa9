// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Times and bounds of a cache of keys.
struct jwks_limits {
    std::chrono::milliseconds pause;   // between two questions
    std::chrono::milliseconds stale;   // use of the keys after their life, while questions fail
    std::chrono::milliseconds unknown; // time for which a key stays unknown
    std::size_t waiting, unknown_keys;
};

/** Decides when to ask for a key set, and answers the waiters for a key. One question serves all waiters. The
 *  cache remembers a key that the set does not have. Does no I/O and reads no clock. */
class jwks_cache {
public:
    using waiter = std::function<void(errc)>;

    explicit jwks_cache(jwks_limits limits) noexcept : limits_{limits} {}

    /// The answer about a key that is not in the set, if it needs no question: `unknown`, or `overloaded` =
    /// it may come again. Nothing = call `wait`.
    std::optional<errc> look(const std::string& key, time_point now) const {
        if (const auto at = unknown_.find(key); at != unknown_.end() && now < at->second)
            return errc::unknown;
        if (asking_)
            return waiters_.size() < limits_.waiting ? std::nullopt : std::optional{errc::overloaded};
        return now < next_ || waiters_.size() >= limits_.waiting ? std::optional{errc::overloaded}
                                                                 : std::nullopt;
    }

    /// Adds a waiter for a key. Returns its number. Call `begin` next.
    std::uint64_t wait(std::string key, waiter w) {
        waiters_.emplace(++last_, wish{std::move(key), std::move(w)});
        return last_;
    }
    /// Removes a waiter.
    void forget(std::uint64_t number) { waiters_.erase(number); }

    /// Whether the caller has to ask the server now: somebody waits or the keys are too old, and no question
    /// is under way.
    bool begin(time_point now) {
        if (asking_ || now < next_ || (waiters_.empty() && now < fresh_until_)) return false;
        return asking_ = true;
    }

    /// The server has the keys, which are good for `life`. `has(key)` tells whether the set has a key.
    template <class Has>
    void worked(time_point now, std::chrono::milliseconds life, Has has) {
        end(now);
        failures_ = 0;
        // Not earlier: otherwise a life of 0 would make a question in each turn.
        fresh_until_ = std::max(next_, now + life);
        stale_until_ = fresh_until_ + limits_.stale;
        std::erase_if(unknown_, [&](const auto& u) { return u.second <= now || has(u.first); });
        for (auto& [number, w] : std::exchange(waiters_, {})) {
            const bool known = has(w.key);
            if (!known && unknown_.size() < limits_.unknown_keys) unknown_[w.key] = now + limits_.unknown;
            w.tell(known ? errc::ok : errc::unknown);
        }
    }
    /// The question failed. The next one has a pause that doubles, up to 32 times.
    void failed(time_point now) {
        end(now);
        failures_ = std::min(failures_ + 1, 6u);
        next_ = now + limits_.pause * (1 << (failures_ - 1));
        fresh_until_ = std::max(fresh_until_, next_);
        for (auto& [number, w] : std::exchange(waiters_, {})) w.tell(errc::overloaded);
    }

    /// Whether the keys must not be used any more. True once.
    bool outdated(time_point now) noexcept {
        if (now < stale_until_) return false;
        stale_until_ = time_point::max();
        return true;
    }

    /// When to call `begin` and `outdated` again.
    time_point deadline() const noexcept {
        return std::min(asking_ ? time_point::max() : fresh_until_, stale_until_);
    }

private:
    struct wish {
        std::string key;
        waiter tell;
    };

    void end(time_point now) noexcept {
        asking_ = false;
        next_ = now + limits_.pause;
    }

    jwks_limits limits_;
    std::map<std::uint64_t, wish> waiters_; // in order
    std::map<std::string, time_point> unknown_;
    std::uint64_t last_ = 0;
    bool asking_ = false;
    unsigned failures_ = 0;
    time_point next_ = time_point::min(); // before, no question
    time_point fresh_until_ = time_point::max(),
               stale_until_ = time_point::max(); // not before the first answer
};

} // namespace sigfire::inline v0_1::detail
