// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
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

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/** How much peers may make `topic_table` remember. Over a number of things is `errc::full`, over a number of
 * bytes `errc::too_large`. */
struct topic_limits {
    std::size_t topics_in_all = 100'000;     ///< topics with a member
    std::size_t topics_per_peer = 1000;      ///< topics one peer is a member of
    std::size_t members_per_topic = 100'000; ///< peers in one topic
    std::size_t metadata_bytes = 1024;       ///< metadata of one member of one topic
    std::size_t entries_per_topic = 1000;    ///< state entries in one topic
    std::size_t entries_per_peer = 100;      ///< state entries of one owner, in all its topics
    std::size_t value_bytes = 1024;          ///< value of one state entry
};

/// The change by a `topic_table::join` or `topic_table::set` that went well.
enum class topic_change : unsigned char {
    none,    ///< all was like that already
    added,   ///< a new member or entry
    updated, ///< other metadata, another value
};

/// A state entry of a topic. The views are valid until the entry changes.
struct topic_entry {
    std::string_view key; ///< UTF-8, 1-256 bytes
    payload value;        ///< as it was set
    peer_handle owner;    ///< the member that set it
    time_point expires;   ///< when it goes by itself; `time_point::max()` = never
};

/** Which peers are in which topics, in the order in which they joined, and the members' values there:
 * metadata of each member, state entries of the topic.
 *
 *  A topic exists while it has members. Its name, like the key of an entry, is UTF-8 of 1-256 bytes (else
 *  `malformed`). Metadata and values are opaque. An entry belongs to the member that set it: nobody else can
 *  change it, and it goes when that member leaves.
 *
 *  Handles are a hub's: slots count from 0 without great gaps, and `leave_all` is called when a peer goes,
 *  before the next one in its slot joins anything.
 *
 *  Cost: join, leave and look-up take constant time (amortised), entries logarithmic time. Memory: some 50
 *  bytes a membership without metadata, 16 a slot, 150 a topic; that of former memberships is used again, not
 *  given back.
 *  For one thread. Peers choose names, so the hash is keyed with random bits.
 *  @throws std::system_error from the constructor if the system has no random numbers; std::bad_alloc from
 *  `join` and `set`, and nothing changed. One that was moved from can only be assigned to or destroyed. */
class topic_table {
public:
    explicit topic_table(topic_limits limits = {}) : limits_(limits) {}

