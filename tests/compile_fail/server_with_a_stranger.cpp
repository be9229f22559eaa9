// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a part of this server is not a Codec, Registry, Router, Log, HttpHandler, hooks{...}
#include "models.hpp"

#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct stranger {
#ifdef RIGHT // a router
    sigfire::errc route(const auto&, sigfire::peer_handle, const sigfire::event::send&, auto) { return {}; }
#endif
};

template class sigfire::server<sigfire::loopback, stranger>;
