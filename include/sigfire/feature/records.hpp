// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/// What is remembered of an id.
struct record {
    std::string metadata;       ///< JSON text, or empty
    bool permanent = false;     ///< stays when its peer goes
    bool online = false;        ///< its peer is here
    std::int64_t last_seen = 0; ///< when it was last online, in ms since 1970 (UTC); 0 = never
};

/** RecordStore: where records are. Its answers may take time: a database is asked by a coroutine, say, that
 *  calls `f` at its end.
 *
 *  - `s.find(id, f)`: `f(const record*)` with the record, lent until `f` returns, or null.
 *  - `s.put(id, record, f)`: creates or replaces it; `f(errc)`: `ok`, `full`, ...
 *  - `s.erase(id, f)`: `f(errc)`: `ok`, or `unknown`.
 *
 *  Laws: `f` is called once, from inside the call or later, on the hub's thread; it is copyable, and does
 * nothing once the hub is gone. Operations on one id take effect in the order asked. */
template <class S>
concept RecordStore =
    std::movable<S> && requires(S s, std::string id, record r, std::function<void(const record*)> found,
                                std::function<void(errc)> done) {
        s.find(id, found);
        s.put(id, r, done);
        s.erase(id, done);
    };

/// Records in memory, gone with the program. Models RecordStore; answers from inside the call.
class memory_records {
public:
    /// At most so many records; more are `full`.
    explicit memory_records(std::size_t limit = 1'000'000) : limit_(limit) {}

    template <class F>
    void find(const std::string& id, F f) {
        const auto at = records_.find(id);
        if (at == records_.end()) return f(static_cast<const record*>(nullptr));
        const record copy = at->second; // `f` may change what is here
        f(&copy);
    }

    template <class F>
    void put(const std::string& id, record r, F f) {
        if (records_.size() >= limit_ && !records_.contains(id)) return f(errc::full);
        records_[id] = std::move(r);
        f(errc::ok);
    }

    template <class F>
    void erase(const std::string& id, F f) {
        f(records_.erase(id) != 0 ? errc::ok : errc::unknown);
    }

    /// How many there are.
    std::size_t size() const noexcept { return records_.size(); }

private:
    std::size_t limit_;
    std::map<std::string, record> records_;
};

static_assert(RecordStore<memory_records>);

/// Settings of `records`.
struct records_options {
    bool peers_create = false;               ///< peers may make their own ids permanent
    std::size_t metadata_bytes = 4096;       ///< of one record
    std::size_t lookups = 10'000;            ///< that wait for the store; more are `full`
    std::chrono::milliseconds timeout{5000}; ///< for the store's answer; then the request has `expired`
    /// The time in ms since 1970.
    std::function<std::int64_t()> clock = [] {
        return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::system_clock::now().time_since_epoch())
                                             .count());
    };
};

/** Records of ids: whether an id is known, online, when it was last, and what its peer says of itself. A part
 * of a server, and of a hub.
 *
 *  An admission says whether an id is `permanent`: then its record stays when the peer goes, and a message to
 * it ends in `offline` instead of `unknown`. The record of a temporary id goes with its peer. Peers may ask
 * for any id's record (a hook can forbid it) and change their own. */
template <class S = memory_records>
class records : public feature {
    static_assert(RecordStore<S>, "sigfire: RecordStore requirements not met");

public:
    explicit records(S store = S{}, records_options options = {})
        : store_(std::make_unique<S>(std::move(store))), options_(std::move(options)) {}

    static constexpr bool takes(verb v) noexcept {
        return v == verb::create || v == verb::update || v == verb::info || v == verb::exists ||
               v == verb::erase;
    }

    /// The store, for the host program.
    S& store() noexcept { return *store_; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        if (e.what == verb::info || e.what == verb::exists) return look_up(desk, from, e);
        std::string_view metadata;
        errc cause = errc::ok;
        if (!detail::json_fields(e.data.bytes, {{"metadata", &metadata}}))
            cause = errc::malformed;
        else if (metadata.size() > options_.metadata_bytes)
            cause = errc::too_large;
        else if (e.what == verb::update && metadata.empty())
            cause = errc::malformed;
        else if (e.what == verb::create && !options_.peers_create)
            cause = errc::denied;
        if (cause != errc::ok) return desk.reply(from, e.id, cause);
        wait(desk, from, e, [&](std::uint64_t number) {
            auto& mine = own_[from.slot];
            const auto before = mine.now;
            if (e.what != verb::update) {
                mine.now.permanent = e.what == verb::create;
                mine.known = true;
            }
            if (!metadata.empty()) mine.now.metadata = metadata;
            const auto changed = mine.now; // what is said next builds upon it
            store_->put(std::string{desk.id(from)}, changed,
                        guarded([this, &desk, from, before, changed, number](errc done) {
                            if (done != errc::ok) take_back(desk, from, before, changed);
                            settle(desk, number, done, {});
                        }));
        });
    }

    template <class D>
    void opened(D& desk, peer_handle peer, const admission& granted) {
        record r;
        r.online = true;
        r.permanent = granted.permanent;
        r.metadata = granted.metadata;
        r.last_seen = options_.clock();
        own_[peer.slot] = {r, false};
        // An id of before keeps what it was.
        store_->find(granted.id, guarded([this, &desk, peer, id = granted.id](const record* found) {
                         auto* const mine = of(desk, peer);
                         if (mine == nullptr || desk.id(peer) != id) return;
                         mine->add(found);
                         if (mine->now.permanent || !mine->now.metadata.empty())
                             store_->put(std::string{desk.id(peer)}, mine->now, guarded([](errc) {}));
                     }));
    }

