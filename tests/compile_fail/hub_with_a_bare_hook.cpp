// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: the hooks of a hub are a chain: hooks{...}
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
