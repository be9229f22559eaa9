// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/feature/topic_table.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace naive {

using namespace sigfire;

inline bool is_name(const std::string& s) {
    return s.size() >= 1 && s.size() <= 256 && s.find('\xff') == s.npos; // the only bad byte of the driver
}

/** `sigfire::topic_table` as one would write it without a thought of time and memory: what it must agree
 * with. */
struct topic_table {
    struct member {
        peer_handle peer;
        std::string metadata;
        unsigned number; // of the membership: a peer that comes back has another
    };
    struct entry {
        std::string value;
        peer_handle owner;
        time_point expires;
        unsigned number;
    };
    struct topic {
        std::vector<member> members;
        std::map<std::string, entry> entries;
    };
    using gone = std::tuple<std::string, std::string, std::string, std::uint32_t>; // topic, key, value, owner

    topic_limits limits;
    std::map<std::string, topic> all;
    std::map<std::uint32_t, std::vector<std::string>> joined; // topics by slot, in order
    unsigned counter = 0;

    member* find(const std::string& name, peer_handle p) {
        const auto t = all.find(name);
        if (t == all.end()) return nullptr;
        for (auto& m : t->second.members)
            if (m.peer == p) return &m;
        return nullptr;
    }

    bool holds_slot(peer_handle p, bool other) {
        for (auto& [name, t] : all)
            for (auto& m : t.members)
                if (m.peer.slot == p.slot && (m.peer == p) != other) return true;
        return false;
    }

    std::size_t entries_of(peer_handle p) {
        std::size_t n = 0;
        for (auto& [name, t] : all)
            for (auto& [key, e] : t.entries) n += e.owner == p;
        return n;
    }

    result<topic_change> join(const std::string& name, peer_handle p, const std::string& metadata) {
        if (!is_name(name)) return errc::malformed;
        if (metadata.size() > limits.metadata_bytes) return errc::too_large;
        if (!p || holds_slot(p, true)) return errc::unknown;
        if (auto* m = find(name, p)) {
            if (m->metadata == metadata) return topic_change::none;
            m->metadata = metadata;
            return topic_change::updated;
        }
        if (joined[p.slot].size() >= limits.topics_per_peer) return errc::full;
        if (!all.contains(name) && all.size() >= limits.total_topics) return errc::full;
        if (all.contains(name) && all[name].members.size() >= limits.members_per_topic) return errc::full;
        all[name].members.push_back({p, metadata, ++counter});
        joined[p.slot].push_back(name);
        return topic_change::added;
    }

    errc leave(const std::string& name, peer_handle p) {
        if (!is_name(name)) return errc::malformed;
        if (!find(name, p)) return errc::unknown;
        auto& t = all[name];
        std::erase_if(t.members, [&](auto& m) { return m.peer == p; });
        std::erase_if(t.entries, [&](auto& e) { return e.second.owner == p; });
        std::erase(joined[p.slot], name);
        if (t.members.empty()) all.erase(name);
        return errc::ok;
    }

    std::vector<std::string> leave_all(peer_handle p) {
        if (!holds_slot(p, false)) return {};
        const auto names = joined[p.slot];
        for (auto& name : names) leave(name, p);
        return names;
    }

    result<topic_change> set(const std::string& name, peer_handle p, const std::string& key,
                             const std::string& value, time_point expires) {
        if (!is_name(name) || !is_name(key)) return errc::malformed;
        if (value.size() > limits.value_bytes) return errc::too_large;
        if (!find(name, p)) return errc::unknown;
        auto& entries = all[name].entries;
        if (const auto e = entries.find(key); e != entries.end()) {
            if (e->second.owner != p) return errc::denied;
            e->second.expires = expires;
            return std::exchange(e->second.value, value) == value ? topic_change::none
                                                                  : topic_change::updated;
        }
        if (entries.size() >= limits.entries_per_topic || entries_of(p) >= limits.entries_per_peer)
            return errc::full;
        entries[key] = {value, p, expires, ++counter};
        return topic_change::added;
    }

