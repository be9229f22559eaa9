// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/engine/buffer_pool.hpp>
#include <sigfire/net/shared_block.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** The bounded output of a connection. Frames are written one behind the other and sent together. Shared
 *  blocks can stand between them, for messages to several connections.
 *
 *  An outbox holds a buffer of the pool only while output is pending. Each call takes the pool as an
 *  argument, so an idle connection costs 32 bytes. One thread. Call `clear` before the destructor runs. */
class outbox {
public:
    /// An empty outbox.
    outbox() = default;
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    /// Bytes that wait to be sent, shared blocks included.
    std::size_t size() const noexcept { return size_; }

    /// Bytes that wait to be sent, without shared blocks.
    std::size_t own_size() const noexcept { return shared_ ? size_ - shared_->bytes : size_; }

    /// Whether output waits in shared blocks.
    bool shares() const noexcept { return shared_ != nullptr; }

    /// Whether the front may be the middle of a message, because a part of the output has been sent.
    bool torn() const noexcept { return torn_; }

    /// Whether `n` more bytes fit: at most `limit` bytes in total. An empty outbox takes any number.
    bool fits(std::size_t n, std::size_t limit) const noexcept { return size() == 0 || size() + n <= limit; }

    /** Returns room for `n` bytes behind all pending output, or null if they do not fit `limit`. Valid
     *  until the next call. Nothing is added before `commit`.
     *  @throws std::bad_alloc if there is no memory */
    char* reserve(detail::buffer_pool& pool, std::size_t n, std::size_t limit) {
        if (!fits(n, limit)) return nullptr;
        if (!data_) {
            const auto fresh = pool.get(n);
            data_ = fresh.data;
            capacity_ = fresh.size;
        } else if (capacity_ - end_ < n) [[unlikely]] {
            grow(pool, n);
        }
        return data_ + end_;
    }

    /// Gives up the first `n` bytes of the last reservation; `commit` then adds the bytes behind them. Only
    /// while nothing is pending.
    void skip(std::size_t n) noexcept { end_ += static_cast<std::uint32_t>(n); }

    /// Adds the first `n` bytes of the last reservation.
    void commit(std::size_t n) noexcept {
        end_ += static_cast<std::uint32_t>(n);
        size_ += static_cast<std::uint32_t>(n);
    }

    /// Adds a block behind all pending output. Check `fits` first. While the block waits in any outbox, its
    /// size is counted once in `total`, which must outlive that time.
    void append(const shared_block& block, std::size_t& total) {
        if (block.size() == 0) return;
        if (!shared_) shared_ = std::make_unique<segments>();
        auto& s = *shared_;
        const auto own = static_cast<std::uint32_t>(own_size());
        s.queue.push_back({block, own - s.before});
        s.queue.back().block.enter(total);
        s.before = own;
        s.bytes += static_cast<std::uint32_t>(block.size());
        size_ += static_cast<std::uint32_t>(block.size());
    }

    /// The next bytes to send that stand in one piece. Valid until the next call.
    std::string_view pending() const noexcept {
        std::string_view piece{};
        pieces({&piece, 1});
        return piece;
    }

    /// All bytes to send. Only if `shares()` is false.
    std::string_view pending_own() const noexcept { return {data_ + (end_ - size_), size_}; }

    /// Puts the next bytes to send into `out`, piece by piece. Returns the number of pieces.
    std::size_t pieces(std::span<std::string_view> out) const noexcept {
        const auto own = own_size();
        const char* at = data_ + (end_ - own);
        std::size_t n = 0, rest = own;
        const auto add = [&](std::string_view piece) {
            if (!piece.empty() && n != out.size()) out[n++] = piece;
        };
        if (shared_) {
            auto done = shared_->done;
            for (auto i = shared_->first; i != shared_->queue.size() && n != out.size(); ++i) {
                const auto& e = shared_->queue[i];
                add({at, e.before});
                at += e.before;
                rest -= e.before;
                add(e.block.view().substr(std::exchange(done, 0)));
            }
        }
        add({at, rest});
        return n;
    }

