// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/detail/entry_table.hpp>
#include <sigfire/feature/detail/record_pool.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/text/utf8.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/** How much peers may make `topic_table` remember. Over a number of things is `errc::full`, over a number of
 * bytes `errc::too_large`. */
struct topic_limits {
    std::size_t topics_in_all = 100'000;     ///< topics with a member
    std::size_t topics_per_peer = 100;       ///< topics one peer is a member of
    std::size_t members_per_topic = 100'000; ///< peers in one topic
    std::size_t metadata_bytes = 1024;       ///< metadata of one member of one topic
    std::size_t entries_per_topic = 1000;    ///< state entries in one topic
    std::size_t entries_per_peer = 100;      ///< state entries of one owner, in all its topics
    std::size_t value_bytes = 1024;          ///< value of one state entry
};

/// What a `topic_table::join` or `topic_table::set` that went well has changed: what is worth telling to
/// others.
enum class topic_change : unsigned char {
    none,    ///< all was like that already
    added,   ///< a new member or entry
    updated, ///< other metadata, another value
};

/// A state entry of a topic. The views are valid until the entry changes.
struct topic_entry {
    std::string_view key;   ///< UTF-8, 1-256 bytes
    std::string_view value; ///< as it was set
    peer_handle owner;      ///< the member who set it
    time_point expires;     ///< when it goes by itself; `time_point::max()` = never
};

/** Which peers are in which topics, in the order in which they joined, and what the members say there:
 * metadata of each member, state entries of the topic.
 *
 *  A topic exists while it has members. Its name, like the key of an entry, is UTF-8 of 1-256 bytes (else
 *  `malformed`). Metadata and values are opaque: who decoded them has checked them. An entry belongs to the
 *  member who set it: nobody else can change it, and it goes when that member leaves.
 *
 *  Handles are a hub's: slots count from 0 without great gaps, and `leave_all` is called when a peer goes,
 *  before the next one in its slot joins anything.
 *
 *  Cost: join, leave and look-up take constant time (amortised), entries logarithmic time. Memory: some 50
 *  bytes a membership without metadata, 16 a slot, 150 a topic; that of former memberships is used again, not
 *  given back.
 *  For one thread. Peers choose names, so what they hash to is keyed with random bits.
 *  @throws std::system_error from the constructor if the system has no random numbers; std::bad_alloc from
 *  `join` and `set`, and nothing changed. One that was moved from can only be assigned to or destroyed. */
class topic_table {
public:
    explicit topic_table(topic_limits limits = {}) : limits_(limits) {
        std::array<unsigned char, sizeof(key_)> bits;
        detail::random_bytes(bits);
        std::memcpy(&key_, bits.data(), bits.size());
    }

    /** Makes `peer` the last member of `topic`. A member keeps its place: only its metadata is replaced (by
     *  none, if none is given).
     *  @param metadata UTF-8 JSON text; empty = none
     *  @return what changed; or `malformed` (the name), `too_large` (the metadata), `full` (too many topics,
     *  members or topics of the peer), `unknown` (a handle that names nobody, or whose slot still has the
     *  memberships of another) */
    result<topic_change> join(std::string_view topic, peer_handle peer, std::string_view metadata = {}) {
        auto t = find(topic);
        if (t == none && !detail::is_name(topic)) return errc::malformed;
        if (metadata.size() > limits_.metadata_bytes) return errc::too_large;
        if (!peer || (peer.slot < tenants_.size() && tenants_[peer.slot].joined != 0 && !tenant_of(peer)))
            return errc::unknown;
        if (const auto m = t == none ? none : find(t, peer); m != none) {
            if (memberships_[m].text() == metadata) return topic_change::none;
            memberships_[m].metadata = copy(metadata);
            return topic_change::updated;
        }
        if (const auto* who = tenant_of(peer); (who ? who->joined : 0) >= limits_.topics_per_peer)
            return errc::full;
        if (t == none && names_.size() >= limits_.topics_in_all) return errc::full;
        if ((t == none ? 0 : topics_[t].live()) >= limits_.members_per_topic) return errc::full;

        // First all that can fail, then all that changes something.
        auto text = copy(metadata);
        if (peer.slot >= tenants_.size()) tenants_.resize(std::size_t{peer.slot} + 1);
        if (count_ == chains_.size()) grow();
        const auto m = memberships_.vacant();
        const bool fresh = t == none;
        if (fresh) t = topics_.vacant();
        auto& place = topics_[t];
        if (place.members.size() == place.members.capacity())
            place.members.reserve(place.members.size() * 2 + 1);
        if (fresh) {
            place.name = topic;
            names_.insert(place.name, {t, 1});
            topics_.take();
        }
        memberships_.take();
        place.members.push_back({peer, m});
        auto& link = memberships_[m];
        link.topic = t;
        link.slot = peer.slot;
        link.position = static_cast<std::uint32_t>(place.members.size() - 1);
        link.metadata = std::move(text);
        link.chain = std::exchange(chain(t, peer.slot), m);
        ++count_;
        auto& who = tenants_[peer.slot];
        if (who.joined++ == 0) {
            who.generation = peer.generation;
            who.first = link.next = link.previous = m;
        } else {
            link.next = who.first;
            link.previous = std::exchange(memberships_[who.first].previous, m);
            memberships_[link.previous].next = m;
        }
        return topic_change::added;
    }

