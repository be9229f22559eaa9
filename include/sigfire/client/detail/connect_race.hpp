// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/connect_plan.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Connects to several addresses and takes the first that answers (RFC 8305). Its user and its pending
/// operations own it together. One thread at a time.
class connect_race : public std::enable_shared_from_this<connect_race> {
public:
    using endpoint = boost::asio::generic::stream_protocol::endpoint;
    using socket = boost::asio::generic::stream_protocol::socket;
    using handler = std::function<void(error_code, socket)>;

    /// `limit`: the time for each attempt.
    connect_race(const boost::asio::any_io_executor& executor, std::vector<endpoint> candidates,
                 std::chrono::milliseconds limit)
        : executor_{executor}, timer_{executor},
          candidates_(
              by_turns(std::move(candidates), [](const endpoint& e) { return e.protocol().family(); })),
          sockets_(candidates_.size()), plan_{candidates_.size(), limit} {}

    /// Calls `done` once: with a connected socket, or with the error of the last attempt. Calls it from
    /// inside only if there is no candidate.
    void start(handler done) {
        done_ = std::move(done);
        go_on();
    }

    /// Gives up; `done` is not called.
    void cancel() {
        done_ = nullptr;
        stop();
    }

private:
    void go_on() {
        const auto now = clock::now();
        plan_.expire(now, [this](std::size_t i) {
            sockets_[i].reset();
            why_ = boost::asio::error::timed_out;
        });
        while (const auto i = plan_.next(now)) attempt(*i);
        if (plan_.over()) return ended(why_, socket{executor_});
        timer_.expires_at(plan_.deadline());
        timer_.async_wait([self = shared_from_this()](error_code ec) {
            if (!ec && self->done_) self->go_on();
        });
    }

    void attempt(std::size_t i) {
        auto& s = sockets_[i].emplace(executor_);
        s.async_connect(candidates_[i], [self = shared_from_this(), i](error_code ec) {
            auto& mine = self->sockets_[i];
            if (!self->done_ || !mine) return; // the attempt has timed out
            if (!ec) return self->ended({}, std::move(*mine));
            mine.reset();
            self->why_ = ec;
            self->plan_.failed(i);
            self->go_on();
        });
    }

    void ended(error_code ec, socket winner) {
        auto done = std::exchange(done_, nullptr);
        stop();
        done(ec, std::move(winner));
    }

    void stop() {
        timer_.cancel();
        for (auto& s : sockets_) s.reset();
    }

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;
    std::vector<endpoint> candidates_;
    std::vector<std::optional<socket>> sockets_; // of the running attempts
    connect_plan plan_;
    handler done_;
    error_code why_ = boost::asio::error::host_not_found; // error of the last attempt
};

} // namespace sigfire::inline v0_1::detail