    template <class D>
    void closed(D& desk, peer_handle peer, errc) {
        const auto node = own_.extract(peer.slot);
        if (!node) return;
        auto& mine = node.mapped();
        mine.now.online = false;
        mine.now.last_seen = options_.clock();
        const std::string id{desk.id(peer)};
        if (mine.known) return put_away(id, mine.now);
        store_->find(id, guarded([this, id, mine](const record* found) {
                         auto last = mine;
                         last.add(found);
                         put_away(id, last.now);
                     }));
    }

    /// Its record is that of an id that went; there is another for the one that came.
    template <class D>
    void renaming(D& desk, peer_handle peer) {
        closed(desk, peer, errc::replaced);
    }
    template <class D>
    void renamed(D& desk, peer_handle peer) {
        admission granted;
        granted.id = desk.id(peer);
        opened(desk, peer, granted);
    }

    template <class D>
    errc missed(D& desk, peer_handle from, const envelope& e, errc cause) {
        if (cause != errc::unknown || e.to.empty() || e.to.size() > 256) return cause;
        errc now = errc::deferred;
        wait(desk, from, e, [&](std::uint64_t number) {
            const auto known = std::make_shared<errc*>(&now);
            store_->find(std::string{e.to}, guarded([this, &desk, number, known](const record* found) {
                             const errc said = found ? errc::offline : errc::unknown;
                             if (*known != nullptr)
                                 **known = said; // at once: whoever asked goes on with it
                             else
                                 settle(desk, number, said, {});
                         }));
            *known = nullptr;
            if (now != errc::deferred) open_.erase(number);
        });
        return now;
    }

    template <class D>
    time_point tick(D& desk) {
        return due_.expire(
            desk.now(), [this](std::uint64_t k) { return open_.contains(k); },
            [&](std::uint64_t number) { settle(desk, number, errc::expired, {}); });
    }

private:
    struct question {
        peer_handle from;
        std::string token;
    };

    struct own_record {
        record now;
        bool known = false; // whether it is permanent: by the store, or by what its peer said

        // What the store has of its id.
        void add(const record* found) {
            if (found && !known) now.permanent = now.permanent || found->permanent;
            if (found && now.metadata.empty()) now.metadata = found->metadata;
            known = true;
        }
    };

    // The record of a peer that is here, or null.
    template <class D>
    own_record* of(D& desk, peer_handle peer) {
        const auto at = own_.find(peer.slot);
        return at == own_.end() || desk.id(peer).empty() ? nullptr : &at->second;
    }

    // The store did not take a change.
    template <class D>
    void take_back(D& desk, peer_handle peer, const record& before, const record& changed) {
        auto* const mine = of(desk, peer);
        if (mine == nullptr) return;
        if (changed.permanent != before.permanent) mine->now.permanent = before.permanent;
        if (changed.metadata != before.metadata) mine->now.metadata = before.metadata;
    }

    void put_away(const std::string& id, const record& r) {
        if (r.permanent)
            store_->put(id, r, guarded([](errc) {}));
        else
            store_->erase(id, guarded([](errc) {}));
    }

    // A function that does nothing once this is gone.
    template <class F>
    auto guarded(F f) const {
        return [f, alive = std::weak_ptr{alive_}](const auto& answer) {
            if (!alive.expired()) f(answer);
        };
    }

    // Notes who waits, and asks by `ask(number)`.
    template <class D, class Ask>
    void wait(D& desk, peer_handle from, const envelope& e, Ask ask) {
        if (open_.size() >= options_.lookups) return desk.reply(from, e.id, errc::full);
        const auto number = ++last_;
        open_.emplace(number, question{from, std::string{e.id}});
        due_.add(desk.now() + options_.timeout, number, open_.size(),
                 [this](std::uint64_t k) { return open_.contains(k); });
        ask(number);
    }

    template <class D>
    void settle(D& desk, std::uint64_t number, errc cause, std::string_view data) {
        const auto at = open_.extract(number);
        if (at) desk.reply(at.mapped().from, at.mapped().token, cause, data);
    }

    template <class D>
    void look_up(D& desk, peer_handle from, envelope& e) {
        const std::string id{e.to.empty() ? desk.id(from) : e.to};
        const bool whole = e.what == verb::info;
        const auto say = [this, &desk, whole](std::uint64_t number, const record& r) {
            if (!whole) return settle(desk, number, errc::ok, R"({"exists":true})");
            detail::json_text t;
            t.raw(r.online ? R"({"online":true,"permanent":)" : R"({"online":false,"permanent":)")
                .raw(r.permanent ? "true" : "false")
                .raw(R"(,"last_seen":)")
                .number(r.online ? options_.clock() : r.last_seen);
            if (!r.metadata.empty()) t.raw(R"(,"metadata":)").raw(r.metadata);
            settle(desk, number, errc::ok, t.raw("}").view());
        };
        wait(desk, from, e, [&](std::uint64_t number) {
            // Who is here is known here.
            if (const auto peer = desk.find(id)) return say(number, own_[peer.slot].now);
            store_->find(id, guarded([this, &desk, number, whole, say](const record* found) {
                             if (found)
                                 say(number, *found);
                             else if (whole)
                                 settle(desk, number, errc::unknown, {});
                             else
                                 settle(desk, number, errc::ok, R"({"exists":false})");
                         }));
        });
    }

    std::unique_ptr<S> store_; // stays where it is: operations may be under way in it
    records_options options_;
    std::map<std::uint32_t, own_record> own_; // of peers that are here, by slot
    std::map<std::uint64_t, question> open_;  // who waits for the store
    detail::deadline_queue<std::uint64_t> due_;
    std::uint64_t last_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace sigfire
