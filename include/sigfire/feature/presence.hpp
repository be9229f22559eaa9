// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire {

/// Settings of `presence`.
struct presence_options {
    std::chrono::milliseconds delay{50};   ///< in which changes are gathered before they are told
    std::size_t watches_per_peer = 100;    ///< topics and peers that one peer may watch
    std::size_t changes_per_message = 100; ///< told in one message at most
    std::size_t messages_per_tick = 512;   ///< sent in one go, so that nobody's request has to wait long
};

/** Tells peers who comes and goes, in a topic or anywhere. A part of a server, and of a hub; topics can be
 * watched where the hub has `topics` too.
 *
 *  Who watches is first told how things are, then what changes: nothing is missing between the two, and
 * nothing told twice. Changes are gathered for `delay` and only their outcome is told: who came and went
 * meanwhile was never there; who went and came back has left and joined. The work is done in slices. A
 * watcher who is away is told how things are when it is back. */
class presence : public feature {
public:
    explicit presence(presence_options options = {}) : options_(options) {}

    static constexpr bool takes(verb v) noexcept { return v == verb::watch || v == verb::unwatch; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        const bool by_topic = e.to.empty();
        const auto name = by_topic ? e.topic : e.to;
        if (!detail::is_name(name)) return desk.reply(from, e.id, errc::malformed);
        auto& mine = watching_[from.slot];
        const place where{by_topic, std::string{name}};
        const auto at = mine.find(where);
        errc cause = errc::ok;
        if (e.what == verb::unwatch) {
            if (at == mine.end())
                cause = errc::unknown;
            else
                forget(mine, at);
        } else if (at == mine.end()) {
            if (mine.size() >= options_.watches_per_peer)
                cause = errc::full;
            else
                begin(desk, from, where, mine[where]);
        }
        if (mine.empty()) watching_.erase(from.slot);
        desk.reply(from, e.id, cause);
    }

    template <class D>
    void moved(D& desk, std::string_view topic, peer_handle peer, membership what, std::string_view metadata,
               errc why) {
        if (auto* const s = find(true, topic)) change(desk, *s, desk.id(peer), what, metadata, why);
    }

    template <class D>
    void stated(D& desk, std::string_view topic, std::string_view key, std::string_view value,
                std::string_view owner) {
        auto* const s = find(true, topic);
        if (s == nullptr) return;
        auto& c = s->entries[std::string{key}];
        c.value = value;
        c.owner = owner;
        queue(desk, *s);
    }

    template <class D>
    void opened(D& desk, peer_handle peer, const admission&) {
        if (auto* const s = find(false, desk.id(peer)))
            change(desk, *s, desk.id(peer), membership::joined, {}, errc::ok);
    }

    template <class D>
    void closed(D& desk, peer_handle peer, errc why) {
        if (auto* const s = find(false, desk.id(peer)))
            change(desk, *s, desk.id(peer), membership::left, {}, why);
        const auto mine = watching_.extract(peer.slot);
        if (!mine) return;
        for (auto at = mine.mapped().begin(); at != mine.mapped().end();) forget(mine.mapped(), at++);
    }

    template <class D>
    void renaming(D& desk, peer_handle peer) {
        if (auto* const s = find(false, desk.id(peer)))
            change(desk, *s, desk.id(peer), membership::left, {}, errc::replaced);
    }

    template <class D>
    void renamed(D& desk, peer_handle peer) {
        opened(desk, peer, {});
    }

    template <class D>
    void away(D& desk, peer_handle peer) {
        shift(desk, peer, true);
    }

    template <class D>
    void back(D& desk, peer_handle peer) {
        shift(desk, peer, false);
        const auto mine = watching_.find(peer.slot);
        if (mine == watching_.end()) return;
        for (auto& [where, serial] : mine->second) {
            auto& s = *find(where.by_topic, where.name);
            --s.watched; // as who begins now
            begin(desk, peer, where, serial);
        }
    }

    template <class D>
    time_point tick(D& desk) {
        // While there is something to send nothing more is gathered up: the busier, the more changes a
        // message.
        for (auto budget = options_.messages_per_tick;;) {
            if (!jobs_.empty()) {
                if (!work(desk, jobs_.front(), budget)) return desk.now();
                jobs_.pop_front();
                continue;
            }
            if (due_.empty()) return time_point::max();
            if (due_.front().first > desk.now()) return due_.front().first;
            if (budget == 0) return desk.now();
            --budget;
            const auto where = std::move(due_.front().second);
            due_.pop_front();
            if (auto* const s = find(where.by_topic, where.name)) flush(desk, where, *s);
        }
    }

private:
    struct place {
        bool by_topic;
        std::string name;
        auto operator<=>(const place&) const = default;
    };