    /// Removes `n` bytes that were sent. When nothing is left, returns the buffer to `pool`.
    void sent(detail::buffer_pool& pool, std::size_t n) noexcept {
        size_ -= static_cast<std::uint32_t>(n);
        if (size_ != 0 || shared_) [[unlikely]]
            return sent_some(pool, n);
        pool.put({data_, capacity_});
        data_ = nullptr;
        end_ = 0;
        torn_ = false;
    }

    /// Removes everything and gives the buffer back to `pool`.
    void clear(detail::buffer_pool& pool) noexcept {
        if (data_) pool.put({data_, capacity_});
        shared_.reset();
        data_ = nullptr;
        size_ = end_ = capacity_ = 0;
        torn_ = false;
    }

private:
    // Shared blocks, and how many own bytes are sent in front of each. Exists only while there are blocks.
    struct segments {
        /// A block, and the own bytes in front of it.
        struct entry {
            shared_block block;   ///< the block
            std::uint32_t before; ///< own bytes in front of it
        };
        std::vector<entry> queue;
        std::size_t first = 0;    // index in queue; the blocks in front have been sent
        std::uint32_t done = 0;   // sent bytes of the first block
        std::uint32_t bytes = 0;  // unsent bytes in blocks
        std::uint32_t before = 0; // own bytes in front of all blocks

        segments() = default;
        segments(const segments&) = delete;
        segments& operator=(const segments&) = delete;
        ~segments() {
            for (auto i = first; i != queue.size(); ++i) queue[i].block.leave();
        }
    };

    void sent_some(detail::buffer_pool& pool, std::size_t n) noexcept {
        torn_ = true;
        if (size_ == 0)
            clear(pool);
        else if (shared_)
            sent_shared(n);
    }

    void sent_shared(std::size_t n) noexcept {
        auto& s = *shared_;
        while (n != 0 && s.first != s.queue.size()) {
            auto& e = s.queue[s.first];
            const auto own = std::min<std::size_t>(n, e.before);
            e.before -= static_cast<std::uint32_t>(own);
            s.before -= static_cast<std::uint32_t>(own);
            n -= own;
            if (e.before != 0) return;
            const auto block = std::min(n, e.block.size() - s.done);
            s.bytes -= static_cast<std::uint32_t>(block);
            s.done += static_cast<std::uint32_t>(block);
            n -= block;
            if (s.done != e.block.size()) return;
            s.done = 0;
            e.block.leave();
            e.block = {};
            ++s.first;
        }
        if (s.first == s.queue.size()) {
            shared_.reset();
        } else if (s.first > 16 && s.first > s.queue.size() / 2) {
            s.queue.erase(s.queue.begin(), s.queue.begin() + static_cast<std::ptrdiff_t>(s.first));
            s.first = 0;
        }
    }

    [[gnu::noinline]] void grow(detail::buffer_pool& pool, std::size_t n) {
        const auto used = own_size();
        const auto begin = end_ - used;
        // Sent bytes make room only if they are at least half of the used space. Otherwise the output of a
        // slightly slow reader would be moved again and again.
        if (begin >= used && capacity_ - used >= n) {
            std::memcpy(data_, data_ + begin, used);
        } else {
            const auto bigger = pool.get(used + n);
            std::memcpy(bigger.data, data_ + begin, used);
            pool.put({data_, capacity_});
            data_ = bigger.data;
            capacity_ = bigger.size;
        }
        end_ = static_cast<std::uint32_t>(used);
    }

    char* data_ = nullptr;
    std::unique_ptr<segments> shared_;
    std::uint32_t end_ = 0;      // end of the own bytes in the buffer
    std::uint32_t size_ = 0;     // all bytes that wait
    std::uint32_t capacity_ = 0; // of the buffer
    bool torn_ = false;
};

} // namespace sigfire::inline v0_1
