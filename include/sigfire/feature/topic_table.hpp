// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/detail/entry_table.hpp>
#include <sigfire/feature/detail/kept_payload.hpp>
#include <sigfire/feature/detail/membership_table.hpp>
#include <sigfire/feature/detail/record_pool.hpp>
#include <sigfire/feature/detail/topic_record.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// Limits of a `topic_table`. Beyond a limit of a number the cause is `errc::full`, beyond a limit of bytes
/// `errc::too_large`.
struct topic_limits {
    std::size_t total_topics = 100'000;      ///< topics with at least one member
    std::size_t total_bytes = 128u << 20;    ///< memory of all memberships and state entries, about; of the
                                             ///< peers of one address at most a quarter. Beyond it: `full`.
    std::size_t topics_per_peer = 1000;      ///< topics of one peer
    std::size_t members_per_topic = 100'000; ///< members of one topic
    std::size_t metadata_bytes = 1024;       ///< size of the metadata of one membership, in bytes
    std::size_t entries_per_topic = 1000;    ///< state entries of one topic
    std::size_t entries_per_peer = 100;      ///< state entries of one owner, in all topics
    std::size_t value_bytes = 1024;          ///< size of the value of one state entry, in bytes
};

/// The effect of a successful `topic_table::join` or `topic_table::set`.
enum class topic_change : unsigned char {
    none,    ///< nothing has changed
    added,   ///< a new member or entry
    updated, ///< new metadata or a new value
};

/// A state entry of a topic. The views are valid until the entry changes.
struct topic_entry {
    std::string_view key; ///< UTF-8, 1-256 bytes
    payload value;        ///< the value
    peer_handle owner;    ///< the member that set the entry
    time_point expires;   ///< time of its removal; `time_point::max()` = none
};

/** The memberships of peers in topics, in the order of joining, with their data: metadata of each member, and
 *  state entries of each topic.
 *
 *  A topic exists while it has members. The name of a topic and the key of an entry are UTF-8 of 1-256 bytes
 *  (otherwise `malformed`). Metadata and values are opaque. An entry belongs to the member that set it. No
 *  other member can change the entry, and it is removed when its owner leaves the topic.
 *
 *  Handles belong to one hub: slots count from 0 without large gaps. When a peer leaves the hub, call
 *  `leave_all` before the next peer in its slot joins a topic.
 *
 *  Cost: join, leave and look-up take constant time (amortised); entries take logarithmic time. Memory: about
 *  50 bytes a membership without metadata, 16 bytes a slot, 150 bytes a topic. The table reuses the memory of
 *  former memberships, but does not free it.
 *
 *  One thread at a time. Peers choose names, so random bits key the hash. A table that was moved from can
 *  only be assigned to or destroyed.
 *  @throws std::system_error from the constructor if the system has no random numbers.
 *  @throws std::bad_alloc from `join` and `set`; then nothing has changed. */
class topic_table {
public:
    /// Creates an empty table with these limits.
    explicit topic_table(topic_limits limits = {}) : limits_(limits), bytes_(limits.total_bytes) {}

    /** Makes `peer` the last member of `topic`. If it is a member already, replaces only its metadata.
     *  @param topic the name of the topic
     *  @param peer the new member
     *  @param metadata data of the member; empty = none
     *  @param open if this creates the topic: whether the topic is open, see `is_open`
     *  @param address address of the peer, for its share of `topic_limits::total_bytes`
     *  @return the change, or a cause. `malformed`: the name. `too_large`: the metadata. `full`: too many
     *    topics, members, or topics of the peer. `unknown`: the handle names no peer, or its slot still has
     *    memberships of another peer. */
    result<topic_change> join(std::string_view topic, peer_handle peer, payload metadata = {},
                              bool open = false, const address_block& address = {}) {
        auto t = find(topic);
        if (t == none && !detail::is_name(topic)) return errc::malformed;
        if (metadata.bytes.size() > limits_.metadata_bytes) return errc::too_large;
        if (!peer || links_.holds_another(peer)) return errc::unknown;
        if (const auto m = t == none ? none : links_.find(t, peer); m != none) {
            auto& kept = links_[m].metadata;
            if (kept.is(metadata)) return topic_change::none;
            const auto& payer = links_.at(peer.slot).address;
            const auto before = kept.view().bytes.size(), after = metadata.bytes.size();
            detail::address_shares::attempt room{bytes_, payer, after - std::min(before, after)};
            if (!room) return errc::full;
            kept = detail::kept_payload{metadata};
            bytes_.give(payer, before - std::min(before, after));
            room.keep();
            return topic_change::updated;
        }
        if (joined(peer) >= limits_.topics_per_peer) return errc::full;
        if (t == none && names_.size() >= limits_.total_topics) return errc::full;
        if ((t == none ? 0 : topics_[t].live()) >= limits_.members_per_topic) return errc::full;

        // First each step that can fail, then each step that changes something.
        const auto* const mine = links_.of(peer);
        const address_block payer = mine ? mine->address : address;
        detail::address_shares::attempt room{bytes_, payer,
                                             membership_bytes + metadata.bytes.size() +
                                                 (t == none ? topic_bytes + topic.size() : 0)};
        if (!room) return errc::full;
        detail::kept_payload kept{metadata};
        links_.prepare(peer);
        const bool fresh = t == none;
        if (fresh) t = topics_.vacant();
        auto& place = topics_[t];
        if (place.members.size() == place.members.capacity())
            place.members.reserve(place.members.size() * 2 + 1);
        if (fresh) {
            place.name = topic;
            names_.insert(place.name, {t, 1});
            place.open = open;
            place.payer = payer;
            topics_.take();
        }
        const auto position = static_cast<std::uint32_t>(place.members.size());
        place.members.push_back({peer, links_.add(t, peer, position, std::move(kept))});
        links_.at(peer.slot).address = payer;
        room.keep();
        return topic_change::added;
    }

