// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: hooks with on_admit_deferred need #include <sigfire/admission
#include <sigfire/sigfire.hpp>
#ifdef RIGHT
#include <sigfire/admission/coroutine_hooks.hpp>
#endif

#include <boost/asio/awaitable.hpp>

using namespace sigfire;

struct hook {
    boost::asio::awaitable<errc> on_admit_deferred(const request&, admission&) { co_return errc::ok; }
};

void serve(boost::asio::io_context& io) {
    server srv{websocket{io}, hooks{hook{}}};
}
