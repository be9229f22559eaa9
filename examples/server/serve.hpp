// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"

/** Runs one hub with the listeners of `settings` until a signal ends it. Returns the exit code: 1 if it
 *  cannot listen on an endpoint, after one line on stderr with the reason. Throws if a certificate cannot
 *  be used. */
int serve(const settings&);
