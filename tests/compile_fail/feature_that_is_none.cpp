// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Feature requirements not met
#include <sigfire/hub/feature.hpp>

using namespace sigfire;

#ifdef RIGHT
struct own : feature {
#else
struct own {
#endif
    void on_close(auto&, peer_handle, errc) {}
};

template class sigfire::features<own>;
