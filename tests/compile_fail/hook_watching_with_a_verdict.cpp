// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_event has the wrong signature: expected void on_event(peer_handle, const event::send&)
#include <sigfire/hub/hooks.hpp>

struct watches {
    sigfire::errc on_event(sigfire::peer_handle, const sigfire::event::send&) { return {}; }
};

sigfire::hooks chain{watches{}};