    errc erase(const std::string& name, peer_handle p, const std::string& key) {
        if (!is_name(name) || !is_name(key)) return errc::malformed;
        if (!find(name, p)) return errc::unknown;
        auto& entries = all[name].entries;
        const auto e = entries.find(key);
        if (e == entries.end()) return errc::unknown;
        if (e->second.owner != p) return errc::denied;
        entries.erase(e);
        return errc::ok;
    }

    // Takes out the entries that `f(entry)` wants, in the order of (time if by_time, number).
    template <class F>
    std::vector<gone> take(bool by_time, F f) {
        std::map<std::pair<time_point, unsigned>, gone> out;
        for (auto& [name, t] : all)
            std::erase_if(t.entries, [&](auto& e) {
                if (!f(e.second)) return false;
                out[{by_time ? e.second.expires : time_point{}, e.second.number}] = {
                    name, e.first, e.second.value, e.second.owner.slot};
                return true;
            });
        std::vector<gone> list;
        for (auto& [when, e] : out) list.push_back(e);
        return list;
    }

    std::vector<gone> erase_all(peer_handle p) {
        return take(false, [&](auto& e) { return e.owner == p; });
    }

    std::vector<gone> expire(time_point now) {
        return take(true, [&](auto& e) { return e.expires <= now && e.expires != time_point::max(); });
    }

    time_point next_expiry() {
        auto next = time_point::max();
        for (auto& [name, t] : all)
            for (auto& [key, e] : t.entries) next = std::min(next, e.expires);
        return next;
    }
};

/** Does with a `sigfire::topic_table` and with a naive one what the bytes say, and `require`s that they
 * agree. */
template <class Require>
class driver {
public:
    driver(topic_limits limits, unsigned names, unsigned peers, Require require)
        : real_(limits), names_(names), peers_(peers), require_(require) {
        model_.limits = limits;
    }

    void run(std::span<const std::uint8_t> bytes) {
        rest_ = bytes;
        for (unsigned n = 0; !rest_.empty(); ++n) {
            step(0);
            if (n % 64 == 0) compare();
        }
        compare();
        for (unsigned i = 0; i < peers_; ++i)
            for (unsigned g = 1; g <= 2; ++g) real_.leave_all({i, g});
        require_(real_.size() == 0 && real_.memberships() == 0);
        require_(real_.next_expiry() == time_point::max());
    }

private:
    unsigned byte() {
        if (rest_.empty()) return 0;
        const auto b = rest_.front();
        rest_ = rest_.subspan(1);
        return b;
    }

    std::string name(unsigned b) {
        if (b == 255) return "";
        if (b == 254) return std::string(257, 'n');
        if (b == 253) return "\xff";
        if (b == 252) return std::string(256, 'n');
        return "topic-" + std::to_string(b % names_);
    }

    std::string text(unsigned b) { return std::string(b % 36, static_cast<char>('a' + b % 3)); }

    // Now and then a stranger: nobody, or another generation.
    peer_handle peer(unsigned b) {
        if (b == 255) return {};
        return {b % peers_, b >= 240 ? 2u : 1u};
    }

