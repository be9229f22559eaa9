// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: options are no part of a server: give them to the part that they belong to
#include <sigfire/feature/topics.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, sigfire::topics>;
#else
template class sigfire::server<sigfire::loopback, sigfire::topics_options>;
#endif
