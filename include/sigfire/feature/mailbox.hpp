// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_envelope.hpp>
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
#include <utility>

namespace sigfire {

/// What a `mailbox` keeps, and how much, more is `full`; and when it looks whether something is too old.
struct mailbox_limits {
    std::size_t messages_per_id = 100;      ///< for one absent id
    std::size_t bytes_per_id = 2u << 20;    ///< of those: they are handed out at once, into one outbox
    std::size_t messages_per_sender = 1000; ///< from one peer
    std::size_t messages_in_all = 100'000;  ///< for all
    std::size_t bytes_in_all = 64u << 20;   ///< of all of them
    /// 0: each message has its own time. Else all that waits for one id is as old as the first of it and
    /// given up together, at the first multiple of this time after.
    std::chrono::milliseconds lines_checked_every{0};
    /// Whether a message is kept, else it ends as without a mailbox; empty = any. Must not call the hub.
    std::function<bool(const envelope&)> accepts = {};
};

/** A router that keeps messages for peers who are not there: `mailbox{direct_router{}, 5s}`. Models Router; a
 * part of a server, and of a hub.
 *
 *  A time of 0 keeps nothing. The sender's reply is `ok`, and says that the message is held. When a peer of
 * that id comes, it gets what waits for it, in the order said, right after its welcome. What nobody came for
 * in time is dropped, and its sender told by an `expired` notice: for each request, or once for all that it
 * said without one. Requests, publications, droppable messages and messages to who is merely `away` are not
 * its business.
 *
 *  `wake(id)`, if set, is called once per absence, with the first message that is kept: to send a push
 *  notification, say. It must not call the hub. */
template <class R = direct_router>
class mailbox : public feature {
public:
    explicit mailbox(R router, std::chrono::milliseconds time, mailbox_limits limits = {},
                     std::function<void(std::string_view id)> wake = {})
        : router_(std::move(router)), time_(time), limits_(limits), wake_(std::move(wake)) {}

    /// How many messages are kept.
    std::size_t size() const noexcept { return count_; }

    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const envelope& e, To to) {
        return router_.route(registry, from, e, std::move(to));
    }

    template <class D>
    errc missed(D& desk, peer_handle from, const envelope& e, errc cause) {
        if (time_.count() <= 0 || (cause != errc::unknown && cause != errc::offline) ||
            e.what != verb::send || e.droppable || e.to.empty() || e.to.size() > 256 ||
            e.status != errc::ok || (limits_.accepts && !limits_.accepts(e)))
            return cause;
        detail::stored_envelope message{e};
        const auto at = boxes_.find(e.to);
        const auto mine = senders_.find(key(from));
        const bool first = at == boxes_.end();
        if ((!first && at->second.items.size() >= limits_.messages_per_id) ||
            (first ? 0 : at->second.bytes) + message.size() > limits_.bytes_per_id ||
            (mine != senders_.end() && mine->second >= limits_.messages_per_sender) ||
            count_ >= limits_.messages_in_all || bytes_ + message.size() > limits_.bytes_in_all)
            return errc::full;
        auto& box = first ? boxes_[std::string{e.to}] : at->second;
        ++count_;
        ++senders_[key(from)];
        bytes_ += message.size();
        box.bytes += message.size();
        box.items.push_back({from, ++last_, std::move(message)});
        if (first || !by_line())
            due_.add(given_up(desk.now()), {last_, std::string{e.to}}, count_,
                     [this](const held_message& k) { return is_open(k); });
        // Forgetting whom it has woken costs no more than waking twice.
        if (woken_.size() > limits_.messages_in_all) woken_.clear();
        if (wake_ && woken_.emplace(e.to).second) wake_(e.to);
        return errc::held;
    }

