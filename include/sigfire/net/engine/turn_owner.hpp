// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <atomic>
#include <stdexcept>

namespace sigfire::inline v0_1::detail {

/// The thread that takes a turn of an engine. Any thread may, one at a time.
class turn_owner {
public:
    /// Owns the turn during its lifetime.
    class claim {
    public:
        /// @throws std::logic_error if another turn is running
        explicit claim(turn_owner& o) : owner_{o} {
            const void* other = nullptr;
            const void* const here = this_thread();
            if (owner_.thread_.compare_exchange_strong(other, here, std::memory_order_acquire)) {
                owner_.last_.store(here, std::memory_order_relaxed);
                return;
            }
            if (other == here)
                throw std::logic_error{"sigfire: a handler must not run the io_context that calls it; post "
                                       "the work and return"};
            throw std::logic_error{"sigfire: only one thread may run an io_context with a server; use one "
                                   "io_context and one server per thread"};
        }
        claim(const claim&) = delete;
        claim& operator=(const claim&) = delete;
        ~claim() { owner_.thread_.store(nullptr, std::memory_order_release); }

    private:
        turn_owner& owner_;
    };

    /// Whether another thread took the last turn, and may be waiting for the next one.
    bool is_elsewhere() const noexcept {
        const void* const last = last_.load(std::memory_order_relaxed);
        return last != nullptr && last != this_thread();
    }

private:
    // An address that is constant for the lifetime of the thread. <thread> would cost the compiler much.
    static const void* this_thread() noexcept {
        static thread_local char here;
        return &here;
    }

    std::atomic<const void*> thread_{nullptr}; // of the turn that runs
    std::atomic<const void*> last_{nullptr};   // of the last turn
};

} // namespace sigfire::inline v0_1::detail
