// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_close has the wrong signature: expected void on_close(peer_handle, errc)
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook final {
#ifdef RIGHT
    void on_close(peer_handle, errc) {}
#else
    void on_close(peer_handle) {}
#endif
};

template class sigfire::hooks<hook>;
