// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <utility>

/// What this program's `operator new` counts, and the allocations that it refuses.
namespace allocations {

struct book {
    std::size_t live = 0;  ///< blocks
    std::size_t bytes = 0; ///< of the live blocks, as malloc rounds them up
    std::size_t peak = 0;  ///< most `bytes` since the test last set it
    std::size_t first = 0; ///< the first allocation that is refused, counted while `armed`; 0 = none
    std::size_t row = 1;   ///< how many are refused in a row
    std::size_t made = 0;  ///< allocations while `armed`
    bool armed = false;
};

/// The one book. One thread.
book& the_book() noexcept;

/// Allocations count in its scope, or do not.
class arm {
public:
    explicit arm(bool yes) noexcept : before_{std::exchange(the_book().armed, yes)} {}
    arm(const arm&) = delete;
    arm& operator=(const arm&) = delete;
    ~arm() { the_book().armed = before_; }

private:
    bool before_;
};

} // namespace allocations