    template <class D>
    void opened(D& desk, peer_handle peer, const admission& granted) {
        woken_.erase(granted.id);
        const auto box = boxes_.extract(granted.id);
        if (!box) return;
        for (auto& kept : box.mapped().items) {
            forget(kept);
            auto& e = kept.message.get();
            if (!desk.id(kept.from).empty()) desk.each([&](auto& f) { f.sent(desk, kept.from, e); });
            e.id = desk.fresh_id();
            desk.send(peer, e);
        }
    }

    template <class D>
    void renamed(D& desk, peer_handle peer) {
        admission granted;
        granted.id = desk.id(peer);
        opened(desk, peer, granted);
    }

    template <class D>
    time_point tick(D& desk) {
        return due_.expire(
            desk.now(), [this](const held_message& k) { return is_open(k); },
            [&](const held_message& late) {
                const auto at = boxes_.find(late.id);
                auto& items = at->second.items;
                do {
                    const auto kept = std::move(items.front());
                    items.pop_front();
                    at->second.bytes -= kept.message.size();
                    forget(kept);
                    if (kept.has_request() || !has_more_of(items, kept.from)) tell(desk, kept);
                } while (by_line() && !items.empty());
                if (items.empty()) boxes_.erase(at);
            });
    }

private:
    struct item {
        peer_handle from;
        std::uint64_t number;
        detail::stored_envelope message; // its id is the sender's

        bool has_request() const { return !message.get().id.empty(); }
    };

    struct box {
        std::deque<item> items;
        std::size_t bytes = 0;
    };

    struct held_message {
        std::uint64_t number;
        std::string id;
    };

    // Boxes are emptied from the front.
    bool is_open(const held_message& m) const {
        const auto at = boxes_.find(m.id);
        return at != boxes_.end() && at->second.items.front().number <= m.number;
    }

    bool by_line() const noexcept { return limits_.lines_checked_every.count() > 0; }

    time_point given_up(time_point now) const {
        const auto at = now + time_;
        if (!by_line()) return at;
        const auto since = at.time_since_epoch() % limits_.lines_checked_every;
        return since.count() == 0 ? at : at - since + limits_.lines_checked_every;
    }

    // Whether that peer hears of the rest of the line later.
    static bool has_more_of(const std::deque<item>& items, peer_handle from) {
        return std::any_of(items.begin(), items.end(),
                           [from](const item& i) { return i.from == from && !i.has_request(); });
    }

    static std::uint64_t key(peer_handle p) noexcept { return std::uint64_t{p.slot} << 32 | p.generation; }

    void forget(const item& kept) {
        --count_;
        bytes_ -= kept.message.size();
        const auto mine = senders_.find(key(kept.from));
        if (--mine->second == 0) senders_.erase(mine);
    }

    template <class D>
    static void tell(D& desk, const item& kept) {
        const auto& late = kept.message.get();
        detail::json_text said;
        const bool packed = kept.has_request() && detail::is_msgpack_token(late.id);
        if (packed) // a map of one pair
            said.raw("\x81\xa7request").raw(late.id.substr(detail::msgpack_token_mark.size()));
        else if (kept.has_request())
            said.raw(R"({"request":)").raw(late.id).raw("}");
        else
            said.raw("{}");
        envelope e;
        e.what = verb::notice;
        e.command = "expired";
        e.id = desk.fresh_id();
        e.from = late.to;
        e.to = desk.id(kept.from);
        e.data.bytes = said.view();
        e.data.format = packed ? payload_format::binary : payload_format::json;
        // Like any news: who is away finds it, or hears that something is missing.
        fanout alone;
        desk.spread(kept.from, e, alone);
    }

    R router_;
    std::chrono::milliseconds time_;
    mailbox_limits limits_;
    std::function<void(std::string_view)> wake_;
    std::map<std::string, box, std::less<>> boxes_; // by absent id
    std::map<std::uint64_t, std::size_t> senders_;  // how many are kept of each
    detail::deadline_queue<held_message> due_;
    std::set<std::string, std::less<>> woken_; // in their present absence
    std::size_t count_ = 0, bytes_ = 0;
    std::uint64_t last_ = 0;
};

} // namespace sigfire