    /** Ends a membership. First removes the entries of the member in that topic, and calls `f(topic, const
     *  topic_entry&)` after each. `f` must not change memberships and entries of `peer`.
     *  @param topic the name of the topic
     *  @param peer the member
     *  @param f called after each removal
     *  @return `ok`; or `malformed` (the name), `unknown` (not a member) */
    template <class F>
    errc leave(std::string_view topic, peer_handle peer, F f) {
        const auto t = find(topic);
        if (t == none) return detail::is_name(topic) ? errc::unknown : errc::malformed;
        const auto m = links_.find(t, peer);
        if (m == none) return errc::unknown;
        const walk keep{*this, t};
        disown(peer.slot, t, f);
        remove(m);
        return errc::ok;
    }

    /// Ends a membership and removes the entries of the member in that topic. Causes: `malformed`, `unknown`.
    errc leave(std::string_view topic, peer_handle peer) {
        return leave(topic, peer, [](auto&&...) {});
    }

    /** Ends all memberships of `peer`, in the order of joining. First removes all entries of the peer.
     *
     *  Calls `f(topic)` after each membership. A topic without members can still be looked up during that
     *  call. `f` may change anything, but must not let `peer` join. */
    template <class F>
    void leave_all(peer_handle peer, F f) {
        erase_all(peer, [](auto&&...) {});
        while (const auto* const who = links_.of(peer)) {
            const auto m = who->first;
            const auto t = links_[m].topic;
            const walk keep{*this, t};
            remove(m);
            f(std::string_view{topics_[t].name});
        }
    }

    /// Ends all memberships of `peer` and removes all its entries.
    void leave_all(peer_handle peer) {
        leave_all(peer, [](auto) {});
    }

    /// Whether `peer` is a member of `topic`.
    bool contains(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        return t != none && links_.find(t, peer) != none;
    }

    /// Returns the metadata of a member, valid until it changes; empty if there is none. Returns nothing if
    /// the peer is not a member.
    std::optional<payload> metadata(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        const auto m = t == none ? none : links_.find(t, peer);
        return m == none ? std::optional<payload>{} : links_[m].metadata.view();
    }

    /** Calls `f(peer_handle)` or `f(peer_handle, payload metadata)` for each member, in the order of joining.
     *  If `f` returns a bool, false ends the iteration.
     *
     *  `f` may change anything. The iteration skips members that leave before their turn, and members that
     *  join meanwhile. A topic without members exists until the last iteration over it ends. The payload is
     *  valid until `f` changes that member.
     *  @param topic the name of the topic
     *  @param f called for each member
     *  @return `ok`, or `unknown` if the topic does not exist */
    template <class F>
    errc for_each(std::string_view topic, F f) {
        const auto t = find(topic);
        if (t == none) return errc::unknown;
        const walk keep{*this, t};
        const auto& members = topics_[t].members;
        const auto end = members.size();
        for (std::size_t i = 0; i < end; ++i) {
            const auto who = members[i];
            if (!who.peer) continue;
            const auto visit = [&] {
                if constexpr (std::invocable<F&, peer_handle, payload>)
                    return f(who.peer, links_[who.link].metadata.view());
                else
                    return f(who.peer);
            };
            if constexpr (std::same_as<decltype(visit()), bool>) {
                if (!visit()) break;
            } else {
                visit();
            }
        }
        return errc::ok;
    }