    /** Ends a membership, and before that the member's entries in that topic: calls
     *  `f(topic, const topic_entry&)` after each. `f` must not change what `peer` has.
     *  @return `ok`; or `malformed` (the name), `unknown` (not a member) */
    template <class F>
    errc leave(std::string_view topic, peer_handle peer, F f) {
        const auto t = find(topic);
        if (t == none) return detail::is_name(topic) ? errc::unknown : errc::malformed;
        const auto m = find(t, peer);
        if (m == none) return errc::unknown;
        const walk keep{*this, t};
        disown(peer.slot, t, f);
        remove(m);
        return errc::ok;
    }

    /// The same, with nobody to tell.
    errc leave(std::string_view topic, peer_handle peer) {
        return leave(topic, peer, [](auto&&...) {});
    }

    /** Ends all memberships of `peer`, in the order in which it joined: calls `f(topic)` after each, while a
     *  topic that lost its last member can still be looked up. All its entries are gone before the first
     *  call. `f` may change anything, but must not let `peer` join. */
    template <class F>
    void leave_all(peer_handle peer, F f) {
        erase_all(peer, [](auto&&...) {});
        while (const auto* const who = tenant_of(peer)) {
            const auto m = who->first;
            const auto t = memberships_[m].topic;
            const walk keep{*this, t};
            remove(m);
            f(std::string_view{topics_[t].name});
        }
    }

    /// Ends all memberships and entries of `peer`.
    void leave_all(peer_handle peer) {
        leave_all(peer, [](auto) {});
    }

    /// Whether `peer` is a member of `topic`.
    bool contains(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        return t != none && find(t, peer) != none;
    }

    /// The metadata of a member, empty if it has none, valid until it changes; nothing if it is no member.
    std::optional<std::string_view> metadata(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        const auto m = t == none ? none : find(t, peer);
        if (m == none) return {};
        return memberships_[m].text();
    }

