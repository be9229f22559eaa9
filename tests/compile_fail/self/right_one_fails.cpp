// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: two is not one
static_assert(1 == 2, "two is not one");