    /// Calls `f(topic, metadata)` for each topic of `peer`, in the order of joining. `f` must not change the
    /// memberships of `peer`.
    template <class F>
    void for_each_topic(peer_handle peer, F f) const {
        const auto* const who = links_.of(peer);
        if (!who) return;
        auto m = who->first;
        do {
            const auto& link = links_[m];
            f(std::string_view{topics_[link.topic].name}, link.metadata.view());
            m = link.next;
        } while (m != who->first);
    }

    /// Number of members of `topic`; 0 if the topic does not exist.
    std::size_t members(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t == none ? 0 : topics_[t].live();
    }

    /// Number of topics of `peer`.
    std::size_t joined(peer_handle peer) const noexcept {
        const auto* const who = links_.of(peer);
        return who ? who->joined : 0;
    }

    /// Whether the `join` that created the topic made it open.
    bool is_open(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t != none && topics_[t].open;
    }

    /// Number of topics.
    std::size_t size() const noexcept { return names_.size(); }

    /// About the memory of all memberships and entries, in bytes, as `topic_limits::total_bytes` counts it.
    std::size_t bytes() const noexcept { return bytes_.used(); }

    /// Number of memberships in all topics.
    std::size_t memberships() const noexcept { return links_.size(); }

    /** Sets an entry of a topic. If the entry exists, replaces its value and its time of removal.
     *  @param topic the name of the topic
     *  @param peer a member of the topic: the owner of the entry
     *  @param key the key of the entry
     *  @param value the value
     *  @param expires time of the removal by `expire`; `time_point::max()` = the entry stays until its owner
     *    leaves
     *  @return the change (`none`: at most the time has changed), or a cause. `malformed`: a name.
     *    `too_large`: the value. `unknown`: not a member. `denied`: another member owns the entry. `full`:
     *    too many entries in the topic or of the owner. */
    result<topic_change> set(std::string_view topic, peer_handle peer, std::string_view key, payload value,
                             time_point expires = time_point::max()) {
        const auto t = find(topic);
        if ((t == none && !detail::is_name(topic)) || !detail::is_name(key)) return errc::malformed;
        if (value.bytes.size() > limits_.value_bytes) return errc::too_large;
        if (t == none || links_.find(t, peer) == none) return errc::unknown;
        if (const auto at = entries_.find(t, key); at != entries_.end()) {
            if (at->second.owner != peer.slot) return errc::denied;
            const auto& payer = links_.at(peer.slot).address;
            const auto before = at->second.value.view().bytes.size(), after = value.bytes.size();
            detail::address_shares::attempt room{bytes_, payer, after - std::min(before, after)};
            if (!room) return errc::full;
            const bool changed = entries_.update(at, value, expires);
            bytes_.give(payer, before - std::min(before, after));
            room.keep();
            return changed ? topic_change::updated : topic_change::none;
        }
        auto& room = topics_[t].entries;
        auto& own = links_.at(peer.slot).entries;
        detail::address_shares::attempt bytes{bytes_, links_.at(peer.slot).address,
                                              entry_bytes + key.size() + value.bytes.size()};
        if (room >= limits_.entries_per_topic || own >= limits_.entries_per_peer || !bytes) return errc::full;
        entries_.add(t, key, peer.slot, value, expires);
        bytes.keep();
        ++room;
        ++own;
        return topic_change::added;
    }

    /** Removes an entry.
     *  @param topic the name of the topic
     *  @param peer the owner of the entry
     *  @param key the key of the entry
     *  @return `ok`; or `malformed` (a name), `unknown` (not a member, or no such entry), `denied` (another
     *    owner) */
    errc erase(std::string_view topic, peer_handle peer, std::string_view key) {
        const auto t = find(topic);
        if ((t == none && !detail::is_name(topic)) || !detail::is_name(key)) return errc::malformed;
        if (t == none || links_.find(t, peer) == none) return errc::unknown;
        const auto at = entries_.find(t, key);
        if (at == entries_.end()) return errc::unknown;
        if (at->second.owner != peer.slot) return errc::denied;
        extract(at);
        return errc::ok;
    }

    /// Removes all entries of `peer`, in the order in which they were first set. Calls `f(topic, const
    /// topic_entry&)` after each. `f` may change anything, but must not set an entry of `peer`.
    template <class F>
    void erase_all(peer_handle peer, F f) {
        for (const detail::tenant* who; (who = links_.of(peer)) && who->entries != 0;)
            drop(entries_.first_of(peer.slot), f);
    }

