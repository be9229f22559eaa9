// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a part of this server is not a Codec, Registry, Router, Log, HttpHandler
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct own {
#ifdef RIGHT
    sigfire::errc permit(const sigfire::act&, const auto&) { return {}; }
#else
    bool permit(const sigfire::act&, const auto&) { return true; }
#endif
};

template class sigfire::server<sigfire::loopback, own>;
