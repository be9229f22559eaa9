// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_event has the wrong signature: expected void on_event(peer_handle, const event::send&)
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    void on_event(peer_handle, const event::send&) {}
#else
    errc on_event(peer_handle, const event::send&) { return {}; }
#endif
};

template class sigfire::hooks<hook>;
