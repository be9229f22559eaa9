// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <atomic>
#include <stdexcept>
#include <thread>

namespace sigfire::detail {

/// The thread that takes a turn of an engine: any, but one at a time.
class turn_owner {
public:
    /// Owns the turn as long as it lives.
    class claim {
    public:
        /// @throws std::logic_error if a turn is being taken.
        explicit claim(turn_owner& o) : owner_{o} {
            auto other = std::thread::id{};
            const auto here = std::this_thread::get_id();
            if (owner_.thread_.compare_exchange_strong(other, here, std::memory_order_acquire)) return;
            if (other == here)
                throw std::logic_error{"sigfire: a handler must not run the io_context that calls it; post "
                                       "what is to be done, and return"};
            throw std::logic_error{"sigfire: an io_context with a server must be run by one thread; use one "
                                   "io_context and one server per thread"};
        }
        claim(const claim&) = delete;
        claim& operator=(const claim&) = delete;
        ~claim() { owner_.thread_.store({}, std::memory_order_release); }

    private:
        turn_owner& owner_;
    };

private:
    std::atomic<std::thread::id> thread_{};
};

} // namespace sigfire::detail
