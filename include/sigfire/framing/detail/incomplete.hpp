// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace sigfire::detail {

/** The part that a framing holds of an incomplete message: bytes, and the `State` of reading them. One
 * pointer while there is nothing; one block of memory otherwise, which at most doubles with each growth. */
template <class State>
class incomplete {
    static_assert(std::is_trivially_copyable_v<State>, "the block is moved by realloc");

public:
    explicit operator bool() const noexcept { return static_cast<bool>(block_); }
    State* operator->() const noexcept { return &block_->state; }

    char* data() const noexcept { return reinterpret_cast<char*>(block_.get() + 1); }
    std::size_t size() const noexcept { return block_ ? block_->size : 0; }

    /// Bytes of memory held.
    std::size_t memory() const noexcept { return block_ ? sizeof(block) + block_->capacity : 0; }

    /** Adds `n` bytes from `p`, which may be null if `n` is 0, and returns where they stand now. There is a
     *  state afterwards even if `n` is 0. `most` is the size that it will ever reach, as far as is known:
     *  doubling stops there. Throws `std::bad_alloc`. */
    char* append(const char* p, std::size_t n, std::size_t most) {
        const auto old = size();
        if (!block_ || old + n > block_->capacity) grow(old + n, most);
        if (n != 0) std::memcpy(data() + old, p, n);
        block_->size = old + n;
        return data() + old;
    }

    /// Removes the last `n` bytes.
    void drop(std::size_t n) noexcept { block_->size -= n; }

    void reset() noexcept { block_.reset(); }

private:
    struct block {
        State state;
        std::size_t size;
        std::size_t capacity;
    };

    struct release {
        void operator()(block* b) const noexcept { std::free(b); }
    };

    void grow(std::size_t needed, std::size_t most) {
        const auto twice = block_ ? 2 * block_->capacity : least;
        const auto capacity = std::max(needed, std::min(twice, most));
        const auto fresh = std::realloc(block_.get(), sizeof(block) + capacity);
        if (!fresh) throw std::bad_alloc{};
        if (!block_.release()) ::new (fresh) block{};
        block_.reset(static_cast<block*>(fresh));
        block_->capacity = capacity;
    }

    static constexpr std::size_t least = 64; // spares reallocations while the very first bytes trickle in

    std::unique_ptr<block, release> block_;
};

} // namespace sigfire::detail
