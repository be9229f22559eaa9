// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/engine/buffer_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace sigfire {

/** A connection's bounded output: frames are written behind each other and sent together. Holds a buffer of
 *  the pool only while something is pending. The pool is handed to each call, so an idle connection pays 24
 *  bytes. For one thread; `clear` must have been called before it is destroyed. */
class outbox {
public:
    outbox() = default;
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    /// Bytes that wait to be sent.
    std::size_t size() const noexcept { return end_ - begin_; }

    /// Whether the front may be the middle of a message, because part of the output has already been sent.
    bool torn() const noexcept { return torn_; }

    /// Whether `n` more bytes are allowed: at most `limit` in all, but anything while nothing is pending.
    bool fits(std::size_t n, std::size_t limit) const noexcept { return size() == 0 || size() + n <= limit; }

    /** Room for `n` bytes behind what is pending, or null if they do not fit `limit`. Valid until the next
     *  call. Nothing is added before `commit`. */
    char* reserve(detail::buffer_pool& pool, std::size_t n, std::size_t limit) {
        if (!fits(n, limit)) return nullptr;
        if (!data_ || capacity_ - end_ < n) grow(pool, n);
        return data_ + end_;
    }

    /// Adds the first `n` bytes of the last reservation.
    void commit(std::size_t n) noexcept { end_ += static_cast<std::uint32_t>(n); }

    /// What is to be sent next.
    std::string_view pending() const noexcept { return {data_ + begin_, size()}; }

    /// Drops `n` bytes that were sent; the last one gives the buffer back.
    void sent(detail::buffer_pool& pool, std::size_t n) noexcept {
        begin_ += static_cast<std::uint32_t>(n);
        torn_ = true;
        if (begin_ == end_) clear(pool);
    }

    /// Drops everything and gives the buffer back.
    void clear(detail::buffer_pool& pool) noexcept {
        if (data_) pool.put({data_, capacity_});
        data_ = nullptr;
        begin_ = end_ = capacity_ = 0;
        torn_ = false;
    }

private:
    void grow(detail::buffer_pool& pool, std::size_t n) {
        const auto used = size();
        // What was sent makes room, if it is at least half: else a reader that is always a little behind
        // would have its output moved again and again.
        if (data_ && begin_ >= used && capacity_ - used >= n) {
            std::memcpy(data_, data_ + begin_, used);
        } else {
            const auto bigger = pool.get(used + n);
            if (data_) {
                std::memcpy(bigger.data, data_ + begin_, used);
                pool.put({data_, capacity_});
            }
            data_ = bigger.data;
            capacity_ = bigger.size;
        }
        begin_ = 0;
        end_ = static_cast<std::uint32_t>(used);
    }

    char* data_ = nullptr;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t capacity_ = 0;
    bool torn_ = false;
};

} // namespace sigfire
