// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Router requirements not met
#include "models.hpp"

#include <sigfire/hub/hub.hpp>

struct router {
#ifdef RIGHT
    sigfire::errc route(const auto&, sigfire::peer_handle, const sigfire::event::send&, auto) { return {}; }
#else
    void route(const auto&, sigfire::peer_handle, const sigfire::event::send&, auto) {}
#endif
};

template class sigfire::hub<models::registry, router, models::channel>;
