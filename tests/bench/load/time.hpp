// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstdint>

namespace bench {

/// In ns, of a clock that never goes back.
inline std::int64_t now() {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline constexpr double second = 1e9;
/// How long a server may take to go on, in ns.
inline constexpr std::int64_t patience = 20'000'000'000;

} // namespace bench
