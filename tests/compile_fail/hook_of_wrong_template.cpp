// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_message has the wrong signature: expected errc on_message(message_context&,
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    errc on_message(auto& context, auto& e) {
        return context.keep("x") == e.command ? errc::ok : errc::denied;
    }
#else
    errc on_message(auto& e) { return e.command.empty() ? errc::ok : errc::denied; }
#endif
};

template class sigfire::hooks<hook>;
