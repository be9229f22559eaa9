// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"

/// Prints what `sigfire serve` with these settings would use, one line for each finding or as JSON. Returns
/// the exit code: 0, or 1 if there is an error.
int check(const loaded_settings&);

/// Prints the settings in use and the origin of each, without secrets, as a table or as JSON. Returns 0.
int explain(const loaded_settings&);