    // A watcher, and which time it began: whoever stopped since is another.
    struct watcher {
        peer_handle peer;
        std::uint64_t serial;
    };
    using watchers = std::vector<watcher>;

    struct member_change {
        bool was = false, is = false; // before and after
        bool renewed = false;         // `was`, but is another membership now
        bool updated = false;
        bool away_told = false, away = false;
        errc cause = errc::ok;
        std::string metadata;
        std::size_t order = 0;
    };
    struct entry_change {
        std::string value, owner;
    };

    struct subject {
        const place* where = nullptr;
        std::size_t watched = 0; // by how many
        watchers old, fresh;     // `fresh` ones have been told nothing yet
        std::unordered_map<std::string, member_change> members;
        std::map<std::string, entry_change> entries;
        bool queued = false;
    };

    struct job {
        place where;
        std::string id, data;
        std::shared_ptr<const watchers> to;
        std::size_t next = 0;
        fanout shared = {};
    };

    subject* find(bool by_topic, std::string_view name) {
        if (subjects_.empty()) return nullptr;
        const auto at = subjects_.find(place{by_topic, std::string{name}});
        return at == subjects_.end() ? nullptr : &at->second;
    }

    template <class D>
    void begin(D& desk, peer_handle peer, const place& where, std::uint64_t& serial) {
        const auto at = subjects_.try_emplace(where).first;
        auto& s = at->second;
        s.where = &at->first;
        ++s.watched;
        serial = ++last_;
        s.fresh.push_back({peer, serial});
        queue(desk, s);
    }

    void forget(std::map<place, std::uint64_t>& mine, std::map<place, std::uint64_t>::iterator at) {
        const auto s = subjects_.find(at->first);
        if (--s->second.watched == 0) subjects_.erase(s);
        mine.erase(at);
    }

    bool watches(const watcher& w, const place& where) const {
        const auto mine = watching_.find(w.peer.slot);
        if (mine == watching_.end()) return false;
        const auto at = mine->second.find(where);
        return at != mine->second.end() && at->second == w.serial;
    }

    template <class D>
    void queue(D& desk, subject& s) {
        if (!std::exchange(s.queued, true)) due_.push_back({desk.now() + options_.delay, *s.where});
    }

    template <class D>
    member_change& touch(D& desk, subject& s, std::string_view id, bool was) {
        const auto [at, first] = s.members.try_emplace(std::string{id});
        if (first) {
            at->second.was = at->second.is = was;
            at->second.order = s.members.size();
        }
        queue(desk, s);
        return at->second;
    }

    template <class D>
    void change(D& desk, subject& s, std::string_view id, membership what, std::string_view metadata,
                errc why) {
        auto& c = touch(desk, s, id, what != membership::joined);
        c.is = what != membership::left;
        c.updated = c.was;
        c.metadata = metadata;
        if (c.is) return;
        c.cause = why;
        c.renewed = c.was;
        c.away_told = false;
    }

    template <class D>
    void shift(D& desk, peer_handle peer, bool away) {
        const auto note = [&](subject* s) {
            if (s == nullptr) return;
            auto& c = touch(desk, *s, desk.id(peer), true);
            c.away_told = !c.away_told; // there and back is nothing
            c.away = away;
        };
        note(find(false, desk.id(peer)));
        desk.each([&](auto& f) { f.for_each_topic(peer, [&](std::string_view t) { note(find(true, t)); }); });
    }

    // --- telling ---

    // Messages of at most so many changes each.
    class pages {
    public:
        pages(std::size_t most, bool snapshot) : most_(most), snapshot_(snapshot) {}

        detail::json_text& member() {
            if (count_ == most_) turn();
            ++count_;
            return members_.size() ? members_.raw(",") : members_;
        }
        detail::json_text& entry() {
            if (count_ == most_) turn();
            ++count_;
            return entries_.size() ? entries_.raw(",") : entries_;
        }

        std::vector<std::string> done() {
            if (count_ != 0 || (snapshot_ && done_.empty())) turn();
            for (std::size_t i = 0; snapshot_ && i + 1 < done_.size(); ++i)
                done_[i].insert(1, R"("more":true,)");
            return std::move(done_);
        }

    private:
        void turn() {
            detail::json_text t;
            t.raw(snapshot_ ? R"({"snapshot":true)" : "{");
            if (members_.size())
                t.raw(snapshot_ ? "," : "").raw(R"("members":[)").raw(members_.take()).raw("]");
            if (entries_.size())
                t.raw(t.size() > 1 ? "," : "").raw(R"("state":[)").raw(entries_.take()).raw("]");
            done_.push_back(t.raw("}").take());
            count_ = 0;
            members_ = {};
            entries_ = {};
        }

