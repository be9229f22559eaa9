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

/** Lets hooks await something before they let a connection in, and commands before they reply: include this
 * beside the server, and a hook may have
 *
 *  `boost::asio::awaitable<errc> on_admit_deferred(const request&, admission&)`
 *
 *  It runs on the server's io_context, and may read the request and change the admission until it ends.
 *  Meanwhile the connection is held: nothing is read from it, and bytes behind its request are heard after
 *  its welcome. An exception of the coroutine refuses the connection like an error of the server (500, close
 *  code 4500), and is told to the log. It is cancelled (terminal) if the peer goes away, if the server stops
 *  or is destroyed, or if it takes longer than `listener_options::admission_timeout`, which is answered by
 *  503 or close code 4003; its answer afterwards is of no interest. One that does not heed the cancellation
 *  keeps the io_context at work until it ends. */
namespace sigfire::detail {

template <class Executor>
class awaited_run<boost::asio::awaitable<errc, Executor>> {
public:
    /// Calls `done(cause, failure)` once `asked` has ended, never from in here; `failure` is the message of
    /// its exception.
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

namespace sigfire {

/// A copy of a command of a peer, for coroutines.
struct command_request {
    std::string name{};          ///< the command
    std::string from{};          ///< id of the peer that sends it
    std::string to{};            ///< id of the peer that it names, if any
    std::string topic{};         ///< the topic that it names, if any
    std::string data{};          ///< JSON text unless `wire` says otherwise; empty = none
    wire_id wire = default_wire; ///< how the data are written
};

/// The outcome of a command.
struct command_reply {
    std::string data{};    ///< JSON text for the reply if `cause` is `ok`; empty = none
    errc cause = errc::ok; ///< anything else makes the reply a failure
    std::string text{};    ///< of a failure, instead of the cause's own text
};

/** A coroutine as one of `commands`: `commands{{"find", coroutine_command(io, find)}}` with
 *  `awaitable<command_reply> find(command_request)`. `io` is the io_context that the server runs on.
 *
 *  The sender's further messages wait until it has ended; after the hub's patience the reply is `expired`,
 * and the coroutine's answer is of no interest, as it is if the peer or the server has gone. `ok` without
 * data lets a command that the hub knows go its way. An exception of the coroutine makes the reply a failure,
 * `Internal Server Error`. It may outlive the server; `coroutine` lives until the last one has ended. */
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

} // namespace sigfire
