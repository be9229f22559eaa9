// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/detail/admissions.hpp>
#include <sigfire/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

/** Lets hooks await something before they let a connection in: include this beside the server, and a hook may
 *  have
 *
 *  `boost::asio::awaitable<errc> on_admit(const request&, admission&)`
 *
 *  It runs on the server's io_context, and may read the request and change the admission until it ends.
 *  Meanwhile the connection is held: nothing is read from it, and what came behind its request is heard after
 *  its welcome. What the coroutine throws refuses the connection like an error of the server (500, close code
 *  4500), and is told to the log. It is cancelled (terminal) if the peer goes away, if the server stops or is
 *  destroyed, or if it takes longer than `listener_options::admission_timeout`, which is answered by 503 or
 *  close code 4003; what it says afterwards is of no interest. One that does not heed the cancellation keeps
 *  the io_context at work until it ends. */
namespace sigfire::detail {

template <class Executor>
class awaited_run<boost::asio::awaitable<errc, Executor>> {
public:
    /// Calls `done(cause, failure)` once `asked` has ended, never from in here; `failure` is what it threw.
    template <class F>
    void start(boost::asio::io_context& io, boost::asio::awaitable<errc, Executor> asked, F done) {
        boost::asio::co_spawn(
            io.get_executor(), std::move(asked),
            boost::asio::bind_cancellation_slot(
                cancelled_.slot(), [done = std::move(done)](const std::exception_ptr& thrown, errc cause) {
                    done(cause, what(thrown));
                }));
    }

    void cancel() { cancelled_.emit(boost::asio::cancellation_type::terminal); }

private:
    static std::optional<std::string> what(const std::exception_ptr& thrown) {
        if (!thrown) return {};
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            return e.what();
        } catch (...) {
            return "unknown exception";
        }
    }

    boost::asio::cancellation_signal cancelled_;
};

} // namespace sigfire::detail
