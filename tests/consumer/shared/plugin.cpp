// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/error.hpp>

/// An error of sigfire's, as this shared object makes it.
[[gnu::visibility("default")]] sigfire::error_code plugin_error() {
    return sigfire::errc::unknown;
}
