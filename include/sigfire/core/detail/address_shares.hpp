// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>

#include <algorithm>
#include <cstddef>
#include <unordered_map>

namespace sigfire::inline v0_1::detail {

/// A budget for all clients together, of which one address gets at most a quarter. So strangers at one
/// address cannot use it up for all. What has no address has no share: functions, and peers on Unix sockets.
class address_shares {
public:
    explicit address_shares(std::size_t total) noexcept
        : total_{total}, share_{std::max<std::size_t>(total / 4, 1)} {}

    /// Takes `n` of the budget, or returns false.
    bool take(const address_block& who, std::size_t n) {
        if (!can_take(who, n)) return false;
        if (who && n != 0) used_by_[who] += n;
        used_ += n;
        return true;
    }

    /// Whether `take` would succeed.
    bool can_take(const address_block& who, std::size_t n) const noexcept {
        if (n > total_ - used_) return false;
        const auto at = who ? used_by_.find(who) : used_by_.end();
        return !who || n <= share_ - (at == used_by_.end() ? 0 : at->second);
    }
    /// Whether the budget has room for `n`, whatever the shares.
    bool has_room(std::size_t n) const noexcept { return n <= total_ - used_; }

    /// Gives back what `take` has taken.
    void give(const address_block& who, std::size_t n) noexcept {
        used_ -= n;
        if (!who || n == 0) return;
        const auto at = used_by_.find(who);
        if ((at->second -= n) == 0) used_by_.erase(at);
    }

    std::size_t used() const noexcept { return used_; }

    /// Takes a part of the budget, and gives it back unless it is kept.
    class attempt {
    public:
        attempt(address_shares& from, const address_block& who, std::size_t n)
            : from_{from}, who_{who}, n_{n}, taken_{from.take(who, n)} {}
        attempt(const attempt&) = delete;
        attempt& operator=(const attempt&) = delete;
        ~attempt() {
            if (taken_) from_.give(who_, n_);
        }

        explicit operator bool() const noexcept { return taken_; }
        void keep() noexcept { taken_ = false; }

    private:
        address_shares& from_;
        address_block who_;
        std::size_t n_;
        bool taken_;
    };

private:
    std::size_t total_, share_;
    std::size_t used_ = 0;
    std::unordered_map<address_block, std::size_t> used_by_;
};

} // namespace sigfire::inline v0_1::detail
