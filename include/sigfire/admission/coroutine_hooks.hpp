// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/pending_admissions.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/hub/commands.hpp>
#include <sigfire/hub/hooks.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

/** @file
 *  Lets a hook await before it admits a connection, and a command await before it replies.
 *
 *  With this header, a hook may have this member:
 *  `boost::asio::awaitable<errc> on_admit_deferred(const request&, admission&)`.
 *  It runs on the io_context of the server. It may read the request and change the admission until it ends.
 *
 *  Meanwhile the server holds the connection and reads nothing from it. It processes later bytes after the
 *  welcome. If the coroutine throws, the server logs the exception. It then refuses the connection with
 *  status 500 or close code 4500.
 *
 *  The server cancels the coroutine (`terminal`) if the peer disconnects, or if the server stops or is
 *  destroyed. It also cancels after `listener_options::admission_timeout`, and refuses the connection with
 *  status 503 or close code 4003. The server ignores the result of a cancelled coroutine. A coroutine that
 *  ignores the cancellation keeps the io_context busy until it ends. */

// Asio has a function with this name, and Qt has a macro.
#pragma push_macro("emit")
#undef emit

namespace sigfire::inline v0_1::detail {

template <class Executor>
class awaited_run<boost::asio::awaitable<errc, Executor>> {
public:
    /// Calls `done(cause, failure)` after `asked` has ended, never during this call. `failure` is the message
    /// of its exception.
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

} // namespace sigfire::inline v0_1::detail

#pragma pop_macro("emit")

namespace sigfire::inline v0_1 {

/// A copy of a command of a peer, for coroutines.
struct command_request {
    std::string name{};          ///< name of the command
    std::string from{};          ///< id of the sending peer
    std::string to{};            ///< id of the peer that the command names, or empty
    std::string topic{};         ///< topic that the command names, or empty
    std::string data{};          ///< data in the format of `wire`, JSON text by default; empty = none
    wire_id wire = default_wire; ///< format of `data`
};

/// The result of a command.
struct command_reply {
    std::string data{};    ///< JSON text for the reply if `cause` is `ok`; empty = none
    errc cause = errc::ok; ///< `ok`, or the cause of the failure
    std::string text{};    ///< failure text; empty = the text of the cause
};

/** Makes a coroutine a function of `commands`: `commands{{"find", coroutine_command(io, find)}}` with
 *  `awaitable<command_reply> find(command_request)`.
 *
 *  Further messages of the sender wait until the coroutine has ended. After `hub_options::deferral_timeout`
 *  the reply is `expired`, and the hub ignores the result. It also ignores the result if the peer or the
 *  server is gone. With `ok` and no data, the hub processes a command that it knows. If the coroutine throws,
 *  the reply is `internal_error`.
 *  @param io the io_context of the server
 *  @param coroutine the coroutine; it may outlive the server, and lives until its last call has ended */
template <class F>
commands::function coroutine_command(boost::asio::io_context& io, F coroutine) {
    return [&io, shared = std::make_shared<F>(std::move(coroutine))](message_context& context,
                                                                     const command_view& c) {
        command_request asked;
        asked.name = c.name;
        asked.from = c.from;
        asked.to = c.to;
        asked.topic = c.topic;
        asked.data = c.data.bytes;
        asked.wire = c.data.wire;
        boost::asio::co_spawn(io, (*shared)(std::move(asked)),
                              [shared, ticket = context.defer(), known = c.known](
                                  const std::exception_ptr& thrown, command_reply reply) mutable {
                                  if (thrown)
                                      ticket.refuse(errc::internal_error);
                                  else if (reply.cause != errc::ok)
                                      ticket.refuse(reply.cause, std::move(reply.text));
                                  else if (known && reply.data.empty())
                                      ticket.pass();
                                  else
                                      ticket.reply(std::move(reply.data));
                              });
        return errc::deferred;
    };
}

} // namespace sigfire::inline v0_1