    /** Calls `f(peer_handle)` or `f(peer_handle, std::string_view metadata)` for each member, in the order in
     *  which they joined.
     *
     *  `f` may change anything: who leaves before its turn is not visited, nor is who joins meanwhile; a
     * topic that loses its last member stays until the last walk along it ends. The view is valid until `f`
     * changes that member.
     *  @return `ok`, or `unknown` if there is no such topic */
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
            if constexpr (std::invocable<F&, peer_handle, std::string_view>)
                f(who.peer, memberships_[who.link].text());
            else
                f(who.peer);
        }
        return errc::ok;
    }

    /// Calls `f(topic, metadata)` for each topic of `peer`, in the order in which it joined. `f` must not
    /// change the memberships of `peer`.
    template <class F>
    void for_each_topic(peer_handle peer, F f) const {
        const auto* const who = tenant_of(peer);
        if (!who) return;
        auto m = who->first;
        do {
            const auto& link = memberships_[m];
            f(std::string_view{topics_[link.topic].name}, link.text());
            m = link.next;
        } while (m != who->first);
    }

    /// How many members `topic` has; 0 if there is no such topic.
    std::size_t members(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t == none ? 0 : topics_[t].live();
    }

    /// How many topics `peer` is a member of.
    std::size_t joined(peer_handle peer) const noexcept {
        const auto* const who = tenant_of(peer);
        return who ? who->joined : 0;
    }

    /// How many topics there are.
    std::size_t size() const noexcept { return names_.size(); }

    /// How many memberships there are, in all topics.
    std::size_t memberships() const noexcept { return count_; }

    /** Sets an entry of a topic. Setting it again replaces value and time.
     *  @param peer a member of the topic: the owner
     *  @param expires when `expire` shall drop it; `time_point::max()` = it stays as long as its owner
     *  @return what changed (`none`: at most the time); or `malformed` (a name), `too_large` (the value),
     *  `unknown` (not a member), `denied` (it is another's), `full` (too many in the topic or of the owner)
     */
    result<topic_change> set(std::string_view topic, peer_handle peer, std::string_view key,
                             std::string_view value, time_point expires = time_point::max()) {
        const auto t = find(topic);
        if ((t == none && !detail::is_name(topic)) || !detail::is_name(key)) return errc::malformed;
        if (value.size() > limits_.value_bytes) return errc::too_large;
        if (t == none || find(t, peer) == none) return errc::unknown;
        if (const auto at = entries_.find(t, key); at != entries_.end()) {
            if (at->second.owner != peer.slot) return errc::denied;
            return entries_.update(at, value, expires) ? topic_change::updated : topic_change::none;
        }
        auto& room = topics_[t].entries;
        auto& own = tenants_[peer.slot].entries;
        if (room >= limits_.entries_per_topic || own >= limits_.entries_per_peer) return errc::full;
        entries_.add(t, key, peer.slot, value, expires);
        ++room;
        ++own;
        return topic_change::added;
    }

    /** Erases an entry.
     *  @return `ok`; or `malformed` (a name), `unknown` (not a member, no such entry), `denied` (another's)
     */
    errc erase(std::string_view topic, peer_handle peer, std::string_view key) {
        const auto t = find(topic);
        if ((t == none && !detail::is_name(topic)) || !detail::is_name(key)) return errc::malformed;
        if (t == none || find(t, peer) == none) return errc::unknown;
        const auto at = entries_.find(t, key);
        if (at == entries_.end()) return errc::unknown;
        if (at->second.owner != peer.slot) return errc::denied;
        extract(at);
        return errc::ok;
    }

    /** Erases all entries of `peer`, in the order in which they were first set: calls
     *  `f(topic, const topic_entry&)` after each. `f` may change anything, but must not set an entry of
     *  `peer`. */
    template <class F>
    void erase_all(peer_handle peer, F f) {
        for (const tenant* who; (who = tenant_of(peer)) && who->entries != 0;)
            drop(entries_.first_of(peer.slot), f);
    }

    /** Drops what has expired at `now`, in the order of the times: calls `f(topic, const topic_entry&)` after
     *  each. `f` may change anything, but must not set an entry that expires at `now` or earlier. */
    template <class F>
    void expire(time_point now, F f) {
        while (entries_.next_expiry() <= now && entries_.next_expiry() != time_point::max())
            drop(entries_.first_due(), f);
    }

    /// When the next entry expires; `time_point::max()` if none does.
    time_point next_expiry() const noexcept { return entries_.next_expiry(); }

    /** Calls `f(const topic_entry&)` for each entry of the topic, in the order of the keys' bytes. `f` must
     *  not change entries nor end memberships.
     *  @return `ok`, or `unknown` if there is no such topic */
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

    /// How many entries `topic` has; 0 if there is no such topic.
    std::size_t entries(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t == none ? 0 : topics_[t].entries;
    }

