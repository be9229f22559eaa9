// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_event.hpp>
#include <sigfire/hub/fanout.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/router.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Limits of a `mailbox`; beyond a limit a message ends with `full`. Also selects messages and the time of
/// their removal.
struct mailbox_limits {
    std::size_t messages_per_id = 100;      ///< messages for one absent id
    std::size_t bytes_per_id = 2u << 20;    ///< bytes of these messages, which enter one outbox at once
    std::size_t messages_per_sender = 1000; ///< messages from one peer
    std::size_t total_messages = 100'000;   ///< messages for all ids; from one address at most a quarter
    std::size_t total_bytes = 64u << 20;    ///< bytes of all messages; from one address at most a quarter
    /// In milliseconds. If 0, each message expires by itself. If not, the messages for one id expire
    /// together: at the first multiple of this time after the first of them is due.
    std::chrono::milliseconds expiry_interval{0};
    /// Whether the mailbox keeps a message; empty = each message. A message that is not kept ends as without
    /// a mailbox. Must not call the hub.
    std::function<bool(const event::send&)> accepts = {};
};

/** A router that keeps messages for absent peers: `mailbox{direct_router{}, 5s}`. Models Router. A part of a
 *  server, and of a hub.
 *
 *  The reply to the sender is `held`, which is a success. When a peer with that id arrives, it receives the
 *  messages in order, directly after its welcome. If no peer arrives in time, the mailbox drops the message
 *  and sends `event::expired` to its sender. The sender gets one such event for each request, and one for all
 *  its messages without a token.
 *
 *  The mailbox keeps no requests, no publications and no ephemeral messages, and no messages to a peer that
 *  is `away`.
 *
 *  `R` is the router for all other messages. */
template <class R = direct_router>
class mailbox : public feature {
    // Defined first, since its return type is deduced. Boxes are emptied from the front.
    auto is_open() const {
        return [this](const auto& m) {
            const auto at = boxes_.find(m.id);
            return at != boxes_.end() && at->second.items.front().number <= m.number;
        };
    }

public:
    /** Creates an empty mailbox.
     *  @param router the router for all messages
     *  @param time time for an absent peer to arrive, in milliseconds; 0 = the mailbox keeps nothing
     *  @param limits the limits
     *  @param wake called with the absent id, once per absence, with its first kept message: for example to
     *    send a push notification. Empty = none. Must not call the hub. */
    explicit mailbox(R router, std::chrono::milliseconds time, mailbox_limits limits = {},
                     std::function<void(std::string_view id)> wake = {})
        : router_(std::move(router)), time_(time), limits_(std::move(limits)), wake_(std::move(wake)),
          messages_(limits_.total_messages), bytes_(limits_.total_bytes) {}

    /// Number of kept messages.
    std::size_t size() const noexcept { return messages_.used(); }

    /// Writes the metrics of the mailbox, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.gauge("mailbox_messages", "Messages that are kept for absent peers.", messages_.used());
        out.gauge("mailbox_bytes", "Bytes of these messages.", bytes_.used());
    }

    /// Routes a message by the router `R`.
    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) {
        return router_.route(registry, from, e, std::move(to));
    }

    /// Keeps a message for an absent id and returns `held`; otherwise returns `cause` or `full`.
    template <class X, class E>
    errc on_undeliverable([[maybe_unused]] X& hub, [[maybe_unused]] peer_handle from,
                          [[maybe_unused]] const E& e, errc cause) {
        if constexpr (std::is_same_v<E, event::send>)
            return keep(hub, from, e, cause);
        else
            return cause;
    }

    /// Delivers the messages for the id of the new peer.
    template <class X>
    void on_open(X& hub, peer_handle peer, const admission& granted) {
        hand_out(hub, peer, granted.id);
    }

    /// Delivers the messages for the new id of the peer.
    template <class X>
    void on_renamed(X& hub, peer_handle peer) {
        hand_out(hub, peer, hub.id(peer));
    }

    /// Drops expired messages and informs their senders.
    template <class X>
    time_point on_tick(X& hub) {
        std::vector<item> told; // informed after all changes
        const auto next = due_.expire(hub.now(), is_open(), [&](const held_message& late) {
            const auto at = boxes_.find(late.id);
            auto& items = at->second.items;
            do {
                auto kept = std::move(items.front());
                items.pop_front();
                at->second.bytes -= kept.message.size();
                forget(kept);
                if (kept.has_request() || !has_more_of(items, kept.from)) told.push_back(std::move(kept));
            } while (by_line() && !items.empty());
            if (items.empty()) boxes_.erase(at);
        });
        for (const auto& kept : told) tell(hub, kept);
        return next;
    }

