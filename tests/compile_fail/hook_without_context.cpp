// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_message has the wrong signature: expected errc on_message(message_context&,
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    errc on_message(message_context&, event::send&) { return {}; }
#else
    errc on_message(event::send&) { return {}; }
#endif
};

template class sigfire::hooks<hook>;
