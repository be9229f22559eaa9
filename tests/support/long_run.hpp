// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <cstdlib>

namespace sigfire::inline v0_1::test {

/// Whether tests of many cases play all of them, which takes minutes; else a part of them, in seconds. Set
/// by the environment variable SIGFIRE_LONG: `tests/run.sh long`.
inline bool long_run() {
    return std::getenv("SIGFIRE_LONG") != nullptr;
}

} // namespace sigfire::inline v0_1::test
