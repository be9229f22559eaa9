// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Policy requirements not met
#include "models.hpp"

#include <sigfire/hub/hub.hpp>

using namespace sigfire;

struct policy {
#ifdef RIGHT
    errc permit(const act&, const auto&) { return {}; }
#else
    bool permit(const act&, const auto&) { return true; }
#endif
};

template class sigfire::hub<models::registry, models::router, models::channel, no_log, no_hooks, features<>,
                            policy>;
