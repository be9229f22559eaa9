// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

namespace sigfire {

/// The library's version, `major.minor.patch` (semantic versioning). The build files read it from here.
inline constexpr char version[] = "0.1.0";

} // namespace sigfire
