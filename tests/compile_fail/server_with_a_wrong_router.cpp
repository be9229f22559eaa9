// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: route of this Router has the wrong signature
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

// Its route has forgotten the sender.
struct router {
#ifdef RIGHT
    sigfire::errc route(const auto&, sigfire::peer_handle, const sigfire::event::send&, auto) { return {}; }
#else
    sigfire::errc route(const auto&, const sigfire::event::send&, auto) { return {}; }
#endif
};

template class sigfire::server<sigfire::loopback, router>;
