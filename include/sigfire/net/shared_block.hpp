// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace sigfire {

/** A framed message that several connections send and that stands once in memory. A copy refers to the same
 *  bytes; the last one frees them. For one thread: the count is not atomic. */
class shared_block {
public:
    shared_block() = default; ///< no bytes

    /// Room for `n` bytes. @throws std::bad_alloc
    explicit shared_block(std::size_t n)
        : head_{::new(::operator new(sizeof(head) + n)) head{1, 0, n, nullptr}} {}

    shared_block(const shared_block& other) noexcept : head_{other.head_} {
        if (head_) ++head_->references;
    }
    shared_block(shared_block&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
    shared_block& operator=(shared_block other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~shared_block() {
        if (head_ && --head_->references == 0) ::operator delete(head_);
    }

    /// The bytes, to be written before the block is shared.
    char* data() noexcept { return reinterpret_cast<char*>(head_ + 1); }
    std::size_t size() const noexcept { return head_ ? head_->size : 0; }
    std::string_view view() const noexcept {
        return head_ ? std::string_view{reinterpret_cast<const char*>(head_ + 1), head_->size}
                     : std::string_view{};
    }
    /// Leaves the first `n` bytes.
    void shrink(std::size_t n) noexcept { head_->size = n; }

private:
    friend class outbox;

    struct head {
        std::uint32_t references;
        std::uint32_t queued; // outboxes in which it waits
        std::size_t size;
        std::size_t* total; // of the bytes that wait, each block counted once; null while it waits nowhere
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

} // namespace sigfire
