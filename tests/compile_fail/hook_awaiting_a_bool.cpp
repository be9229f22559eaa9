// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_admit_deferred has the wrong signature: expected awaitable<errc> on_admit_deferred(
#include <sigfire/hub/hooks.hpp>

#include <boost/asio/awaitable.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    boost::asio::awaitable<errc> on_admit_deferred(const request&, admission&) { co_return errc::ok; }
#else
    boost::asio::awaitable<bool> on_admit_deferred(const request&, admission&) { co_return true; }
#endif
};

template class sigfire::hooks<hook>;
