// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "program_version.hpp"

// CMake defines the text for this file only, so a commit compiles nothing else again.
const char* program_version() {
    return SIGFIRE_PROGRAM_VERSION;
}
