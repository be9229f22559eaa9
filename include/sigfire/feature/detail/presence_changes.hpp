// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/feature/detail/kept_payload.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Collects the changes of a topic or peer, and writes their outcome.
class presence_changes {
public:
    struct member {
        bool was = false, is = false; // a member before, and after
        bool renewed = false;         // `was`, but with another membership now
        bool updated = false;
        bool away_told = false, away = false;
        errc cause = errc::ok;
        kept_payload metadata;
        std::size_t order = 0;
    };

    /// The collected change of a member. For its first change, `was` says whether it is a member now.
    member& of(std::string_view id, bool was) {
        const auto [at, first] = members_.try_emplace(std::string{id});
        if (first) {
            at->second.was = at->second.is = was;
            at->second.order = members_.size();
        }
        return at->second;
    }

    /// The entry has a new value; an empty value = the entry was removed.
    void set(std::string_view key, payload value, std::string_view owner) {
        auto& c = entries_[std::string{key}];
        c.value = kept_payload{value};
        c.owner = owner;
    }

    void clear() noexcept {
        members_.clear();
        entries_.clear();
    }

    /// Writes the outcome.
    void write(auto& pages) const {
        using enum event::presence_status;
        std::vector<std::pair<std::string_view, const member*>> order;
        for (const auto& [id, c] : members_) order.push_back({id, &c});
        std::sort(order.begin(), order.end(),
                  [](const auto& a, const auto& b) { return a.second->order < b.second->order; });
        for (const auto& [id, c] : order) {
            if (c->was && (!c->is || c->renewed)) pages.member(id, left, {}, c->cause);
            if (c->is && (!c->was || c->renewed))
                pages.member(id, joined, c->metadata.view());
            else if (c->is && c->updated)
                pages.member(id, updated, c->metadata.view());
            if (c->is && c->away_told) pages.member(id, c->away ? away : back);
        }
        for (const auto& [key, c] : entries_) pages.entry(key, c.value.view(), c.owner);
    }

private:
    struct entry {
        kept_payload value;
        std::string owner;
    };

    std::unordered_map<std::string, member> members_;
    std::map<std::string, entry> entries_;
};

} // namespace sigfire::inline v0_1::detail
