// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace sigfire::inline v0_1::detail {

/** The held part of an incomplete message: its bytes, and the `State` of reading them. Costs one pointer
 *  while empty, else one block of memory. Each growth at most doubles the block. */
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

    /** Appends `n` bytes from `p` and returns their new position. `p` may be null if `n` is 0. Creates the
     *  state even if `n` is 0. `most` is the largest expected size: doubling stops there. Throws
     *  `std::bad_alloc`. */
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

    static constexpr std::size_t least = 64; // saves reallocations when the first bytes arrive one by one

    std::unique_ptr<block, release> block_;
};

} // namespace sigfire::inline v0_1::detail
