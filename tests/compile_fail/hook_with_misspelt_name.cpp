// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a hook needs at least one of on_admit, on_admit_deferred, on_open, on_event, on_message
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    errc on_message(message_context&, event::send&) { return {}; }
#else
    errc on_mesage(message_context&, event::send&) { return {}; }
#endif
};

template class sigfire::hooks<hook>;