        std::size_t most_, count_ = 0;
        bool snapshot_;
        detail::json_text members_, entries_;
        std::vector<std::string> done_;
    };

    static void say_member(detail::json_text& t, std::string_view id, std::string_view status,
                           std::string_view metadata, errc cause) {
        t.raw(R"({"id":)").string(id).raw(R"(,"status":")").raw(status).raw("\"");
        if (!metadata.empty()) t.raw(R"(,"metadata":)").raw(metadata);
        if (cause != errc::ok) t.raw(R"(,"cause":")").raw(cause_name(cause)).raw("\"");
        t.raw("}");
    }

    static void say_entry(detail::json_text& t, std::string_view key, std::string_view value,
                          std::string_view owner) {
        t.raw(R"({"key":)").string(key);
        if (value.empty())
            t.raw(R"(,"removed":true})");
        else
            t.raw(R"(,"value":)").raw(value).raw(R"(,"owner":)").string(owner).raw("}");
    }

    std::vector<std::string> changes_of(subject& s) const {
        std::vector<std::pair<std::size_t, const std::string*>> order;
        for (const auto& [id, c] : s.members) order.push_back({c.order, &id});
        std::sort(order.begin(), order.end());
        pages p{options_.changes_per_message, false};
        for (const auto& [at, id] : order) {
            const auto& c = s.members.at(*id);
            if (c.was && (!c.is || c.renewed)) say_member(p.member(), *id, "left", {}, c.cause);
            if (c.is && (!c.was || c.renewed))
                say_member(p.member(), *id, "joined", c.metadata, errc::ok);
            else if (c.is && c.updated)
                say_member(p.member(), *id, "updated", c.metadata, errc::ok);
            if (c.is && c.away_told) say_member(p.member(), *id, c.away ? "away" : "back", {}, errc::ok);
        }
        for (const auto& [key, c] : s.entries) say_entry(p.entry(), key, c.value, c.owner);
        s.members.clear();
        s.entries.clear();
        return p.done();
    }

    template <class D>
    std::vector<std::string> snapshot_of(D& desk, const place& where) const {
        pages p{options_.changes_per_message, true};
        const auto say = [&](peer_handle peer, std::string_view metadata) {
            say_member(p.member(), desk.id(peer), desk.is_away(peer) ? "away" : "joined", metadata, errc::ok);
        };
        if (!where.by_topic) {
            if (const auto peer = desk.find(where.name))
                say(peer, {});
            else // else nobody could tell who is not here
                say_member(p.member(), where.name, "left", {}, errc::ok);
            return p.done();
        }
        desk.each([&](auto& f) { f.for_each(where.name, say); });
        desk.each([&](auto& f) {
            f.for_each_entry(where.name,
                             [&](const auto& e) { say_entry(p.entry(), e.key, e.value, desk.id(e.owner)); });
        });
        return p.done();
    }

    template <class D>
    void flush(D& desk, const place& where, subject& s) {
        s.queued = false;
        const auto gone = [&](const watcher& w) { return !watches(w, where); };
        std::erase_if(s.old, gone);
        std::erase_if(s.fresh, gone);
        const auto tell = [&](std::vector<std::string> texts, const watchers& who) {
            if (who.empty()) return;
            const auto to = std::make_shared<const watchers>(who);
            for (auto& text : texts)
                jobs_.push_back({where, std::string{desk.fresh_id()}, std::move(text), to});
        };
        tell(changes_of(s), s.old);
        if (!s.fresh.empty()) tell(snapshot_of(desk, where), s.fresh);
        s.old.insert(s.old.end(), s.fresh.begin(), s.fresh.end());
        s.fresh.clear();
    }

    // False: the budget was not enough.
    template <class D>
    bool work(D& desk, job& j, std::size_t& budget) {
        envelope e;
        e.what = verb::notice;
        e.id = j.id;
        e.command = "presence";
        if (j.where.by_topic) e.topic = j.where.name;
        e.data.bytes = j.data;
        for (; j.next < j.to->size(); ++j.next) {
            const auto& w = (*j.to)[j.next];
            if (!watches(w, j.where) || desk.is_away(w.peer)) continue;
            if (budget == 0) return false;
            --budget;
            desk.spread(w.peer, e, j.shared);
        }
        return true;
    }

    presence_options options_;
    std::map<place, subject> subjects_;
    std::unordered_map<std::uint32_t, std::map<place, std::uint64_t>> watching_; // by slot: what, since when
    std::deque<std::pair<time_point, place>> due_; // one delay for all: in order
    std::deque<job> jobs_;
    std::uint64_t last_ = 0;
};

} // namespace sigfire
