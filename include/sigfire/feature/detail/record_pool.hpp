// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sigfire::detail {

/// Records at stable addresses, numbered, used again and again; vacant ones are chained by their `next`.
template <class T>
class record_pool {
public:
    static constexpr std::uint32_t none = 0xffffffff;

    record_pool() = default;
    record_pool(record_pool&&) = default; // a vector of unique_ptr claims to be copyable
    record_pool& operator=(record_pool&&) = default;

    T& operator[](std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }
    const T& operator[](std::uint32_t i) const noexcept { return chunks_[i / chunk][i % chunk]; }

    /// A vacant record, which stays vacant until `take`; at most 2^32 - 1 at a time.
    std::uint32_t vacant() {
        if (vacant_ == none) {
            const auto first = end();
            chunks_.push_back(std::make_unique<T[]>(chunk));
            for (auto i = first + chunk; i-- > first;) put(i);
        }
        return vacant_;
    }

    /// All records have smaller numbers.
    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(chunks_.size() * chunk); }

    /// Takes the record that `vacant` named.
    void take() noexcept { vacant_ = (*this)[vacant_].next; }

    /// Makes a record vacant.
    void put(std::uint32_t i) noexcept { (*this)[i].next = std::exchange(vacant_, i); }

private:
    static constexpr std::uint32_t chunk = 256;

    std::vector<std::unique_ptr<T[]>> chunks_;
    std::uint32_t vacant_ = none;
};

} // namespace sigfire::detail
