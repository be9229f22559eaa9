// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a codec may emit only events of incoming_events
#include "models.hpp"

#include <sigfire/hub/hub.hpp>

using namespace sigfire;

#ifdef RIGHT
using said = event::send;
#else
using said = event::welcome;
#endif

void receive(hub<models::registry, models::router, models::channel>& h, attachment& who, said& e) {
    h.received(who, e);
}
