// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The test program's main: Boost.Test, compiled here and nowhere else.
#define BOOST_TEST_MODULE sigfire
#include <boost/test/included/unit_test.hpp>
