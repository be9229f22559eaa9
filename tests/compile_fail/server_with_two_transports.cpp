// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a server has one transport, its first part. For more transports, use one listener for each
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#ifdef RIGHT
template class sigfire::server<sigfire::loopback>;
#else
template class sigfire::server<sigfire::loopback, sigfire::loopback>;
#endif
