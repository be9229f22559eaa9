// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/options.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The messages that wait for `receive`, or the operations that wait for a message. Does no I/O.
class client_inbox {
public:
    using receiver = completion<error_code, incoming>;

    std::size_t size() const noexcept { return news_.size(); }

    void clear() { news_.clear(); }

    /// Gives the oldest message to `done`. False if there is none.
    bool give(receiver& done) {
        if (news_.empty()) return false;
        done.complete({}, std::move(news_.front()));
        news_.pop_front();
        return true;
    }

    /// Adds a waiting operation. `number` is higher than all before.
    void wait(std::uint64_t number, receiver done) {
        receivers_.emplace_hint(receivers_.end(), number, std::move(done));
    }
    void cancel(std::uint64_t number) {
        if (auto at = receivers_.extract(number))
            at.mapped().complete(boost::asio::error::operation_aborted, {});
    }
    void cancel_all(error_code why) {
        for (auto& [number, done] : std::exchange(receivers_, {})) done.complete(why, {});
    }

    /// Gives `said` to the operation that has waited longest. If none waits, `said` is queued.
    void tell(incoming said) {
        if (receivers_.empty()) return news_.push_back(std::move(said));
        receivers_.extract(receivers_.begin()).mapped().complete({}, std::move(said));
    }
    /// Whether an operation waits.
    bool awaited() const noexcept { return !receivers_.empty(); }

    void tell_offline(error_code cause) {
        // If the user does not receive, one report is enough.
        if (!news_.empty() && news_.back().kind == incoming_kind::online) news_.pop_back();
        if (!news_.empty() && news_.back().kind == incoming_kind::offline) return;
        incoming news;
        news.kind = incoming_kind::offline;
        news.cause = cause;
        tell(std::move(news));
    }
    void tell_online(bool recovered, std::string configuration) {
        incoming news;
        news.kind = incoming_kind::online;
        news.recovered = recovered;
        news.data = std::move(configuration);
        tell(std::move(news));
    }

    /// Offers the waiting messages to `take(incoming&)`, oldest first. A message is removed if `take` returns
    /// true. Stops where `until(incoming)` is true.
    template <class Until, class Take>
    void sift(Until until, Take take) {
        for (auto at = news_.begin(); at != news_.end() && !until(std::as_const(*at));)
            at = take(*at) ? news_.erase(at) : at + 1;
    }

private:
    std::deque<incoming> news_;
    std::map<std::uint64_t, receiver> receivers_; // in order of arrival
};

} // namespace sigfire::inline v0_1::detail
