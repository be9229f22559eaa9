// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: a member of this feature cannot be called like that of class feature which it hides
#include <sigfire/hub/feature.hpp>

using namespace sigfire;

struct own : feature {
    auto tick(auto& desk) { return desk.now() + std::chrono::seconds{1}; }
#ifdef RIGHT
    void closed(auto&, peer_handle, errc) {}
#else
    void closed(auto&, peer_handle) {}
#endif
};

template class sigfire::features<own>;
