// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

// One clear message instead of pages of compiler errors.
#if !defined(__cplusplus) || __cplusplus < 202002L
#error "sigfire: C++20 is needed: compile with -std=c++20, or CMake's target_compile_features(... cxx_std_20)"
#elif defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
#error "sigfire: g++ 12 or newer is needed"
#elif defined(__clang__) && !defined(__apple_build_version__) && __clang_major__ < 16
#error "sigfire: clang 16 or newer is needed"
#elif !defined(__cpp_exceptions)
#error "sigfire: exceptions are needed: compile without -fno-exceptions"
#endif

#include <boost/version.hpp>

#if BOOST_VERSION < 108100
#error "sigfire: Boost 1.81 or newer is needed"
#endif