    /** Makes `peer` the last member of `topic`. A member keeps its place: only its metadata is replaced.
     *  @param metadata empty = none
     *  @param open if this makes the topic: whether it is open, see `is_open`
     *  @return the change; or `malformed` (the name), `too_large` (the metadata), `full` (too many topics,
     *  members or topics of the peer), `unknown` (a handle that names nobody, or with a slot that still has
     *  the memberships of another) */
    result<topic_change> join(std::string_view topic, peer_handle peer, payload metadata = {},
                              bool open = false) {
        auto t = find(topic);
        if (t == none && !detail::is_name(topic)) return errc::malformed;
        if (metadata.bytes.size() > limits_.metadata_bytes) return errc::too_large;
        if (!peer || links_.holds_another(peer)) return errc::unknown;
        if (const auto m = t == none ? none : links_.find(t, peer); m != none) {
            if (links_[m].metadata.is(metadata)) return topic_change::none;
            links_[m].metadata = detail::kept_payload{metadata};
            return topic_change::updated;
        }
        if (joined(peer) >= limits_.topics_per_peer) return errc::full;
        if (t == none && names_.size() >= limits_.topics_in_all) return errc::full;
        if ((t == none ? 0 : topics_[t].live()) >= limits_.members_per_topic) return errc::full;

        // First all that can fail, then all that changes something.
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
            topics_.take();
        }
        const auto position = static_cast<std::uint32_t>(place.members.size());
        place.members.push_back({peer, links_.add(t, peer, position, std::move(kept))});
        return topic_change::added;
    }

    /** Ends a membership, and before that the member's entries in that topic: calls
     *  `f(topic, const topic_entry&)` after each. `f` must not change the memberships and entries of `peer`.
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
        while (const auto* const who = links_.of(peer)) {
            const auto m = who->first;
            const auto t = links_[m].topic;
            const walk keep{*this, t};
            remove(m);
            f(std::string_view{topics_[t].name});
        }
    }

    /// The same, with nobody to tell.
    void leave_all(peer_handle peer) {
        leave_all(peer, [](auto) {});
    }

    /// Whether `peer` is a member of `topic`.
    bool contains(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        return t != none && links_.find(t, peer) != none;
    }

    /// The metadata of a member, empty if it has none, valid until it changes; nothing if it is no member.
    std::optional<payload> metadata(std::string_view topic, peer_handle peer) const noexcept {
        const auto t = find(topic);
        const auto m = t == none ? none : links_.find(t, peer);
        return m == none ? std::optional<payload>{} : links_[m].metadata.view();
    }

    /** Calls `f(peer_handle)` or `f(peer_handle, payload metadata)` for each member, in the order in which
     *  they joined; until it returns false, if it returns a bool.
     *
     *  `f` may change anything: a member that leaves before its turn is not visited, nor is one that joins
     * meanwhile; a topic that loses its last member stays until the last walk along it ends. The payload is
     * valid until `f` changes that member.
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

    /// Calls `f(topic, metadata)` for each topic of `peer`, in the order in which it joined. `f` must not
    /// change the memberships of `peer`.
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

    /// How many members `topic` has; 0 if there is no such topic.
    std::size_t members(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t == none ? 0 : topics_[t].live();
    }

    /// How many topics `peer` is a member of.
    std::size_t joined(peer_handle peer) const noexcept {
        const auto* const who = links_.of(peer);
        return who ? who->joined : 0;
    }

    /// Whether the topic was made by a `join` that asked for it to be open.
    bool is_open(std::string_view topic) const noexcept {
        const auto t = find(topic);
        return t != none && topics_[t].open;
    }

    /// How many topics there are.
    std::size_t size() const noexcept { return names_.size(); }

    /// How many memberships there are, in all topics.
    std::size_t memberships() const noexcept { return links_.size(); }

    /** Sets an entry of a topic. Setting it again replaces value and time.
     *  @param peer a member of the topic: the owner
     *  @param expires when `expire` shall drop it; `time_point::max()` = it stays as long as its owner
     *  @return the change (`none`: at most the time); or `malformed` (a name), `too_large` (the value),
     *  `unknown` (not a member), `denied` (it is another's), `full` (too many in the topic or of the owner)
     */
    result<topic_change> set(std::string_view topic, peer_handle peer, std::string_view key, payload value,
                             time_point expires = time_point::max()) {
        const auto t = find(topic);
        if ((t == none && !detail::is_name(topic)) || !detail::is_name(key)) return errc::malformed;
        if (value.bytes.size() > limits_.value_bytes) return errc::too_large;
        if (t == none || links_.find(t, peer) == none) return errc::unknown;
        if (const auto at = entries_.find(t, key); at != entries_.end()) {
            if (at->second.owner != peer.slot) return errc::denied;
            return entries_.update(at, value, expires) ? topic_change::updated : topic_change::none;
        }
        auto& room = topics_[t].entries;
        auto& own = links_.at(peer.slot).entries;
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
        if (t == none || links_.find(t, peer) == none) return errc::unknown;
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
        for (const detail::tenant* who; (who = links_.of(peer)) && who->entries != 0;)
            drop(entries_.first_of(peer.slot), f);
    }

    /** Drops the entries that have expired at `now`, in the order of the times: calls
     *  `f(topic, const topic_entry&)` after each. `f` may change anything, but must not set an entry that
     *  expires at `now` or earlier. */
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

    static constexpr auto none = detail::membership_table::none;

    std::uint32_t find(std::string_view topic) const noexcept {
        const auto found = names_.find(topic);
        return found ? found.slot : none;
    }

    // Ends a membership, but leaves the topic as it is: somebody may walk along it.
    void remove(std::uint32_t m) noexcept {
        auto& t = topics_[links_[m].topic];
        t.members[links_[m].position].peer = {};
        ++t.gaps;
        links_.remove(m);
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
        --links_.at(at->second.owner).entries;
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
        if (links_.at(slot).entries == 0 || topics_[t].entries == 0) return;
        entries_.for_each_of(slot, [&](auto at) {
            if (at->first.first == t) drop(at, f);
        });
    }

    topic_limits limits_;
    local_registry names_; // a topic's number stands where a peer's slot would
    detail::record_pool<detail::topic_record> topics_;
    detail::membership_table links_;
    detail::entry_table entries_;
};

} // namespace sigfire
