// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: send through the hub: srv.post
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

void tell(sigfire::server<sigfire::loopback>& srv) {
#ifdef RIGHT
    srv.post([](auto& hub) { hub.send("some-id", "news", "{}"); });
#else
    srv.send("some-id", "news", "{}");
#endif
}
