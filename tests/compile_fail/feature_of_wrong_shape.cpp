// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a member of this feature hides one of class feature, but has another signature
#include <sigfire/hub/feature.hpp>

using namespace sigfire;

struct own : feature {
    auto on_tick(auto& context) { return context.now() + std::chrono::seconds{1}; }
#ifdef RIGHT
    void on_close(auto&, peer_handle, errc) {}
#else
    void on_close(auto&, peer_handle) {}
#endif
};

template class sigfire::features<own>;
