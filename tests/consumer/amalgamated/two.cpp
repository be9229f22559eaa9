// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The second file of that program: the linker finds nothing twice.
#include "sigfire.hpp"

const char* text_of_other_file() {
    return sigfire::to_string(sigfire::errc::ok).data();
}
