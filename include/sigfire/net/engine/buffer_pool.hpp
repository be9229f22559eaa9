// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace sigfire::inline v0_1::detail {

/// Buffers of 2^k bytes, last in, first out, because the last used buffer is still in the cache. Keeps a few
/// buffers of each size, and gives the rest back to the system. One thread.
class buffer_pool {
public:
    static constexpr std::size_t smallest = 4096; ///< smallest buffer in bytes

    buffer_pool() = default;
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;

    ~buffer_pool() {
        for (auto& s : shelves_)
            while (s.first) ::operator delete(pop(s));
    }

    struct buffer {
        char* data;
        std::uint32_t size;
    };

    /// A buffer of at least `n` bytes, n <= 2^31.
    buffer get(std::size_t n) {
        // Most buffers are of the smallest size, so its shelf is taken without a computation.
        if (n <= smallest) [[likely]]
            return take(shelves_[0], smallest);
        const auto size = std::bit_ceil(n);
        return take(shelf(size), size);
    }

    void put(buffer b) noexcept {
        if (b.size == smallest) [[likely]]
            return keep(shelves_[0], b.data, smallest);
        keep(shelf(b.size), b.data, b.size);
    }

private:
    struct node {
        node* next;
    };
    struct shelf_type {
        node* first = nullptr;
        std::size_t count = 0;
    };

    static constexpr std::size_t kept_bytes = 1 << 18; // of each size; larger buffers go back to the system

    shelf_type& shelf(std::size_t size) noexcept {
        return shelves_[static_cast<std::size_t>(std::countr_zero(size) - std::countr_zero(smallest))];
    }

    static buffer take(shelf_type& s, std::size_t size) {
        void* p = s.first ? pop(s) : ::operator new(size);
        return {static_cast<char*>(p), static_cast<std::uint32_t>(size)};
    }

    static void keep(shelf_type& s, char* data, std::size_t size) noexcept {
        if (s.count >= kept_bytes / size) return ::operator delete(data);
        s.first = ::new (data) node{s.first};
        ++s.count;
    }

    static node* pop(shelf_type& s) noexcept {
        auto* n = s.first;
        s.first = n->next;
        --s.count;
        return n;
    }

    std::array<shelf_type, 20> shelves_{};
};

} // namespace sigfire::inline v0_1::detail
