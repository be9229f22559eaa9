// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this HttpHandler returns void: expected bool operator()
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include <string>

struct page {
#ifdef RIGHT
    bool operator()(const sigfire::request&, sigfire::response& out, auto& hub) {
        return out.body = std::to_string(hub.size()), true;
    }
#else
    void operator()(const sigfire::request&, sigfire::response& out, auto& hub) {
        out.body = std::to_string(hub.size());
    }
#endif
};

template class sigfire::server<sigfire::loopback, page>;
