// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this HttpHandler has the wrong signature
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct page {
#ifdef RIGHT
    bool operator()(const sigfire::request&, sigfire::response& out) { return out.status = 204, true; }
#else
    int operator()(const sigfire::request&, sigfire::response&) { return 204; }
#endif
};

template class sigfire::server<sigfire::loopback, page>;
