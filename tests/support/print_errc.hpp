// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <ostream>

namespace sigfire::inline v0_1 {

/// Has Boost.Test print causes by name.
inline std::ostream& boost_test_print_type(std::ostream& out, errc e) {
    return out << cause_name(e);
}

} // namespace sigfire::inline v0_1
