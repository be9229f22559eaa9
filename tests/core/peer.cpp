// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/peer.hpp>

// A handle that names nobody is false, and handles are equal only to themselves.
static_assert(!sigfire::peer_handle{} && !sigfire::attachment{});
static_assert(sigfire::peer_handle{0, 1} && sigfire::attachment{{0, 1}, 0});
static_assert(sigfire::peer_handle{1, 2} == sigfire::peer_handle{1, 2});
static_assert(sigfire::peer_handle{1, 2} != sigfire::peer_handle{1, 3});
static_assert(sigfire::peer_handle{1, 2} != sigfire::peer_handle{2, 2});
static_assert(sigfire::attachment{{1, 2}, 3} != sigfire::attachment{{1, 2}, 4});
