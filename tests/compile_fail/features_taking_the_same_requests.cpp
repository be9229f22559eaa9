// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: two features of this hub take the same request
#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/feature.hpp>

struct own : sigfire::feature {
#ifdef RIGHT
    void on_request(auto&, sigfire::peer_handle, sigfire::event::watch&) {}
#else
    void on_request(auto&, sigfire::peer_handle, sigfire::event::lookup&) {}
#endif
};

template class sigfire::features<sigfire::topics, own>;
