// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"

/// Runs one hub behind the listeners of `settings` until a signal ends it. Yields the exit code: 1 if an
/// endpoint cannot be listened on, after one line on stderr that says why. Throws if a certificate is of no
/// use.
int serve(const settings&);
