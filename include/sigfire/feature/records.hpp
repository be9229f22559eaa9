// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/feature/record_store.hpp>
#include <sigfire/hub/detail/stored_event.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `records`.
struct records_options {
    /// Whether peers may make their ids permanent.
    bool peers_may_create = false;
    /// Maximum size of the metadata of one record, in bytes; more is `too_large`.
    std::size_t metadata_bytes = 4096;
    /// Maximum number of requests that wait for the store; a further request is `full`.
    std::size_t pending_requests = 10'000;
    /// Time for the answer of the store, in milliseconds. After that time the request ends with `expired`.
    std::chrono::milliseconds timeout{5000};
    /// Returns the time in milliseconds since 1970 (UTC).
    std::function<std::int64_t()> clock = [] {
        return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::system_clock::now().time_since_epoch())
                                             .count());
    };
};

/** Keeps a record for each id: whether the id is known, when it was last online, and metadata of its peer. A
 *  part of a server, and of a hub.
 *
 *  An admission says whether an id is `permanent`. Then its record stays after the peer has left, and a
 *  message to it ends with `offline` instead of `unknown`. The record of another id is removed with its peer.
 *  A peer may read the record of any id, unless a hook or policy forbids it. It may change its own record.
 *
 *  `S` models RecordStore. */
template <class S = memory_records>
class records : public feature {
    static_assert(RecordStore<S>, "sigfire: RecordStore requirements not met");

    // Defined first, since its return type is deduced.
    auto is_open() const {
        return [this](std::uint64_t number) { return open_.contains(number); };
    }

public:
    /// Takes the store and the settings.
    explicit records(S store = S{}, records_options options = {})
        : store_(std::make_unique<S>(std::move(store))), options_(std::move(options)) {}

    /// The store, for the host program. Valid as long as this feature.
    S& store() noexcept { return *store_; }
    /// Makes the id of the peer permanent. Causes: `too_large`, `denied`, `full`, `expired`, and those of the
    /// store.
    template <class X>
    void on_request(X& hub, peer_handle from, event::create& e) {
        if (!fits(e.metadata)) return hub.reply(from, e.token, errc::too_large);
        if (!options_.peers_may_create) return hub.reply(from, e.token, errc::denied);
        change(hub, from, e.token, true, e.metadata);
    }

    /// Replaces the metadata of the peer. Causes: `too_large`, `malformed` for empty metadata, `full`,
    /// `expired`, and those of the store.
    template <class X>
    void on_request(X& hub, peer_handle from, event::update& e) {
        if (!fits(e.metadata)) return hub.reply(from, e.token, errc::too_large);
        if (e.metadata.empty()) return hub.reply(from, e.token, errc::malformed);
        change(hub, from, e.token, {}, e.metadata);
    }

    /// Makes the id of the peer temporary again.
    template <class X>
    void on_request(X& hub, peer_handle from, event::erase& e) {
        change(hub, from, e.token, false, {});
    }

