// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
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

namespace sigfire {

/// Settings of `topics`.
struct topics_options {
    topic_limits limits{};
    std::size_t lookup_limit = 1000; ///< members told in one reply at most
};

/** Topics on the wire: join, leave, lookup, publish, and state entries. A part of a server, and of a hub.
 *
 *  A publication is encoded once for each codec and kind of peer, and copied. Members get it in the order of
 * its publisher, the reply comes first, and it ends in `ok` if the topic exists. One that is `volatile` is
 * dropped for members who have no room for it, and counted; any other ends such a member's connection. A peer
 * that goes has left all its topics; one that is away stays. */
class topics : public feature {
public:
    explicit topics(topics_options options = {}) : options_(options), table_(options.limits) {}

    static constexpr bool takes(verb v) noexcept {
        return v == verb::join || v == verb::leave || v == verb::lookup || v == verb::publish ||
               v == verb::set || v == verb::unset;
    }

    /// Who is where.
    const topic_table& table() const noexcept { return table_; }

    /// How many deliveries of volatile publications were dropped.
    std::uint64_t dropped() const noexcept { return dropped_; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        if (e.what == verb::leave) return leave(desk, from, e);
        if (!detail::is_name(e.topic)) return desk.reply(from, e.id, errc::malformed);
        switch (e.what) {
        case verb::join: return join(desk, from, e);
        case verb::lookup: return lookup(desk, from, e);
        case verb::publish: return publish(desk, from, e);
        case verb::set: return set(desk, from, e);
        default: return unset(desk, from, e);
        }
    }

    /** Publishes for the host program: JSON or empty `data`, from nobody, to all members. `unknown` if there
     * is no such topic. */
    template <class D>
    errc publish(D& desk, std::string_view topic, std::string_view data, bool droppable = false) {
        envelope e;
        e.topic = topic;
        e.data.bytes = data;
        e.droppable = droppable;
        return spread(desk, {}, e);
    }

    template <class D>
    void closed(D& desk, peer_handle peer, errc why) {
        leave_all(desk, peer, why);
    }

    /// Memberships are an id's: under another one a peer has none.
    template <class D>
    void renaming(D& desk, peer_handle peer) {
        leave_all(desk, peer, errc::replaced);
    }

    bool contains(std::string_view topic, peer_handle peer) { return table_.contains(topic, peer); }

    template <class G>
    void for_each(std::string_view topic, G g) {
        table_.for_each(topic, g);
    }
    template <class G>
    void for_each_entry(std::string_view topic, G g) {
        table_.for_each_entry(topic, g);
    }
    template <class G>
    void for_each_topic(peer_handle peer, G g) {
        table_.for_each_topic(peer, [&](std::string_view topic, std::string_view) { g(topic); });
    }

    template <class D>
    time_point tick(D& desk) {
        table_.expire(desk.now(), forgotten(desk));
        return table_.next_expiry();
    }

private:
    // Told of entries that are gone.
    template <class D>
    static auto forgotten(D& desk) {
        return [&desk](std::string_view topic, const topic_entry& e) {
            desk.each([&](auto& f) { f.stated(desk, topic, e.key, {}, {}); });
        };
    }

    template <class D>
    static void told(D& desk, std::string_view topic, peer_handle peer, membership what,
                     std::string_view metadata, errc why) {
        desk.each([&](auto& f) { f.moved(desk, topic, peer, what, metadata, why); });
    }

    template <class D>
    void leave_all(D& desk, peer_handle peer, errc why) {
        table_.erase_all(peer, forgotten(desk));
        table_.leave_all(peer,
                         [&](std::string_view topic) { told(desk, topic, peer, membership::left, {}, why); });
    }

    template <class D>
    void leave(D& desk, peer_handle from, envelope& e) {
        errc cause = errc::unknown;
        if (!e.to.empty() && e.to != desk.id(from)) return desk.reply(from, e.id, cause); // another's
        if (e.topic.empty()) {
            leave_all(desk, from, errc::closed);
            cause = errc::ok;
        } else {
            cause = table_.leave(e.topic, from, forgotten(desk));
            if (cause == errc::ok) told(desk, e.topic, from, membership::left, {}, errc::closed);
        }
        desk.reply(from, e.id, cause);
    }

    template <class D>
    void join(D& desk, peer_handle from, envelope& e) {
        std::string_view metadata, limit, match;
        std::string group;
        errc cause = errc::ok;
        if (!detail::json_fields(e.data.bytes,
                                 {{"metadata", &metadata}, {"limit", &limit}, {"match", &match}}))
            return desk.reply(from, e.id, errc::malformed);
        const auto most = detail::json_uint(limit), size = detail::json_uint(match);
        if ((!limit.empty() && !most) || (!match.empty() && (!size || *size < 2)) ||
            (!metadata.empty() && !detail::is_json_object(metadata)))
            return desk.reply(from, e.id, errc::malformed);
        auto topic = e.topic;
        if (size) topic = group = group_of(e.topic, *size);
        desk.each([&](auto& f) {
            if (cause == errc::ok) cause = f.joining(desk, from, e);
        });
        if (cause == errc::ok && most && table_.members(topic) >= *most && !table_.contains(topic, from))
            cause = errc::full;
        if (cause == errc::ok) {
            const auto changed = table_.join(topic, from, metadata);
            if (!changed)
                cause = static_cast<errc>(changed.error().value());
            else if (*changed != topic_change::none)
                told(desk, topic, from,
                     *changed == topic_change::added ? membership::joined : membership::updated, metadata,
                     errc::ok);
        }
        if (cause != errc::ok) return desk.reply(from, e.id, cause);
        if (size && table_.members(topic) >= *size) groups_.erase({std::string{e.topic}, *size});
        if (e.number != 0) return tell_members(desk, from, e, topic, e.number);
        detail::json_text t;
        t.raw(R"({"topic":)").string(topic).raw(R"(,"members":)").number(table_.members(topic)).raw("}");
        desk.reply(from, e.id, errc::ok, t.view());
    }

