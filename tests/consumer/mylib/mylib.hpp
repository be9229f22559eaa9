// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

/// What a library with sigfire in its interface may offer.
sigfire::error_code mylib_check();
