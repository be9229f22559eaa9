// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_event.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The stage of the pipeline that a message has reached.
struct pipeline_stage {
    std::size_t hooks = 0;    ///< number of hooks that have judged it
    std::size_t features = 0; ///< number of features that have judged it; above 0 only after the hooks
    bool permitted = false;   ///< hooks and policy have passed it
};

/// Queues of messages, one for each sender, in the order sent. The first message of a queue waits for a
/// deferred verdict, identified by a key. The messages behind it wait for their turn.
class waiting_lines {
public:
    /// The first message of a queue.
    struct front {
        stored_incoming message;
        pipeline_stage stage;
    };

    explicit waiting_lines(std::size_t total_bytes = std::size_t{1} << 30) : shares_{total_bytes} {}

    bool empty() const noexcept { return lines_.empty(); }

    /// Whether the peer in that slot has a queue.
    bool contains(std::uint32_t slot) const noexcept { return lines_.contains(slot); }

    /// Whether the first message of that peer waits for a verdict.
    bool waits(std::uint32_t slot) const noexcept {
        const auto at = lines_.find(slot);
        return at != lines_.end() && at->second.key != 0;
    }

    /// Appends a message. Returns false if the queue would exceed `most` messages or `most_bytes` bytes, or
    /// all queues their budget.
    template <class E>
    bool push(std::uint32_t slot, const E& e, std::size_t most, std::size_t most_bytes) {
        auto& l = lines_.at(slot);
        const auto size = stored_event<E>::size_of(e);
        if (l.messages.size() >= most || l.bytes + size > most_bytes) return false;
        address_shares::attempt room{shares_, l.address, size};
        if (!room) return false;
        l.messages.emplace_back(e);
        l.bytes += size;
        room.keep();
        return true;
    }

    /// Puts a message that waits for the verdict `key` in front of its queue; creates the queue if there is
    /// none, for a peer with that address. Deadlines must not decrease from call to call. Returns false, and
    /// keeps nothing, if all queues would exceed their budget.
    template <class E>
    bool put_off(std::uint32_t slot, const E& e, std::uint64_t key, pipeline_stage stage, time_point deadline,
                 const address_block& address = {}) {
        const auto known = lines_.find(slot);
        const auto payer = known == lines_.end() ? address : known->second.address;
        address_shares::attempt room{shares_, payer, stored_event<E>::size_of(e)};
        if (!room) return false;
        stored_incoming message{e};
        auto& l = lines_[slot];
        l.address = payer;
        l.messages.push_front(std::move(message));
        l.bytes += l.messages.front().size();
        room.keep();
        l.key = key;
        l.stage = stage;
        keys_[key] = slot;
        due_.push_back({deadline, key});
        return true;
    }

    /// Ends the wait for the verdict `key`. Returns the slot of the sender, or nothing if no message waits
    /// for it.
    std::optional<std::uint32_t> settle(std::uint64_t key) {
        const auto at = keys_.extract(key);
        if (!at) return {};
        lines_.at(at.mapped()).key = 0;
        return at.mapped();
    }

    /// Takes the first message of a queue that waits for no verdict. Removes the queue and returns nothing if
    /// it is empty.
    std::optional<front> pop(std::uint32_t slot) {
        const auto at = lines_.find(slot);
        if (at == lines_.end()) return {};
        auto& l = at->second;
        if (l.messages.empty()) {
            lines_.erase(at);
            return {};
        }
        front f{std::move(l.messages.front()), std::exchange(l.stage, {})};
        l.messages.pop_front();
        l.bytes -= f.message.size();
        shares_.give(l.address, f.message.size());
        return f;
    }

    /// Removes a queue. Calls `f(token)` for each message in it, in order.
    template <class F>
    void erase(std::uint32_t slot, F f) {
        const auto at = lines_.extract(slot);
        if (!at) return;
        shares_.give(at.mapped().address, at.mapped().bytes);
        if (at.mapped().key != 0) keys_.erase(at.mapped().key);
        for (auto& m : at.mapped().messages) m.visit([&](const event::incoming& e) { f(e.token); });
    }

    /// The earliest deadline of a wait; `time_point::max()` = there is none.
    time_point deadline() {
        while (!due_.empty() && !keys_.contains(due_.front().second)) due_.pop_front();
        return due_.empty() ? time_point::max() : due_.front().first;
    }

    /// The key of the wait with that deadline.
    std::uint64_t due() const noexcept { return due_.front().second; }

private:
    struct line {
        std::deque<stored_incoming> messages;
        std::size_t bytes = 0;
        pipeline_stage stage;
        std::uint64_t key = 0;
        address_block address; // of the peer
    };

    address_shares shares_; // bytes of all messages

    std::unordered_map<std::uint32_t, line> lines_;
    std::unordered_map<std::uint64_t, std::uint32_t> keys_;
    std::deque<std::pair<time_point, std::uint64_t>> due_;
};

} // namespace sigfire::inline v0_1::detail
