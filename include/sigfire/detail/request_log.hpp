// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <utility>

namespace sigfire::detail {

/** The requests that the server may not have: those not sent yet, and, where a connection can be resumed,
 *  those it has not confirmed. Knows of no connection. */
class request_log {
public:
    static constexpr auto none = std::numeric_limits<std::uint64_t>::max();

    /** Takes request `number`, higher than all before. False if more than `limit` bytes would be kept; one
     *  message is taken whatever its size. */
    bool keep(std::uint64_t number, std::string text, std::size_t limit) {
        if (bytes_ != 0 && bytes_ + text.size() > limit) return false;
        bytes_ += text.size();
        log_.push_back({number, std::move(text)});
        return true;
    }

    /// Calls `send(text)` for each request not sent yet, in order, until that returns false.
    template <class Send>
    void flush(Send send) {
        while (sent_ != log_.size() && send(std::as_const(log_[sent_].text))) {
            ++sent_;
            if (!counting_) drop();
        }
    }

    /// The number of the first request not sent yet, or `none`.
    std::uint64_t first_unsent() const noexcept { return sent_ != log_.size() ? log_[sent_].number : none; }

    /// Request `number` shall not be sent, if it is not too late.
    void withdraw(std::uint64_t number) {
        const auto at = std::find_if(log_.begin() + static_cast<std::ptrdiff_t>(sent_), log_.end(),
                                     [number](const entry& e) { return e.number == number; });
        if (at == log_.end()) return;
        bytes_ -= at->text.size();
        log_.erase(at);
    }

    /// The server has replied to request `number`: it has got all that was sent before, too.
    void answered(std::uint64_t number) {
        while (sent_ != 0 && log_.front().number <= number) drop();
    }

    /** The server goes on where it was, with `received` requests: those behind them count as not sent. False
     *  if it cannot have that many, or so few. */
    bool resume(std::uint64_t received) {
        if (received < confirmed_ || received - confirmed_ > sent_) return false;
        while (confirmed_ != received) drop();
        sent_ = 0;
        return true;
    }

    /// The server starts anew: what was sent is forgotten. `counting`: what will be is kept until confirmed.
    void restart(bool counting) {
        while (sent_ != 0) drop();
        confirmed_ = 0;
        counting_ = counting;
    }

private:
    struct entry {
        std::uint64_t number;
        std::string text;
    };

    void drop() {
        bytes_ -= log_.front().text.size();
        log_.pop_front();
        --sent_;
        ++confirmed_;
    }

    std::deque<entry> log_;
    std::size_t sent_ = 0;        // how many of them, from the front
    std::size_t bytes_ = 0;       // of all of them
    std::uint64_t confirmed_ = 0; // how many came before the first, since counting began
    bool counting_ = false;
};

} // namespace sigfire::detail
