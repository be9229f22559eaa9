// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/// A framed message with one copy in memory, for several connections. Copies of the block refer to the same
/// bytes; the last one frees them. One thread: the reference count is not atomic.
class shared_block {
public:
    shared_block() = default; ///< no bytes

    /// Allocates room for `n` bytes.
    /// @throws std::bad_alloc if there is no memory
    explicit shared_block(std::size_t n)
        : head_{::new(::operator new(sizeof(head) + n)) head{1, 0, n, nullptr}} {}

    /// Refers to the same bytes.
    shared_block(const shared_block& other) noexcept : head_{other.head_} {
        if (head_) ++head_->references;
    }
    /// Takes over the reference; `other` is empty after that.
    shared_block(shared_block&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
    /// Refers to the bytes of `other`.
    shared_block& operator=(shared_block other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    /// Frees the bytes if this is the last reference.
    ~shared_block() {
        if (head_ && --head_->references == 0) ::operator delete(head_);
    }

    /// The bytes. Write them before the block is shared. Not for an empty block.
    char* data() noexcept { return reinterpret_cast<char*>(head_ + 1); }
    /// Number of bytes.
    std::size_t size() const noexcept { return head_ ? head_->size : 0; }
    /// The bytes, valid as long as a block refers to them.
    std::string_view view() const noexcept {
        return head_ ? std::string_view{reinterpret_cast<const char*>(head_ + 1), head_->size}
                     : std::string_view{};
    }
    /// Reduces the size to the first `n` bytes.
    void shrink(std::size_t n) noexcept { head_->size = n; }

private:
    friend class outbox;

    struct head {
        std::uint32_t references;
        std::uint32_t queued; // number of outboxes that hold the block
        std::size_t size;
        // Sum of waiting bytes, each block counted once; null while the block waits nowhere.
        std::size_t* total;
    };

    void enter(std::size_t& total) noexcept {
        if (head_->queued++ != 0) return;
        head_->total = &total;
        total += head_->size;
    }
    void leave() noexcept {
        if (--head_->queued == 0) *std::exchange(head_->total, nullptr) -= head_->size;
    }

    head* head_ = nullptr;
};

} // namespace sigfire::inline v0_1
