// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_message has the wrong signature: expected errc on_message(message_context&,
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

// One overload is right, and the other one would never be called.
struct hook {
    errc on_message(message_context&, event::send&) { return {}; }
#ifdef RIGHT
    errc on_message(message_context&, event::join&) { return {}; }
#else
    bool on_message(message_context&, event::join&) { return true; }
#endif
};

template class sigfire::hooks<hook>;
