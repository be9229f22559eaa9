// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: two parts of this server play the same role
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct own {
    sigfire::errc permit(const sigfire::act&, const auto&) { return {}; }
};

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, own>;
#else
template class sigfire::server<sigfire::loopback, sigfire::private_rooms, own>;
#endif