    /// Replies with the record of an id. Causes: `unknown`, `full`, `expired`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::info& e) {
        look_up(hub, from, e.token, e.id, true);
    }
    /// Replies whether an id is known. Causes: `full`, `expired`.
    template <class X>
    void on_request(X& hub, peer_handle from, event::exists& e) {
        look_up(hub, from, e.token, e.id, false);
    }

    /// Creates the record of the new peer from its admission and from the store.
    template <class X>
    void on_open(X& hub, peer_handle peer, const admission& granted) {
        record r;
        r.online = true;
        r.permanent = granted.permanent;
        r.metadata = granted.metadata;
        r.metadata_wire = granted.metadata_wire;
        r.last_seen = options_.clock();
        own_[peer.slot] = {r, false};
        // A known id stays permanent.
        store_->find(granted.id, guarded([this, hub, peer, id = granted.id](const record* found) {
                         auto* const mine = of(hub, peer);
                         if (mine == nullptr || hub.id(peer) != id) return;
                         mine->add(found);
                         if (mine->now.permanent || !mine->now.metadata.empty())
                             store_->put(id, mine->now, guarded([](errc) {}));
                     }));
    }

    /// Ends the open requests of the peer with `expired`, and stores or removes its record.
    template <class X>
    void on_close(X& hub, peer_handle peer, errc) {
        while (const auto number = first_of(peer)) settle(hub, number, errc::expired);
        part(hub, peer);
    }

    /// Stores or removes the record of the old id.
    template <class X>
    void on_rename(X& hub, peer_handle peer) {
        part(hub, peer);
    }
    /// Creates the record of the new id.
    template <class X>
    void on_renamed(X& hub, peer_handle peer) {
        admission granted;
        granted.id = hub.id(peer);
        on_open(hub, peer, granted);
    }

    /// Finds out whether an absent id is known: the cause is then `offline` instead of `unknown`. Returns
    /// `deferred` if the store answers later.
    template <class X, class E>
    errc on_undeliverable(X& hub, peer_handle from, const E& e, errc cause) {
        if (cause != errc::unknown || e.to.empty() || e.to.size() > 256) return cause;
        errc now = errc::deferred;
        wait(hub, from, e.token, [&](std::uint64_t number) {
            const auto known = std::make_shared<errc*>(&now);
            const auto said = guarded([this, hub, number, known](const record* found) mutable {
                const errc said_now = found ? errc::offline : errc::unknown;
                if (*known != nullptr)
                    **known = said_now; // answered at once: the caller continues with it
                else
                    settle(hub, number, said_now);
            });
            try {
                store_->find(std::string{e.to}, said);
            } catch (...) {
                *known = nullptr;
                throw;
            }
            *known = nullptr;
            if (now != errc::deferred) forget(number);
        });
        return now;
    }

    /// Ends requests without an answer of the store in time, with `expired`.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(hub.now(), is_open(),
                           [&](std::uint64_t number) { settle(hub, number, errc::expired); });
    }

