// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace sigfire::inline v0_1::detail {

/** One timer for all deadlines of its owner. When the owner meets its first deadline early, the timer keeps
 *  its time and expires once without effect. */
class deadline_timer {
public:
    explicit deadline_timer(const boost::asio::any_io_executor& executor) : timer_{executor} {}

    /** Arms the timer: `owner->tick(clock::now())` is called at `due` or earlier. `time_point::max()` = no
     *  call. */
    template <class Owner>
    void arm(time_point due, std::weak_ptr<Owner> owner) {
        if (armed_ <= due) return;
        armed_ = due;
        timer_.expires_at(due);
        timer_.async_wait([this, owner](error_code ec) {
            const auto alive = owner.lock(); // the owner keeps this timer alive
            if (!alive || ec) return;
            armed_ = time_point::max();
            alive->tick(clock::now());
        });
    }

    void cancel() {
        timer_.cancel();
        armed_ = time_point::max();
    }

private:
    boost::asio::steady_timer timer_;
    time_point armed_ = time_point::max(); // time of expiry
};

} // namespace sigfire::inline v0_1::detail
