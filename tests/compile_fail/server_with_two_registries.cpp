// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: two parts of this server play the same role
#include "models.hpp"

#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, models::registry, models::router>;
#else
template class sigfire::server<sigfire::loopback, models::registry, models::router, sigfire::local_registry>;
#endif
