// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_request of this feature takes no event: expected for example void on_request(
#include <sigfire/hub/feature.hpp>

using namespace sigfire;

// It has forgotten the asker.
struct own : feature {
#ifdef RIGHT
    void on_request(auto&, peer_handle, event::join&) {}
#else
    void on_request(auto&, event::join&) {}
#endif
};

template class sigfire::features<own>;
