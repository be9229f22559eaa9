// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The requests that the server may not have: those not sent yet, and, on a resumable connection, those
/// without a confirmation. Has no connection itself.
class request_log {
public:
    /// Takes request `number`, to be sent last. False if it would keep more than `limit` bytes. An empty log
    /// takes a request of any size.
    bool keep(std::uint64_t number, std::string text, std::size_t limit) {
        if (bytes_ != 0 && bytes_ + text.size() > limit) return false;
        bytes_ += text.size();
        log_.push_back({number, std::move(text)});
        return true;
    }

    /// Takes request `number` of any size, to be sent first.
    void keep_first(std::uint64_t number, std::string text) {
        bytes_ += text.size();
        log_.insert(at(sent_), {number, std::move(text)});
    }

    /// Calls `send(text)` for each request not sent yet, in order, until `send` returns false.
    template <class Send>
    void flush(Send send) {
        while (sent_ != log_.size() && send(std::as_const(log_[sent_].text))) {
            ++sent_;
            if (!counting_) drop();
        }
    }

    /// Whether request `number` is here and not sent yet.
    bool unsent(std::uint64_t number) const { return find(number, sent_) != log_.size(); }

    /// Removes request `number` if it is not sent yet.
    void withdraw(std::uint64_t number) {
        const auto i = find(number, sent_);
        if (i == log_.size()) return;
        bytes_ -= log_[i].text.size();
        log_.erase(at(i));
    }

    /// The server has replied to request `number`; so it has all requests sent before, too.
    void answered(std::uint64_t number) {
        const auto i = find(number, 0);
        if (i >= sent_) return; // confirmed before
        for (auto n = i + 1; n != 0; --n) drop();
    }

    /// The server resumes with `received` requests. Requests behind these count as not sent. False if the
    /// number is impossible.
    bool go_back_to(std::uint64_t received) {
        if (received < confirmed_ || received - confirmed_ > sent_) return false;
        while (confirmed_ != received) drop();
        sent_ = 0;
        return true;
    }

    /// The server starts anew: sent requests are forgotten. `counting`: later requests are kept until the
    /// server confirms them.
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

    std::deque<entry>::const_iterator at(std::size_t i) const {
        return log_.begin() + static_cast<std::ptrdiff_t>(i);
    }

    // The index of request `number`, not before `from`; the size of the log if it is not there.
    std::size_t find(std::uint64_t number, std::size_t from) const {
        while (from != log_.size() && log_[from].number != number) ++from;
        return from;
    }

    void drop() {
        bytes_ -= log_.front().text.size();
        log_.pop_front();
        --sent_;
        ++confirmed_;
    }

    std::deque<entry> log_;
    std::size_t sent_ = 0;        // sent requests: the first so many
    std::size_t bytes_ = 0;       // of all requests
    std::uint64_t confirmed_ = 0; // requests in front of the first, since counting began
    bool counting_ = false;
};

} // namespace sigfire::inline v0_1::detail
