// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/token_verifier.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Remembers the ids of tokens for one use until they expire. Bounded: when full, it takes no token, because
/// a forgotten id would let its token in again. Thread-safe.
class used_tokens {
public:
    enum class answer : unsigned char { fresh, used, full };

    explicit used_tokens(std::size_t most) : most_(most) {}

    /// Takes a token id, valid until `until`.
    answer take(std::string id, utc_time until, utc_time now) {
        const std::lock_guard lock{mutex_};
        while (!ends_.empty() && ends_.begin()->first <= now) {
            ids_.erase(*ends_.begin()->second);
            ends_.erase(ends_.begin());
        }
        if (ids_.contains(id)) return answer::used;
        if (ids_.size() >= most_) return answer::full;
        const auto at = ids_.insert(std::move(id)).first;
        ends_.emplace(until, &*at);
        return answer::fresh;
    }

    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return ids_.size();
    }

private:
    mutable std::mutex mutex_;
    std::size_t most_;
    std::unordered_set<std::string> ids_;
    std::multimap<utc_time, const std::string*> ends_; // views of `ids_`, which never move
};

} // namespace sigfire::inline v0_1::detail
