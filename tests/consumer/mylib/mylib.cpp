// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "mylib.hpp"

sigfire::error_code mylib_check() {
    return {};
}
