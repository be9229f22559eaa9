// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_open has the wrong signature: expected void on_open(peer_handle, const admission&)
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

// Static, and beside one that is right in another hook.
struct other {
    void on_open(peer_handle, const admission&) {}
};
struct hook {
#ifdef RIGHT
    static void on_open(peer_handle, const admission&) {}
#else
    static void on_open(peer_handle) {}
#endif
};

template class sigfire::hooks<other, hook>;
