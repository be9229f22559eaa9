// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// Records at stable addresses, by number. Vacant records are chained by `next` and reused.
template <class T>
class record_pool {
public:
    static constexpr std::uint32_t none = 0xffffffff;

    record_pool() = default;
    record_pool(record_pool&&) = default; // without this, the class claims to be copyable
    record_pool& operator=(record_pool&&) = default;

    T& operator[](std::uint32_t i) noexcept { return chunks_[i / chunk][i % chunk]; }
    const T& operator[](std::uint32_t i) const noexcept { return chunks_[i / chunk][i % chunk]; }

    /// Returns a vacant record, which stays vacant until `take`. At most 2^32 - 1 records are in use.
    std::uint32_t vacant() {
        if (vacant_ == none) {
            const auto first = end();
            chunks_.push_back(std::make_unique<T[]>(chunk));
            for (auto i = first + chunk; i-- > first;) put(i);
        }
        return vacant_;
    }

    /// One more than the highest number.
    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(chunks_.size() * chunk); }

    /// Takes the record that `vacant` returned.
    void take() noexcept { vacant_ = (*this)[vacant_].next; }

    /// Makes a record vacant.
    void put(std::uint32_t i) noexcept { (*this)[i].next = std::exchange(vacant_, i); }

private:
    static constexpr std::uint32_t chunk = 256;

    std::vector<std::unique_ptr<T[]>> chunks_;
    std::uint32_t vacant_ = none;
};

} // namespace sigfire::inline v0_1::detail
