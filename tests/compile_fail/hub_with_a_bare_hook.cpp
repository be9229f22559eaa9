// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: give hooks to a hub as a chain: hooks{...}
#include "models.hpp"

#include <sigfire/hub/hub.hpp>

struct hook {
    void on_close(sigfire::peer_handle, sigfire::errc) {}
};

#ifdef RIGHT
template class sigfire::hub<models::registry, models::router, models::channel, sigfire::no_log,
                            sigfire::hooks<hook>>;
#else
template class sigfire::hub<models::registry, models::router, models::channel, sigfire::no_log, hook>;
#endif
