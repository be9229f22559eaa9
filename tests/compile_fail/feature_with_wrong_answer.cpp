// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a member of this feature hides one of class feature, but has another signature
#include <sigfire/hub/feature.hpp>

using namespace sigfire;

struct own : feature {
#ifdef RIGHT
    errc on_send(auto&, peer_handle, event::send&) { return errc::ok; }
#else
    bool on_send(auto&, peer_handle, event::send&) { return true; }
#endif
};

template class sigfire::features<own>;
