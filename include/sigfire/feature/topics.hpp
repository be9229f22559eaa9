// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/topic_table.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `topics`.
struct topics_options {
    /// Limits of topics, members and state entries.
    topic_limits limits{};
    /// Maximum number of members in one reply.
    std::size_t lookup_limit = 1000;
    /// Maximum size of the ids and metadata in one reply, in bytes. Further members are left out.
    std::size_t lookup_bytes = 256u << 10;
    /// Maximum size of a publication for all members together, in bytes: its size times the number of
    /// members. Beyond it, the cause is `too_large`.
    std::size_t publication_bytes = 256u << 20;
};

/** Topics: join, leave, lookup, publish, and state entries. A part of a server, and of a hub.
 *
 *  The hub encodes a publication once for each codec and kind of peer. Members receive the publications of
 *  one publisher in order, after the reply. A publication ends with `ok` if the topic exists. If a member has
 *  no room for a `droppable` publication, the hub drops that delivery and counts it. For any other
 *  publication the hub disconnects that member.
 *
 *  Only members publish. Some wires let all peers publish, but only in topics that were created on such a
 *  wire. A peer that leaves the hub leaves all its topics; a peer that is away stays a member. */
class topics : public feature {
public:
    /// Takes the settings.
    explicit topics(topics_options options = {}) : options_(options), table_(options.limits) {}

    /// The topics and their members. Valid as long as this feature.
    const topic_table& table() const noexcept { return table_; }

    /// Number of dropped deliveries of droppable publications.
    std::uint64_t dropped() const noexcept { return dropped_; }

