// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

namespace sigfire::inline v0_1 {

/// The version of the library, `major.minor.patch` (semantic versioning). The build files read this line.
inline constexpr char version[] = "0.1.0";

} // namespace sigfire::inline v0_1
