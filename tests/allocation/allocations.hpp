// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstddef>
#include <utility>

/// What this program's `operator new` counts, and the allocations that it refuses.
namespace allocations {

struct book {
    std::size_t live = 0;  ///< blocks allocated while `armed` and not freed yet
    std::size_t bytes = 0; ///< of those blocks, as malloc rounds them up
    std::size_t peak = 0;  ///< most `bytes` since the test last set it
    std::size_t made = 0;  ///< allocations while `armed`
    std::size_t first = 0; ///< number of the first allocation that is refused, from 1; 0 = none
    std::size_t row = 1;   ///< how many are refused in a row
    bool armed = false;
};

/// The one book. One thread.
book& the_book() noexcept;

/// In its scope `armed` has that value.
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