    /// Writes the metrics of the feature, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.gauge("topics", "Topics with at least one member.", table_.size());
        out.gauge("memberships", "Memberships in all topics.", table_.memberships());
        out.gauge("topic_bytes", "Memory of memberships and state entries, about.", table_.bytes());
        out.counter("publications_dropped_total", "Deliveries of droppable publications that were dropped.",
                    dropped_);
    }

    /// Makes the peer a member of a topic, or of a group if `e.match` is set. Causes: `malformed`, `full`,
    /// `too_large`, and those of `feature::on_join`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::join& e) {
        if (!detail::is_name(e.topic)) return hub.reply(from, e.token, errc::malformed);
        std::string group;
        auto topic = e.topic;
        if (e.match) {
            if (*e.match < 2) return hub.reply(from, e.token, errc::malformed);
            topic = group = group_of(e.topic, *e.match);
        }
        errc cause = errc::ok;
        hub.each([&](auto& f) {
            if (cause != errc::ok) return;
            cause = errc::internal_error; // if on_join throws, the peer does not join
            cause = f.on_join(hub, from, e);
        });
        if (cause == errc::ok && e.limit && table_.members(topic) >= *e.limit &&
            !table_.contains(topic, from))
            cause = errc::full;
        if (cause == errc::ok) {
            const auto changed = table_.join(topic, from, e.metadata, e.open, hub.address(from));
            if (!changed)
                cause = static_cast<errc>(changed.error().value());
            else if (*changed != topic_change::none)
                tell(hub, topic, from,
                     *changed == topic_change::added ? membership::joined : membership::updated, e.metadata,
                     errc::ok);
        }
        if (cause != errc::ok) return hub.reply(from, e.token, cause);
        if (e.match && table_.members(topic) >= *e.match) groups_.erase({std::string{e.topic}, *e.match});
        if (e.list) return list(hub, from, e.token, topic, *e.list);
        event::joined said;
        said.token = e.token;
        said.topic = topic;
        said.members = table_.members(topic);
        hub.reply(from, said);
    }

    /// Ends one membership, or all for an empty topic. Causes: `malformed`, `unknown`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::leave& e) {
        errc cause = errc::unknown;
        if (!e.as.empty() && e.as != hub.id(from))
            return hub.reply(from, e.token, cause); // the id of another peer
        if (e.topic.empty()) {
            leave_all(hub, from, errc::closed);
            cause = errc::ok;
        } else {
            cause = table_.leave(e.topic, from, forgotten(hub));
            if (cause == errc::ok) tell(hub, e.topic, from, membership::left, {}, errc::closed);
        }
        hub.reply(from, e.token, cause);
    }

    /// Replies with the members of a topic: at most `e.limit`, by default 100. Causes: `malformed`,
    /// `unknown`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::lookup& e) {
        if (!detail::is_name(e.topic)) return hub.reply(from, e.token, errc::malformed);
        list(hub, from, e.token, e.topic, e.limit.value_or(100));
    }

    /// Sends a publication to the members of a topic. Causes: `malformed`, `unknown`, `denied`, `too_large`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::publish& e) {
        if (!detail::is_name(e.topic)) return hub.reply(from, e.token, errc::malformed);
        if (table_.members(e.topic) == 0) return hub.reply(from, e.token, errc::unknown);
        if (!table_.contains(e.topic, from) && !(e.open && table_.is_open(e.topic)))
            return hub.reply(from, e.token, errc::denied);
        if (e.data.bytes.size() > options_.publication_bytes / table_.members(e.topic))
            return hub.reply(from, e.token, errc::too_large);
        hub.reply(from, e.token, errc::ok);
        e.from = hub.id(from);
        broadcast(hub, e.echo ? peer_handle{} : from, e);
    }

    /// Sets a state entry. Causes: `malformed`, and those of `topic_table::set`. A `ttl` is at most 366 days.
    template <class X>
    void on_request(X& hub, peer_handle from, event::set& e) {
        if (e.value.empty() || (e.ttl && *e.ttl == 0)) return hub.reply(from, e.token, errc::malformed);
        constexpr std::uint64_t longest = 366ull * 24 * 3600 * 1000;
        const auto expires =
            e.ttl ? hub.now() + std::chrono::milliseconds{std::min(*e.ttl, longest)} : time_point::max();
        const auto changed = table_.set(e.topic, from, e.key, e.value, expires);
        if (changed && *changed != topic_change::none)
            hub.each([&](auto& f) { f.on_entry(hub, e.topic, e.key, e.value, hub.id(from)); });
        hub.reply(from, e.token, changed ? errc::ok : static_cast<errc>(changed.error().value()));
    }

    /// Removes a state entry. Causes: those of `topic_table::erase`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::unset& e) {
        const errc cause = table_.erase(e.topic, from, e.key);
        if (cause == errc::ok) hub.each([&](auto& f) { f.on_entry(hub, e.topic, e.key, {}, {}); });
        hub.reply(from, e.token, cause);
    }

    /** Publishes to all members in the name of the server, for the host program. Call it with
     *  `hub::context()`.
     *  @param hub the context of the hub
     *  @param topic the topic
     *  @param data the payload; empty = none
     *  @param droppable whether a delivery may be dropped
     *  @return `ok`, or `unknown` if the topic does not exist */
    template <class X>
    errc publish(X& hub, std::string_view topic, payload data, bool droppable = false) {
        event::publish e;
        e.topic = topic;
        e.data = data;
        e.droppable = droppable;
        return hub.at_work([&] { return broadcast(hub, {}, e); });
    }
    /// Publishes a text in the format of `default_wire` to all members, see the overload above. Empty = no
    /// data.
    template <class X>
    errc publish(X& hub, std::string_view topic, std::string_view data, bool droppable = false) {
        return publish(hub, topic, payload{data}, droppable);
    }

    /// Ends all memberships of the peer.
    template <class X>
    void on_close(X& hub, peer_handle peer, errc why) {
        leave_all(hub, peer, why);
    }

    /// Ends all memberships of the peer: memberships belong to an id.
    template <class X>
    void on_rename(X& hub, peer_handle peer) {
        leave_all(hub, peer, errc::replaced);
    }

    /// Whether a peer is a member of a topic.
    bool is_member(std::string_view topic, peer_handle peer) { return table_.contains(topic, peer); }

    /// Calls `g(peer_handle)` or `g(peer_handle, payload metadata)` for each member, in the order of joining.
    template <class G>
    void for_each_member(std::string_view topic, G g) {
        table_.for_each(topic, g);
    }
    /// Calls `g(key, value, owner)` for each state entry of a topic.
    template <class G>
    void for_each_entry(std::string_view topic, G g) {
        table_.for_each_entry(topic, [&](const topic_entry& e) { g(e.key, e.value, e.owner); });
    }
    /// Calls `g(topic)` for each topic of a peer.
    template <class G>
    void for_each_topic(peer_handle peer, G g) {
        table_.for_each_topic(peer, [&](std::string_view topic, payload) { g(topic); });
    }

    /// Removes expired state entries.
    template <class X>
    time_point on_tick(X& hub) {
        table_.expire(hub.now(), forgotten(hub));
        return table_.next_expiry();
    }

