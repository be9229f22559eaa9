// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_deliver has the wrong signature: expected bool on_deliver(peer_handle, const
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    bool on_deliver(peer_handle, const event::send&) { return true; }
#else
    bool on_deliver(peer_handle, event::send&) { return true; }
#endif
};

template class sigfire::hooks<hook>;
