// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/feature/detail/kept_payload.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// State entries of topics by key, by owner and by time. Topics and owners are numbers.
class entry_table {
public:
    struct entry {
        kept_payload value;
        time_point expires;
        std::uint64_t number; // order of equal deadlines, the same in every run
        std::uint32_t owner;
    };

private:
    using place = std::pair<std::uint32_t, std::string_view>;

    struct by_place {
        using is_transparent = void;
        bool operator()(const auto& a, const auto& b) const noexcept {
            return place{a.first, a.second} < place{b.first, b.second};
        }
    };

public:
    using table = std::map<std::pair<std::uint32_t, std::string>, entry, by_place>;
    using iterator = table::iterator;

    table::const_iterator begin(std::uint32_t topic) const noexcept {
        return entries_.lower_bound(place{topic, {}});
    }
    table::const_iterator end() const noexcept { return entries_.end(); }
    iterator end() noexcept { return entries_.end(); }
    iterator find(std::uint32_t topic, std::string_view key) noexcept {
        return entries_.find(place{topic, key});
    }

    /// The first entry of an owner that has one.
    iterator first_of(std::uint32_t owner) const noexcept { return owned_.lower_bound({owner, 0})->second; }

    /// The next entry to expire; only if `next_expiry` says that there is one.
    iterator first_due() const noexcept { return due_.begin()->second; }

    time_point next_expiry() const noexcept {
        return due_.empty() ? time_point::max() : due_.begin()->first.first;
    }

    void add(std::uint32_t topic, std::string_view key, std::uint32_t owner, payload value,
             time_point expires) {
        // New nodes are created first, which can fail, and then moved in, which cannot.
        table entries;
        owned_table owned;
        due_table due;
        const auto number = ++last_number_;
        const auto at = entries
                            .emplace(std::pair{topic, std::string{key}},
                                     entry{kept_payload{value}, expires, number, owner})
                            .first;
        owned.emplace(std::pair{owner, number}, at);
        if (expires != time_point::max()) due.emplace(std::pair{expires, number}, at);
        entries_.merge(entries);
        owned_.merge(owned);
        due_.merge(due);
    }

    /// Returns false if the entry had that value before.
    bool update(iterator at, payload value, time_point expires) {
        auto& e = at->second;
        const bool same = e.value.is(value);
        kept_payload kept{same ? payload{} : value};
        due_table due;
        if (expires != time_point::max()) due.emplace(std::pair{expires, e.number}, at);
        due_.erase({e.expires, e.number});
        due_.merge(due);
        e.expires = expires;
        if (!same) e.value = std::move(kept);
        return !same;
    }

    /// Takes an entry out of the table.
    table::node_type extract(iterator at) noexcept {
        const auto& e = at->second;
        owned_.erase({e.owner, e.number});
        due_.erase({e.expires, e.number});
        return entries_.extract(at);
    }

    /// Calls `f(iterator)` for each entry of an owner, in the order of addition; `f` may extract it.
    template <class F>
    void for_each_of(std::uint32_t owner, F f) {
        for (auto i = owned_.lower_bound({owner, 0}); i != owned_.end() && i->first.first == owner;)
            f((i++)->second);
    }

private:
    using owned_table = std::map<std::pair<std::uint32_t, std::uint64_t>, iterator>;
    using due_table = std::map<std::pair<time_point, std::uint64_t>, iterator>;

    table entries_;
    owned_table owned_;
    due_table due_; // without entries that never expire
    std::uint64_t last_number_ = 0;
};

} // namespace sigfire::inline v0_1::detail
