// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this HttpHandler returns void: expected bool operator()
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct page {
#ifdef RIGHT
    bool operator()(const sigfire::request&, sigfire::response& out) { return out.body = "hello", true; }
#else
    void operator()(const sigfire::request&, sigfire::response& out) { out.body = "hello"; }
#endif
};

template class sigfire::server<sigfire::loopback, page>;
