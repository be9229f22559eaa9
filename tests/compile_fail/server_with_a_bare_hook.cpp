// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: put the hooks of a server into one chain: hooks{your_hook{}}
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct refuses_all {
    sigfire::errc on_admit(const sigfire::request&, sigfire::admission&) { return sigfire::errc::denied; }
};

#ifdef RIGHT
template class sigfire::server<sigfire::loopback, sigfire::hooks<refuses_all>>;
#else
template class sigfire::server<sigfire::loopback, refuses_all>;
#endif