    void step(int depth) {
        const auto what = byte() % 16;
        const auto t = name(byte());
        const auto p = peer(byte());
        switch (what) {
        default: {
            const auto metadata = text(byte());
            require_(real_.join(t, p, payload{metadata}) == model_.join(t, p, metadata));
            break;
        }
        case 6:
        case 7:
        case 8: require_(real_.leave(t, p) == model_.leave(t, p)); break;
        case 9: {
            std::vector<std::string> left;
            real_.leave_all(p, [&](std::string_view topic) { left.emplace_back(topic); });
            require_(left == model_.leave_all(p));
            break;
        }
        case 10:
        case 11: {
            const auto key = name(byte()), value = text(byte());
            const auto ttl = byte();
            const auto expires = ttl > 200 ? time_point::max() : now_ + std::chrono::seconds{1 + ttl};
            require_(real_.set(t, p, key, payload{value}, expires) == model_.set(t, p, key, value, expires));
            break;
        }
        case 12: {
            const auto key = name(byte());
            require_(real_.erase(t, p, key) == model_.erase(t, p, key));
            break;
        }
        case 13: {
            std::vector<topic_table::gone> gone;
            real_.erase_all(p, [&](std::string_view topic, const topic_entry& e) {
                require_(e.owner == p);
                gone.emplace_back(topic, e.key, e.value.bytes, e.owner.slot);
            });
            require_(gone == model_.erase_all(p));
            break;
        }
        case 14: {
            now_ += std::chrono::seconds{byte() % 32};
            std::vector<topic_table::gone> gone;
            real_.expire(now_, [&](std::string_view topic, const topic_entry& e) {
                require_(e.expires <= now_);
                gone.emplace_back(topic, e.key, e.value.bytes, e.owner.slot);
            });
            require_(gone == model_.expire(now_));
            break;
        }
        case 15: walk(t, depth); break;
        }
    }

    // A walk during which the next steps happen, one a member.
    void walk(const std::string& t, int depth) {
        std::vector<topic_table::member> plan;
        if (const auto found = model_.all.find(t); found != model_.all.end()) plan = found->second.members;
        // A topic that lost its last member in an outer walk is still there, and empty.
        if (depth == 0) require_((real_.members(t) != 0) == !plan.empty());
        auto next = plan.begin();
        const auto skip = [&] {
            for (; next != plan.end(); ++next) {
                const auto* m = model_.find(t, next->peer);
                if (m && m->number == next->number) return;
            }
        };
        real_.for_each(t, [&](peer_handle p, payload metadata) {
            skip();
            require_(next != plan.end());
            require_(p == next->peer && metadata.bytes == model_.find(t, p)->metadata);
            ++next;
            if (depth < 2) step(depth + 1);
        });
        skip();
        require_(next == plan.end());
    }

    void compare() {
        require_(real_.size() == model_.all.size());
        std::size_t memberships = 0;
        for (auto& [name, t] : model_.all) {
            std::vector<peer_handle> peers;
            for (auto& m : t.members) {
                peers.push_back(m.peer);
                require_(real_.contains(name, m.peer));
                require_(real_.metadata(name, m.peer)->bytes == m.metadata);
            }
            memberships += peers.size();
            require_(real_.members(name) == peers.size());
            std::vector<peer_handle> seen;
            require_(real_.for_each(name, [&](peer_handle p) { seen.push_back(p); }) == errc::ok);
            require_(seen == peers);
            require_(real_.entries(name) == t.entries.size());
            auto e = t.entries.begin();
            require_(real_.for_each_entry(name, [&](const topic_entry& view) {
                require_(e != t.entries.end());
                require_(view.key == e->first && view.value.bytes == e->second.value &&
                         view.owner == e->second.owner && view.expires == e->second.expires);
                ++e;
            }) == errc::ok);
            require_(e == t.entries.end());
        }
        require_(real_.memberships() == memberships);
        require_(real_.next_expiry() == model_.next_expiry());
        for (unsigned i = 0; i < peers_; ++i)
            for (unsigned g = 1; g <= 2; ++g) {
                const peer_handle p{i, g};
                const auto topics =
                    model_.holds_slot(p, false) ? model_.joined[i] : std::vector<std::string>{};
                std::vector<std::string> seen;
                real_.for_each_topic(p, [&](std::string_view t, payload metadata) {
                    require_(metadata.bytes == model_.find(std::string{t}, p)->metadata);
                    seen.emplace_back(t);
                });
                require_(seen == topics);
                require_(real_.joined(p) == topics.size());
            }
    }

    sigfire::topic_table real_;
    topic_table model_;
    unsigned names_, peers_;
    Require require_;
    std::span<const std::uint8_t> rest_;
    time_point now_{};
};

} // namespace naive
