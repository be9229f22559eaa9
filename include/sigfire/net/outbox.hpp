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

namespace sigfire {

/** A connection's bounded output: frames are written behind each other and sent together. Those that others
 *  send too may stand in shared blocks between them. Holds a buffer of the pool only while something is
 *  pending. The pool is handed to each call, so an idle connection pays 32 bytes. For one thread; `clear`
 * must have been called before it is destroyed. */
class outbox {
public:
    outbox() = default;
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;

    /// Bytes that wait to be sent, with those in shared blocks.
    std::size_t size() const noexcept { return size_; }

    /// The same without those in shared blocks.
    std::size_t own_size() const noexcept { return shared_ ? size_ - shared_->bytes : size_; }

    /// Whether something waits in shared blocks.
    bool shares() const noexcept { return shared_ != nullptr; }

    /// Whether the front may be the middle of a message, because part of the output has already been sent.
    bool torn() const noexcept { return torn_; }

    /// Whether `n` more bytes are allowed: at most `limit` in all, but anything while nothing is pending.
    bool fits(std::size_t n, std::size_t limit) const noexcept { return size() == 0 || size() + n <= limit; }

    /** Room for `n` bytes behind all that is pending, or null if they do not fit `limit`. Valid until the
     *  next call. Nothing is added before `commit`. */
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

    /// Gives up the first `n` bytes of the last reservation: `commit` adds those behind. Only while nothing
    /// is pending.
    void skip(std::size_t n) noexcept { end_ += static_cast<std::uint32_t>(n); }

    /// Adds the first `n` bytes of the last reservation.
    void commit(std::size_t n) noexcept {
        end_ += static_cast<std::uint32_t>(n);
        size_ += static_cast<std::uint32_t>(n);
    }

    /** Adds a block behind all that is pending; `fits` tells whether that is allowed. While it waits in any
     *  outbox, `total` holds its size once. */
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

    /// The bytes to be sent next, as far as they stand in one piece.
    std::string_view pending() const noexcept {
        std::string_view piece{};
        pieces({&piece, 1});
        return piece;
    }

    /// All that is to be sent, where nothing stands in shared blocks.
    std::string_view pending_own() const noexcept { return {data_ + (end_ - size_), size_}; }

    /// Puts the bytes to be sent next into `out`, piece by piece; how many pieces those are.
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

    /// Drops `n` bytes that were sent; the last one gives the buffer back.
    void sent(detail::buffer_pool& pool, std::size_t n) noexcept {
        size_ -= static_cast<std::uint32_t>(n);
        if (size_ != 0 || shared_) [[unlikely]]
            return sent_some(pool, n);
        pool.put({data_, capacity_});
        data_ = nullptr;
        end_ = 0;
        torn_ = false;
    }

    /// Drops everything and gives the buffer back.
    void clear(detail::buffer_pool& pool) noexcept {
        if (data_) pool.put({data_, capacity_});
        shared_.reset();
        data_ = nullptr;
        size_ = end_ = capacity_ = 0;
        torn_ = false;
    }

private:
    // Blocks, and how many bytes of its own the outbox sends in front of each. There only while it has some.
    struct segments {
        struct entry {
            shared_block block;
            std::uint32_t before;
        };
        std::vector<entry> queue;
        std::size_t first = 0;    // in queue: those in front have been sent
        std::uint32_t done = 0;   // bytes of the first block that have been sent
        std::uint32_t bytes = 0;  // in blocks, unsent
        std::uint32_t before = 0; // own bytes in front of any block

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
        // Sent bytes make room, if they are at least half: else a reader that is always a little behind would
        // have its output moved again and again.
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
    std::uint32_t end_ = 0;      // of the own bytes in the buffer
    std::uint32_t size_ = 0;     // of all that waits
    std::uint32_t capacity_ = 0; // of the buffer
    bool torn_ = false;
};

} // namespace sigfire
