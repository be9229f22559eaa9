// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/detail/stored_envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

namespace sigfire::detail {

/** Messages whose verdict was put off, and those behind them: a line for each sender, in the order said. Only
 *  the first of a line waits for a verdict, known by a key. */
class waiting_lines {
public:
    /// The first in a line.
    struct front {
        stored_envelope message;
        std::size_t judged; // hooks that have seen it
    };

    bool empty() const noexcept { return lines_.empty(); }

    /// Whether that slot's peer has a line.
    bool contains(std::uint32_t slot) const noexcept { return lines_.contains(slot); }

    /// Whether the first in that slot's line waits for a verdict.
    bool waits(std::uint32_t slot) const noexcept {
        const auto at = lines_.find(slot);
        return at != lines_.end() && at->second.key != 0;
    }

    /// A message behind the others; false if the line is too long.
    bool push(std::uint32_t slot, const envelope& e, std::size_t most, std::size_t most_bytes) {
        auto& l = lines_.at(slot);
        if (l.messages.size() >= most) return false;
        stored_envelope message{e};
        if (l.bytes + message.size() > most_bytes) return false;
        l.bytes += message.size();
        l.messages.push_back(std::move(message));
        return true;
    }

    /// A message that waits for the verdict `key`: in front of a line, which begins here if there is none.
    /// Deadlines do not decrease from call to call.
    void put_off(std::uint32_t slot, const envelope& e, std::uint64_t key, std::size_t judged,
                 time_point deadline) {
        stored_envelope message{e};
        auto& l = lines_[slot];
        l.bytes += message.size();
        l.messages.push_front(std::move(message));
        l.key = key;
        l.judged = judged;
        keys_[key] = slot;
        due_.push_back({deadline, key});
    }

    /// Whose message waits for that verdict; the wait is over.
    std::optional<std::uint32_t> settle(std::uint64_t key) {
        const auto at = keys_.extract(key);
        if (!at) return {};
        lines_.at(at.mapped()).key = 0;
        return at.mapped();
    }

    /// Takes the first of a line that waits for no verdict; nothing, and no line, if there is none left.
    std::optional<front> pop(std::uint32_t slot) {
        const auto at = lines_.find(slot);
        if (at == lines_.end()) return {};
        auto& l = at->second;
        if (l.messages.empty()) {
            lines_.erase(at);
            return {};
        }
        front f{std::move(l.messages.front()), std::exchange(l.judged, 0)};
        l.messages.pop_front();
        l.bytes -= f.message.size();
        return f;
    }

    /// Forgets a line.
    void erase(std::uint32_t slot) {
        const auto at = lines_.extract(slot);
        if (at && at.mapped().key != 0) keys_.erase(at.mapped().key);
    }

    /// When the next wait is too long; `time_point::max()` = there is none.
    time_point deadline() {
        while (!due_.empty() && !keys_.contains(due_.front().second)) due_.pop_front();
        return due_.empty() ? time_point::max() : due_.front().first;
    }

    /// The key of the wait that `deadline` told.
    std::uint64_t due() const noexcept { return due_.front().second; }

private:
    struct line {
        std::deque<stored_envelope> messages;
        std::size_t bytes = 0;
        std::size_t judged = 0;
        std::uint64_t key = 0;
    };

    std::unordered_map<std::uint32_t, line> lines_;
    std::unordered_map<std::uint64_t, std::uint32_t> keys_;
    std::deque<std::pair<time_point, std::uint64_t>> due_;
};

} // namespace sigfire::detail