private:
    struct question {
        peer_handle from;
        detail::stored_token token;
    };
    using questions = std::unordered_map<std::uint64_t, question>; // by number

    struct own_record {
        record now;
        bool known = false; // `permanent` is known from the store or from its peer

        // Merges the record of the store.
        void add(const record* found) {
            if (found && !known) now.permanent = now.permanent || found->permanent;
            if (found && now.metadata.empty()) {
                now.metadata = found->metadata;
                now.metadata_wire = found->metadata_wire;
            }
            known = true;
        }
    };

    bool fits(payload metadata) const noexcept { return metadata.bytes.size() <= options_.metadata_bytes; }

    // The record of a present peer, or null.
    template <class X>
    own_record* of(const X& hub, peer_handle peer) {
        const auto at = own_.find(peer.slot);
        return at == own_.end() || hub.id(peer).empty() ? nullptr : &at->second;
    }

    // Changes the record of a peer by its request.
    template <class X>
    void change(X& hub, peer_handle from, request_token token, std::optional<bool> permanent,
                payload metadata) {
        wait(hub, from, token, [&](std::uint64_t number) {
            auto& mine = own_[from.slot];
            const auto before = mine.now;
            auto changed = before;
            if (permanent) changed.permanent = *permanent;
            if (!metadata.empty()) {
                changed.metadata = metadata.bytes;
                changed.metadata_wire = metadata.wire;
            }
            mine.now = changed; // the next change builds upon it
            mine.known = mine.known || permanent;
            try {
                store_->put(std::string{hub.id(from)}, changed,
                            guarded([this, hub, from, before, changed, number](errc done) mutable {
                                if (done != errc::ok) take_back(hub, from, before, changed);
                                settle(hub, number, done);
                            }));
            } catch (...) {
                mine.now = before;
                throw;
            }
        });
    }

    // Undoes a change that the store rejected.
    template <class X>
    void take_back(const X& hub, peer_handle peer, const record& before, const record& changed) {
        auto* const mine = of(hub, peer);
        if (mine == nullptr) return;
        if (changed.permanent != before.permanent) mine->now.permanent = before.permanent;
        if (changed.metadata == before.metadata && changed.metadata_wire == before.metadata_wire) return;
        mine->now.metadata = before.metadata;
        mine->now.metadata_wire = before.metadata_wire;
    }

    // The peer with this id has left, or has another id.
    template <class X>
    void part(const X& hub, peer_handle peer) {
        const auto node = own_.extract(peer.slot);
        if (!node) return;
        auto& mine = node.mapped();
        mine.now.online = false;
        mine.now.last_seen = options_.clock();
        const std::string id{hub.id(peer)};
        if (mine.known) return put_away(id, mine.now);
        store_->find(id, guarded([this, id, mine](const record* found) {
                         auto last = mine;
                         last.add(found);
                         put_away(id, last.now);
                     }));
    }

    void put_away(const std::string& id, const record& r) {
        if (r.permanent)
            store_->put(id, r, guarded([](errc) {}));
        else
            store_->erase(id, guarded([](errc) {}));
    }

    // Wraps `f`: the result does nothing after the end of this feature.
    template <class F>
    auto guarded(F f) const {
        return [f, alive = std::weak_ptr{alive_}](const auto& answer) {
            if (!alive.expired()) F{f}(answer); // a copy: the store may hold a const function
        };
    }

    // Registers the open request, then asks the store by `ask(number)`.
    template <class X, class Ask>
    void wait(X& hub, peer_handle from, request_token token, Ask ask) {
        if (open_.size() >= options_.pending_requests) return hub.reply(from, token, errc::full);
        const auto number = ++last_;
        open_.emplace(number, question{from, detail::stored_token{token}});
        try {
            asked_.insert({from.slot, number});
            due_.add(hub.now() + options_.timeout, number, open_.size(), is_open());
            ask(number);
        } catch (...) { // the hub answers
            forget(number);
            throw;
        }
    }

    // The first open request of a peer; 0 = none.
    std::uint64_t first_of(peer_handle peer) const {
        const auto at = asked_.lower_bound({peer.slot, 0});
        return at == asked_.end() || at->first != peer.slot ? 0 : at->second;
    }

    questions::node_type forget(std::uint64_t number) {
        auto at = open_.extract(number);
        if (at) asked_.erase({at.mapped().from.slot, number});
        return at;
    }

    template <class X>
    void settle(X& hub, std::uint64_t number, errc cause) {
        event::reply said;
        said.cause = cause;
        answer(hub, number, said);
    }

    template <class X, class E>
    void answer(X& hub, std::uint64_t number, E& said) {
        const auto at = forget(number);
        if (!at) return;
        said.token = at.mapped().token;
        hub.reply(at.mapped().from, said);
    }

    template <class X>
    void tell(X& hub, std::uint64_t number, const record& r) {
        event::record said;
        said.online = r.online;
        said.permanent = r.permanent;
        said.last_seen = r.online ? options_.clock() : r.last_seen;
        said.metadata = {r.metadata, r.metadata_wire};
        answer(hub, number, said);
    }

    template <class X>
    void tell(X& hub, std::uint64_t number, bool known) {
        event::existence said;
        said.known = known;
        answer(hub, number, said);
    }

    template <class X>
    void look_up(X& hub, peer_handle from, request_token token, std::string_view of_id, bool whole) {
        const std::string id{of_id.empty() ? hub.id(from) : of_id};
        wait(hub, from, token, [&](std::uint64_t number) {
            // The record of a present peer is in memory.
            if (const auto peer = hub.find(id)) {
                if (whole) return tell(hub, number, own_[peer.slot].now);
                return tell(hub, number, true);
            }
            store_->find(id, guarded([this, hub, number, whole](const record* found) mutable {
                             if (!whole)
                                 tell(hub, number, found != nullptr);
                             else if (found)
                                 tell(hub, number, *found);
                             else
                                 settle(hub, number, errc::unknown);
                         }));
        });
    }

    std::unique_ptr<S> store_; // at a fixed address: operations in it may be open
    records_options options_;
    std::map<std::uint32_t, own_record> own_;                 // of present peers, by slot
    questions open_;                                          // wait for the store
    std::set<std::pair<std::uint32_t, std::uint64_t>> asked_; // slots and numbers of the open requests
    detail::deadline_queue<std::uint64_t> due_;
    std::uint64_t last_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace sigfire::inline v0_1
