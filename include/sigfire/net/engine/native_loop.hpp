// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#ifdef __linux__
#include <sigfire/net/engine/loop_epoll.hpp>
#else
#include <sigfire/net/engine/loop_wait.hpp>
#endif

namespace sigfire::inline v0_1::detail {

/// The fastest loop of this system.
#ifdef __linux__
using native_loop = loop_epoll;
#else
using native_loop = loop_wait;
#endif

} // namespace sigfire::inline v0_1::detail