private:
    struct member {
        peer_handle peer;   // nobody: has left
        std::uint32_t link; // its membership
    };

    struct topic_record {
        std::string name;
        std::vector<member> members; // in order; who leaves stays as a gap until gaps are the majority
        std::uint32_t gaps = 0;
        std::uint32_t walks = 0; // while somebody walks along `members`, nothing in it moves
        std::uint32_t entries = 0;
        std::uint32_t next = 0;

        std::size_t live() const noexcept { return members.size() - gaps; }
    };

    struct membership {
        std::uint32_t topic = detail::record_pool<membership>::none; // none: vacant
        std::uint32_t slot;
        std::uint32_t position;           // in the topic's members
        std::uint32_t next, previous;     // of the same peer, in a ring
        std::uint32_t chain;              // the next with the same hash
        std::unique_ptr<char[]> metadata; // its length, then its bytes; null = none

        std::string_view text() const noexcept {
            if (!metadata) return {};
            std::size_t n = 0;
            std::memcpy(&n, metadata.get(), sizeof n);
            return {metadata.get() + sizeof n, n};
        }
    };
    static_assert(sizeof(membership) <= 32);

    // What a slot's peer has. It has the slot to itself as long as it is a member of anything.
    struct tenant {
        std::uint32_t generation = 0;
        std::uint32_t first = 0;
        std::uint32_t joined = 0;
        std::uint32_t entries = 0;
    };

    // Keeps a topic and its members where they are.
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

    static constexpr auto none = detail::record_pool<membership>::none;

    static std::unique_ptr<char[]> copy(std::string_view s) {
        if (s.empty()) return nullptr;
        const auto n = s.size();
        auto block = std::make_unique_for_overwrite<char[]>(sizeof n + n);
        std::memcpy(block.get(), &n, sizeof n);
        s.copy(block.get() + sizeof n, n);
        return block;
    }

    std::uint32_t find(std::string_view topic) const noexcept {
        const auto found = names_.find(topic);
        return found ? found.slot : none;
    }

    const tenant* tenant_of(peer_handle peer) const noexcept {
        if (peer.slot >= tenants_.size()) return nullptr;
        const auto& t = tenants_[peer.slot];
        return t.joined != 0 && t.generation == peer.generation ? &t : nullptr;
    }

    std::uint32_t find(std::uint32_t t, peer_handle peer) const noexcept {
        if (!tenant_of(peer)) return none;
        auto m = chains_[hash(t, peer.slot)];
        while (m != none && (memberships_[m].topic != t || memberships_[m].slot != peer.slot))
            m = memberships_[m].chain;
        return m;
    }

    std::size_t hash(std::uint32_t t, std::uint32_t slot) const noexcept {
        auto h = (std::uint64_t{t} << 32 | slot) ^ key_;
        h = (h ^ h >> 32) * 0x9e3779b97f4a7c15;
        h = (h ^ h >> 29 ^ key_) * 0xd6e8feb86659fd93;
        return static_cast<std::size_t>(h ^ h >> 32) & (chains_.size() - 1);
    }

    std::uint32_t& chain(std::uint32_t t, std::uint32_t slot) noexcept { return chains_[hash(t, slot)]; }

    void grow() {
        std::vector<std::uint32_t> more(chains_.empty() ? 16 : chains_.size() * 2, none);
        chains_.swap(more);
        // Record after record: along the old chains each step would be a cache miss.
        for (std::uint32_t m = 0; m < memberships_.end(); ++m) {
            auto& link = memberships_[m];
            if (link.topic != none) link.chain = std::exchange(chain(link.topic, link.slot), m);
        }
    }

    // Ends a membership, but leaves the topic as it is: for who walks along it.
    void remove(std::uint32_t m) noexcept {
        auto& link = memberships_[m];
        auto& t = topics_[link.topic];
        t.members[link.position].peer = {};
        ++t.gaps;
        auto* at = &chain(link.topic, link.slot);
        while (*at != m) at = &memberships_[*at].chain;
        *at = link.chain;
        --count_;
        auto& who = tenants_[link.slot];
        --who.joined;
        if (who.first == m) who.first = link.next;
        memberships_[link.next].previous = link.previous;
        memberships_[link.previous].next = link.next;
        link.topic = none;
        link.metadata.reset();
        memberships_.put(m);
    }

    // Frees a topic without members; closes the gaps of one that has more gaps than members.
    void tidy(std::uint32_t i) {
        auto& t = topics_[i];
        if (t.live() == 0) {
            names_.erase(t.name);
            t.name = {};
            t.members = {};
            t.gaps = 0;
            topics_.put(i);
        } else if (t.gaps > t.live()) {
            std::erase_if(t.members, [](const member& who) { return !who.peer; });
            for (std::uint32_t at = 0; at < t.members.size(); ++at)
                memberships_[t.members[at].link].position = at;
            t.gaps = 0;
            if (t.members.size() < t.members.capacity() / 4) t.members.shrink_to_fit();
        }
    }

    topic_entry show(std::string_view key, const detail::entry_table::entry& e) const noexcept {
        return {key, e.value, {e.owner, tenants_[e.owner].generation}, e.expires};
    }

    detail::entry_table::table::node_type extract(detail::entry_table::iterator at) noexcept {
        --topics_[at->first.first].entries;
        --tenants_[at->second.owner].entries;
        return entries_.extract(at);
    }

    // Erases an entry and tells `f`.
    template <class F>
    void drop(detail::entry_table::iterator at, F& f) {
        const auto t = at->first.first;
        const walk keep{*this, t};
        const auto gone = extract(at);
        const auto e = show(gone.key().second, gone.mapped());
        f(std::string_view{topics_[t].name}, e);
    }

    // Erases the entries of one owner in one topic and tells `f`.
    template <class F>
    void disown(std::uint32_t slot, std::uint32_t t, F& f) {
        if (tenants_[slot].entries == 0 || topics_[t].entries == 0) return;
        entries_.for_each_of(slot, [&](auto at) {
            if (at->first.first == t) drop(at, f);
        });
    }

    topic_limits limits_;
    local_registry names_; // a topic's number stands where a peer's slot would
    detail::record_pool<topic_record> topics_;
    detail::record_pool<membership> memberships_;
    std::vector<tenant> tenants_;       // by slot
    std::vector<std::uint32_t> chains_; // hash table of memberships: the first of each chain
    std::size_t count_ = 0;
    std::uint64_t key_;
    detail::entry_table entries_;
};

} // namespace sigfire
