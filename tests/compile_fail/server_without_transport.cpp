// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Transport requirements not met
#include "models.hpp"

#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, models::router>;
#else
template class sigfire::server<models::router>;
#endif