private:
    // Reports removed entries to the features.
    template <class X>
    static auto forgotten(X& hub) {
        return [&hub](std::string_view topic, const topic_entry& e) {
            hub.each([&](auto& f) { f.on_entry(hub, topic, e.key, {}, {}); });
        };
    }

    template <class X>
    static void tell(X& hub, std::string_view topic, peer_handle peer, membership what, payload metadata,
                     errc why) {
        hub.each([&](auto& f) { f.on_membership(hub, topic, peer, what, metadata, why); });
    }

    template <class X>
    void leave_all(X& hub, peer_handle peer, errc why) {
        table_.erase_all(peer, forgotten(hub));
        table_.leave_all(peer,
                         [&](std::string_view topic) { tell(hub, topic, peer, membership::left, {}, why); });
    }

    // The name of the group that is being filled. It cannot be guessed, so a peer joins only through `match`.
    std::string group_of(std::string_view topic, std::uint64_t size) {
        const auto key = std::pair{std::string{topic}, size};
        auto at = groups_.find(key);
        if (at == groups_.end() || table_.members(at->second) >= size || table_.members(at->second) == 0) {
            if (at != groups_.end()) groups_.erase(at);
            // Empty groups do no harm, but use memory.
            if (groups_.size() > table_.size() + 16)
                std::erase_if(groups_, [this](const auto& g) { return table_.members(g.second) == 0; });
            std::string name{topic};
            name += '#';
            name += detail::view(ids_.draw());
            at = groups_.emplace(key, std::move(name)).first;
        }
        return at->second;
    }

    template <class X>
    void list(X& hub, peer_handle from, request_token token, std::string_view topic, std::uint64_t most) {
        std::vector<event::member> members;
        const auto count = table_.members(topic);
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>({most, options_.lookup_limit, count}));
        members.reserve(wanted);
        if (wanted != 0)
            table_.for_each(topic, [&, bytes = std::size_t{0}](peer_handle peer, payload metadata) mutable {
                bytes += hub.id(peer).size() + metadata.bytes.size();
                if (bytes > options_.lookup_bytes) return false;
                members.push_back({hub.id(peer), metadata, hub.is_away(peer)});
                return members.size() < wanted;
            });
        if (count == 0) return hub.reply(from, token, errc::unknown);
        event::member_list said;
        said.token = token;
        said.count = count;
        said.members = members;
        hub.reply(from, said);
    }

    template <class X>
    errc broadcast(X& hub, peer_handle but, event::publish& e) {
        const auto id = hub.fresh_id();
        e.id = id.view();
        e.command = "publish";
        e.members = table_.members(e.topic);
        fanout shared;
        return table_.for_each(e.topic, [&](peer_handle to) {
            if (!(to == but) && !hub.broadcast(to, e, shared, e.droppable)) ++dropped_;
        });
    }

    topics_options options_;
    topic_table table_;
    detail::id_source ids_;
    std::map<std::pair<std::string, std::uint64_t>, std::string> groups_; // that are being filled
    std::uint64_t dropped_ = 0;
};

} // namespace sigfire::inline v0_1