    // The group that is being filled. Its name can't be guessed: nobody joins without being matched.
    std::string group_of(std::string_view topic, std::uint64_t size) {
        const auto key = std::pair{std::string{topic}, size};
        auto at = groups_.find(key);
        if (at == groups_.end() || table_.members(at->second) >= size || table_.members(at->second) == 0) {
            if (at != groups_.end()) groups_.erase(at);
            // groups that everybody has left are in nobody's way, but take up memory
            if (groups_.size() > table_.size() + 16)
                std::erase_if(groups_, [this](const auto& g) { return table_.members(g.second) == 0; });
            std::string name{topic};
            name += '#';
            name += detail::view(ids_.draw());
            at = groups_.emplace(key, std::move(name)).first;
        }
        return at->second;
    }

    template <class D>
    void lookup(D& desk, peer_handle from, envelope& e) {
        std::string_view limit;
        if (!detail::json_fields(e.data.bytes, {{"limit", &limit}}))
            return desk.reply(from, e.id, errc::malformed);
        const auto asked = !limit.empty() ? detail::json_uint(limit) : e.number != 0 ? e.number : 100;
        if (!asked) return desk.reply(from, e.id, errc::malformed);
        tell_members(desk, from, e, e.topic, *asked);
    }

    template <class D>
    void tell_members(D& desk, peer_handle from, envelope& e, std::string_view topic, std::uint64_t most) {
        auto left = std::min<std::uint64_t>(most, options_.lookup_limit);
        detail::json_text t;
        t.raw(R"({"count":)").number(table_.members(topic)).raw(R"(,"members":[)");
        bool first = true;
        const errc cause = table_.for_each(topic, [&](peer_handle peer, std::string_view metadata) {
            if (left == 0) return;
            --left;
            if (!std::exchange(first, false)) t.raw(",");
            t.raw(R"({"id":)").string(desk.id(peer));
            if (!metadata.empty()) t.raw(R"(,"metadata":)").raw(metadata);
            if (desk.is_away(peer)) t.raw(R"(,"away":true)");
            t.raw("}");
        });
        t.raw("]}");
        desk.reply(from, e.id, cause, cause == errc::ok ? t.view() : std::string_view{});
    }

    template <class D>
    void publish(D& desk, peer_handle from, envelope& e) {
        if (table_.members(e.topic) == 0) return desk.reply(from, e.id, errc::unknown);
        if (e.number == 0 && !table_.contains(e.topic, from)) return desk.reply(from, e.id, errc::denied);
        desk.reply(from, e.id, errc::ok);
        spread(desk, e.echo ? peer_handle{} : from, e);
    }

    template <class D>
    errc spread(D& desk, peer_handle but, envelope& e) {
        e.what = verb::publish;
        e.command = "publish";
        e.id = desk.fresh_id();
        e.number = table_.members(e.topic);
        fanout shared;
        return table_.for_each(e.topic, [&](peer_handle to) {
            if (!(to == but) && !desk.spread(to, e, shared)) ++dropped_;
        });
    }

    template <class D>
    void set(D& desk, peer_handle from, envelope& e) {
        std::string_view raw_key, value, ttl;
        const bool read =
            detail::json_fields(e.data.bytes, {{"key", &raw_key}, {"value", &value}, {"ttl", &ttl}});
        const auto key = detail::json_name(raw_key);
        const auto ms = detail::json_uint(ttl);
        if (!read || !key || value.empty() || (!ttl.empty() && (!ms || *ms == 0)))
            return desk.reply(from, e.id, errc::malformed);
        constexpr std::uint64_t longest = 366ull * 24 * 3600 * 1000;
        const auto expires =
            ms ? desk.now() + std::chrono::milliseconds{std::min(*ms, longest)} : time_point::max();
        const auto changed = table_.set(e.topic, from, *key, value, expires);
        if (changed && *changed != topic_change::none)
            desk.each([&](auto& f) { f.stated(desk, e.topic, *key, value, desk.id(from)); });
        desk.reply(from, e.id, changed ? errc::ok : static_cast<errc>(changed.error().value()));
    }

    template <class D>
    void unset(D& desk, peer_handle from, envelope& e) {
        std::string_view raw_key;
        const bool read = detail::json_fields(e.data.bytes, {{"key", &raw_key}});
        const auto key = detail::json_name(raw_key);
        if (!read || !key) return desk.reply(from, e.id, errc::malformed);
        const errc cause = table_.erase(e.topic, from, *key);
        if (cause == errc::ok) desk.each([&](auto& f) { f.stated(desk, e.topic, *key, {}, {}); });
        desk.reply(from, e.id, cause);
    }

    topics_options options_;
    topic_table table_;
    detail::id_source ids_;
    std::map<std::pair<std::string, std::uint64_t>, std::string> groups_; // being filled
    std::uint64_t dropped_ = 0;
};

} // namespace sigfire
