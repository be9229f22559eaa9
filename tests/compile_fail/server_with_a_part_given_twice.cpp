// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a part of this server is given twice
#include <sigfire/feature/topics.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, sigfire::topics>;
#else
template class sigfire::server<sigfire::loopback, sigfire::topics, sigfire::topics>;
#endif
