// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: attached functions need a hub with the feature requests{}
#include "models.hpp"

#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/hub.hpp>

using namespace sigfire;

#ifdef RIGHT
using parts = features<topics, requests>;
#else
using parts = features<topics>;
#endif

void attach(hub<models::registry, models::router, models::channel, no_log, no_hooks, parts>& h) {
    h.attach("clock", [](call& c) { c.reply("{}"); });
}
