// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_admit has the wrong shape: errc on_admit(const request&, admission&), or
#include <sigfire/hub/hooks.hpp>

#include <boost/asio/awaitable.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    boost::asio::awaitable<errc> on_admit(const request&, admission&) { co_return errc::ok; }
#else
    boost::asio::awaitable<bool> on_admit(const request&, admission&) { co_return true; }
#endif
};

template class sigfire::hooks<hook>;