private:
    struct item {
        peer_handle from;
        address_block address; // of the sender
        std::uint64_t number;
        detail::stored_event<event::send> message;

        bool has_request() const { return !message.get().token.empty(); }
    };

    template <class X>
    errc keep(X& hub, peer_handle from, const event::send& e, errc cause) {
        if (time_.count() <= 0 || (cause != errc::unknown && cause != errc::offline) || e.ephemeral ||
            e.to.empty() || e.to.size() > 256 || e.fault != errc::ok ||
            (limits_.accepts && !limits_.accepts(e)))
            return cause;
        detail::stored_event<event::send> message{e};
        const auto at = boxes_.find(e.to);
        const auto mine = senders_.find(key(from));
        const bool first = at == boxes_.end();
        if ((!first && at->second.items.size() >= limits_.messages_per_id) ||
            (first ? 0 : at->second.bytes) + message.size() > limits_.bytes_per_id ||
            (mine != senders_.end() && mine->second >= limits_.messages_per_sender))
            return errc::full;
        const auto address = hub.address(from);
        detail::address_shares::attempt one{messages_, address, 1}, bytes{bytes_, address, message.size()};
        if (!one || !bytes) return errc::full;
        auto& count = senders_[key(from)];
        auto& into = first ? boxes_[std::string{e.to}] : at->second;
        into.items.push_back({from, address, ++last_, std::move(message)});
        into.bytes += into.items.back().message.size();
        ++count;
        one.keep(), bytes.keep();
        if (first || !by_line())
            due_.add(given_up(hub.now()), {last_, std::string{e.to}}, messages_.used(), is_open());
        // Clearing costs at most a second call of wake for an id.
        if (woken_.size() > limits_.total_messages) woken_.clear();
        if (wake_ && woken_.emplace(e.to).second) wake_(e.to);
        return errc::held;
    }

    template <class X>
    void hand_out(X& hub, peer_handle peer, std::string_view absent) {
        if (const auto w = woken_.find(absent); w != woken_.end()) woken_.erase(w);
        const auto at = boxes_.find(absent);
        if (at == boxes_.end()) return;
        // First out of the box: a delivered message may call a function, and the function may call the hub.
        const auto kept = std::move(at->second.items);
        boxes_.erase(at);
        for (const auto& k : kept) forget(k);
        for (const auto& k : kept) {
            auto e = k.message.get();
            auto senders_part = politeness::none;
            if (hub.id(k.from).empty())
                e.role = politeness::none; // a session needs both sides
            else
                hub.each([&](auto& f) { f.on_sent(hub, k.from, std::as_const(e), senders_part); });
            const auto id = hub.fresh_id();
            e.id = id.view();
            hub.send(peer, e);
        }
    }

    struct box {
        std::deque<item> items;
        std::size_t bytes = 0;
    };

    struct held_message {
        std::uint64_t number;
        std::string id;
    };

    bool by_line() const noexcept { return limits_.expiry_interval.count() > 0; }

    time_point given_up(time_point now) const {
        const auto at = now + time_;
        if (!by_line()) return at;
        const auto since = at.time_since_epoch() % limits_.expiry_interval;
        return since.count() == 0 ? at : at - since + limits_.expiry_interval;
    }

    // Whether that peer gets one event later, for the rest of its messages.
    static bool has_more_of(const std::deque<item>& items, peer_handle from) {
        return std::any_of(items.begin(), items.end(),
                           [from](const item& i) { return i.from == from && !i.has_request(); });
    }

    static std::uint64_t key(peer_handle p) noexcept { return std::uint64_t{p.slot} << 32 | p.generation; }

    void forget(const item& kept) {
        messages_.give(kept.address, 1);
        bytes_.give(kept.address, kept.message.size());
        const auto mine = senders_.find(key(kept.from));
        if (--mine->second == 0) senders_.erase(mine);
    }

    template <class X>
    static void tell(X& hub, const item& kept) {
        const auto& late = kept.message.get();
        const auto id = hub.fresh_id();
        event::expired e;
        e.id = id.view();
        e.from = late.to;
        e.to = hub.id(kept.from);
        e.token = late.token;
        fanout alone; // kept for a peer that is away, or reported as a gap
        hub.broadcast(kept.from, e, alone);
    }

    R router_;
    std::chrono::milliseconds time_;
    mailbox_limits limits_;
    std::function<void(std::string_view)> wake_;
    std::map<std::string, box, std::less<>> boxes_; // by absent id
    std::map<std::uint64_t, std::size_t> senders_;  // number of kept messages, by sender
    detail::deadline_queue<held_message> due_;
    std::set<std::string, std::less<>> woken_; // during the present absence
    detail::address_shares messages_, bytes_;  // of kept messages
    std::uint64_t last_ = 0;
};

} // namespace sigfire::inline v0_1