    /// Removes the entries that have expired at `now`, in the order of their times. Calls `f(topic, const
    /// topic_entry&)` after each. `f` may change anything, but must not set an entry that expires at `now` or
    /// earlier.
    template <class F>
    void expire(time_point now, F f) {
        while (entries_.next_expiry() <= now && entries_.next_expiry() != time_point::max())
            drop(entries_.first_due(), f);
    }

    /// The next time at which an entry expires; `time_point::max()` = none.
    time_point next_expiry() const noexcept { return entries_.next_expiry(); }

    /** Calls `f(const topic_entry&)` for each entry of the topic, in the byte order of the keys. `f` must not
     *  change entries or end memberships.
     *  @param topic the name of the topic
     *  @param f called for each entry
     *  @return `ok`, or `unknown` if the topic does not exist */
    template <class F>
    errc for_each_entry(std::string_view topic, F f) const {
        const auto t = find(topic);
        if (t == none) return errc::unknown;
        for (auto at = entries_.begin(t); at != entries_.end() && at->first.first == t; ++at) {
            const auto e = show(at->first.second, at->second);
            f(e);
        }
        return errc::ok;
    }

    /// Number of entries of `topic`; 0 if the topic does not exist.
    std::size_t entries(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t == none ? 0 : topics_[t].entries;
    }

private:
    // Keeps a topic and the positions of its members during an iteration.
    class walk {
    public:
        walk(topic_table& all, std::uint32_t t) noexcept : all_(all), topic_(t) { ++all_.topics_[t].walks; }
        walk(const walk&) = delete;
        walk& operator=(const walk&) = delete;
        ~walk() {
            if (--all_.topics_[topic_].walks == 0) all_.tidy(topic_);
        }

    private:
        topic_table& all_;
        std::uint32_t topic_;
    };

    static constexpr auto none = detail::membership_table::none;
    // About what the memory of these costs, beside their texts.
    static constexpr std::size_t membership_bytes = 64, topic_bytes = 192, entry_bytes = 320;

    std::uint32_t find(std::string_view topic) const noexcept {
        const auto found = names_.find(topic);
        return found ? found.slot : none;
    }

    // Ends a membership, but leaves a gap in the topic: an iteration may be running.
    void remove(std::uint32_t m) noexcept {
        auto& t = topics_[links_[m].topic];
        t.members[links_[m].position].peer = {};
        ++t.gaps;
        bytes_.give(links_.at(links_[m].slot).address,
                    membership_bytes + links_[m].metadata.view().bytes.size());
        links_.remove(m);
    }

    // Removes a topic without members. Closes the gaps of a topic that has more gaps than members.
    void tidy(std::uint32_t i) {
        auto& t = topics_[i];
        if (t.live() == 0) {
            names_.erase(t.name);
            bytes_.give(t.payer, topic_bytes + t.name.size());
            t.name = {};
            t.members = {};
            t.gaps = 0;
            topics_.put(i);
        } else if (t.gaps > t.live()) {
            std::erase_if(t.members, [](const detail::topic_member& who) { return !who.peer; });
            for (std::uint32_t at = 0; at < t.members.size(); ++at) links_[t.members[at].link].position = at;
            t.gaps = 0;
            if (t.members.size() < t.members.capacity() / 4) t.members.shrink_to_fit();
        }
    }

    topic_entry show(std::string_view key, const detail::entry_table::entry& e) const noexcept {
        return {key, e.value.view(), {e.owner, links_.at(e.owner).generation}, e.expires};
    }

    detail::entry_table::table::node_type extract(detail::entry_table::iterator at) noexcept {
        --topics_[at->first.first].entries;
        auto& owner = links_.at(at->second.owner);
        --owner.entries;
        bytes_.give(owner.address,
                    entry_bytes + at->first.second.size() + at->second.value.view().bytes.size());
        return entries_.extract(at);
    }

    // Removes an entry, then calls `f`.
    template <class F>
    void drop(detail::entry_table::iterator at, F& f) {
        const auto t = at->first.first;
        const walk keep{*this, t};
        const auto gone = extract(at);
        const auto e = show(gone.key().second, gone.mapped());
        f(std::string_view{topics_[t].name}, e);
    }

    // Removes the entries of one owner in one topic, and calls `f` for each.
    template <class F>
    void disown(std::uint32_t slot, std::uint32_t t, F& f) {
        if (links_.at(slot).entries == 0 || topics_[t].entries == 0) return;
        entries_.for_each_of(slot, [&](auto at) {
            if (at->first.first == t) drop(at, f);
        });
    }

    topic_limits limits_;
    detail::address_shares bytes_;
    local_registry names_; // the number of a topic takes the place of a slot
    detail::record_pool<detail::topic_record> topics_;
    detail::membership_table links_;
    detail::entry_table entries_;
};

} // namespace sigfire::inline v0_1
