// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this HttpHandler has the wrong signature
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include <string>

struct page {
#ifdef RIGHT
    bool operator()(const sigfire::request&, sigfire::response& out) { return out.body = "hello", true; }
#else
    std::string operator()(const sigfire::request&) { return "hello"; }
#endif
};

template class sigfire::server<sigfire::loopback, page>;
