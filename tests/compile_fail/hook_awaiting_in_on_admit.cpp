// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: coroutine is awaitable<errc> on_admit_deferred(const request&, admission&)
#include <sigfire/hub/hooks.hpp>

#include <boost/asio/awaitable.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    boost::asio::awaitable<errc> on_admit_deferred(const request&, admission&) { co_return errc::ok; }
#else
    boost::asio::awaitable<errc> on_admit(const request&, admission&) { co_return errc::ok; }
#endif
};

template class sigfire::hooks<hook>;
