// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: permit of this Policy has the wrong signature
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct own {
#ifdef RIGHT
    sigfire::errc permit(const sigfire::act&, const auto&) { return {}; }
#else
    bool permit(const sigfire::act&, const auto&) { return true; }
#endif
};

template class sigfire::server<sigfire::loopback, own>;
