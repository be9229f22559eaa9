// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/rpc/detail/rpc_core.hpp>
#include <sigfire/rpc/detail/rpc_handler.hpp>
#include <sigfire/rpc/options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/assert/source_location.hpp>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sigfire::inline v0_1 {

/// The failure of a command on the other side.
struct rpc_failure {
    std::string message; ///< the other side's text, UTF-8
};

/// Throws `std::runtime_error` with the text, for `boost::system::result`.
[[noreturn]] inline void throw_exception_from_error(const rpc_failure& f, const boost::source_location&) {
    throw std::runtime_error{f.message};
}

/// The outcome of a command on the other side: a `T`, or the text of its failure.
template <class T>
using rpc_result = boost::system::result<T, rpc_failure>;

namespace detail {

// Converts a reply into the `Result` of a call. A failed call has a default-constructed `Result`.
template <class Result>
struct rpc_conversion {
    using completion = detail::completion<error_code, Result>;
    using signature = void(error_code, Result);

    static void settle(completion& done, error_code why, rpc_reply reply) {
        if (!why && reply.status != errc::ok) why = reply.status;
        // An older version of the other side leaves out values that are false in JavaScript.
        if (why || !reply.result) return done.complete(why, Result{});
        auto read = rpc_read<Result>(*reply.result);
        read ? done.complete({}, *std::move(read)) : done.complete(errc::malformed, Result{});
    }
};

template <>
struct rpc_conversion<void> {
    using completion = detail::completion<error_code>;
    using signature = void(error_code);

    static void settle(completion& done, error_code why, const rpc_reply& reply) {
        if (!why && reply.status != errc::ok) why = reply.status;
        done.complete(why);
    }
};

template <class T>
struct rpc_conversion<rpc_result<T>> {
    using outcome = rpc_result<T>;
    using completion = detail::completion<error_code, outcome>;
    using signature = void(error_code, outcome);

    static void settle(completion& done, error_code why, rpc_reply reply) {
        if (why) return done.complete(why, outcome{});
        if (reply.status != errc::ok)
            return done.complete({}, outcome{outcome::in_place_error, rpc_failure{std::move(reply.message)}});
        if constexpr (std::is_void_v<T>) {
            done.complete({}, outcome{});
        } else {
            if (!reply.result) return done.complete({}, outcome{});
            auto read = rpc_read<T>(*reply.result);
            read ? done.complete({}, outcome{outcome::in_place_value, *std::move(read)})
                 : done.complete(errc::malformed, outcome{});
        }
    }
};

template <class Result>
struct rpc_call final : rpc_waiter {
    explicit rpc_call(typename rpc_conversion<Result>::completion d) : done{std::move(d)} {}

    void settle(error_code why, rpc_reply reply) override {
        rpc_conversion<Result>::settle(done, why, std::move(reply));
    }

    typename rpc_conversion<Result>::completion done;
};

template <class Result, class... Args>
inline constexpr bool rpc_ends_with_token = false;
template <class Result, class First, class... Rest>
inline constexpr bool rpc_ends_with_token<Result, First, Rest...> =
    boost::asio::completion_token_for<std::tuple_element_t<sizeof...(Rest), std::tuple<First, Rest...>>,
                                      typename rpc_conversion<Result>::signature>;

} // namespace detail

/** Events and commands between two processes, in both directions, over a Unix socket or an inherited
 *  descriptor. The wire has one JSON document per line and is compatible with Wormhole 2.x. So the other side
 *  may be node: a child gets its descriptor through `spawn(..., { stdio: [..., "ipc"] })`.
 *
 *      sigfire::rpc parent{io};
 *      parent.define("add", [](int a, int b) { return a + b; });
 *      parent.on("quit", [&] { parent.close(asio::detached); });
 *      if (auto ec = parent.inherit()) return ec.value();
 *      parent.notify("ready", getpid());
 *      auto name = co_await parent.call<std::string>("name of", 7);
 *
 *  Needs Boost.JSON: link the library, or compile `<boost/json/src.hpp>` in one source file. Arguments and
 *  results may have any type that Boost.JSON converts (`value_from`, `value_to`). As in JavaScript, missing
 *  arguments are null, and extra arguments are ignored.
 *
 *  Each operation takes a completion token, by default `asio::deferred`. The operation never completes inside
 *  the call that starts it, and can be cancelled. Cancellation of `connect`, `accept` and `close` drops the
 *  connection. After cancellation of `call`, the command may still run, and its reply is ignored.
 *  Cancellation of `wait` only ends the wait.
 *
 *  When the connection ends, all operations complete with the cause. The cause is `closed`, `lost`, or the
 *  reason why this side ended the connection. Reasons are `malformed` (a line that is not JSON, or nests more
 *  than 512 deep), `too_large`, `bad_utf8`, `flood` and `slow_consumer`. Afterwards, the rpc may be opened
 *  again. No input from the other side causes an exception. `rpc_options` bounds the memory that the other
 *  side can make this side use.
 *
 *  Handlers run on the executor, one after the other, in the order of the messages. An exception of an event
 *  handler propagates out of the context's `run`. An exception of a command goes to the caller as a text: the
 *  message of a `system_error`'s code, or `what()`.
 *
 *  Not thread-safe. On an io_context with several threads, use a strand, and use the rpc, including
 *  cancellation, only on that strand. An rpc may be destroyed while operations are in progress. They then
 *  complete with `operation_aborted`; coroutines of commands continue, and their results are dropped. The
 *  execution context must outlive the rpc. */
class rpc {
    template <class Token>
    static constexpr bool for_error = boost::asio::completion_token_for<Token, void(error_code)>;

public:
    /// The executor type.
    using executor_type = boost::asio::any_io_executor;

    /// An rpc with default options. Handlers and completions run on `executor`.
    explicit rpc(executor_type executor) : rpc{std::move(executor), rpc_options()} {}
    /// An rpc with `options`.
    rpc(executor_type executor, rpc_options options)
        : core_{std::make_shared<detail::rpc_core>(std::move(executor), options)} {}

    /// An rpc on the executor of `context`, with default options.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    explicit rpc(Context& context) : rpc{executor_type{context.get_executor()}} {}
    /// An rpc on the executor of `context`, with `options`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    rpc(Context& context, rpc_options options) : rpc{executor_type{context.get_executor()}, options} {}

    /// Not copyable.
    rpc(const rpc&) = delete;
    /// Not copyable.
    rpc& operator=(const rpc&) = delete;
    /// Aborts the operations in progress and closes the connection.
    ~rpc() { core_->abandon(); }

    /// The executor of handlers and completions.
    executor_type get_executor() const { return core_->executor(); }

    /// Whether there is an open connection that is not closing.
    bool connected() const { return core_->online(); }

    /** Connects to the Unix socket at `path`, at most 107 bytes. Errors: those of the system,
     *  `already_connected`. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto connect(std::string path, Token&& token = Token{}) {
        return start([](auto& core, auto&& done, std::string& at) { core.connect(at, std::move(done)); },
                     token, std::move(path));
    }

    /** Listens on a Unix socket at `path`, at most 107 bytes, until one peer has connected. Then removes the
     *  path. Errors: those of the system, `already_connected`. The error is `address_in_use` if a file
     *  already exists at `path`, even a socket without a listener. To serve many peers, accept connections
     *  yourself and `adopt` each one in an rpc of its own. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto accept(std::string path, Token&& token = Token{}) {
        return start([](auto& core, auto&& done, std::string& at) { core.accept(at, std::move(done)); },
                     token, std::move(path));
    }

    /** Takes ownership of `fd`, a connected stream socket: one end of a socketpair, an accepted or an
     *  inherited socket. On error, the caller keeps `fd`. Errors: those of the system, `already_connected`.
     */
    [[nodiscard]] error_code adopt(int fd) { return core_->adopt(fd); }

    /** Takes ownership of the descriptor that a node parent passes in the environment variable
     *  `NODE_CHANNEL_FD`. Removes the variable, so that later child processes do not use the descriptor. Do
     *  not call while other threads read the environment.
     *  @returns `ok`, an error of `adopt`, or `not_connected`. `not_connected` means that there is no such
     *    parent, or that the parent's `serialization` is not JSON. */
    [[nodiscard]] error_code inherit() {
        const auto told = std::getenv("NODE_CHANNEL_FD"),
                   mode = std::getenv("NODE_CHANNEL_SERIALIZATION_MODE");
        if (!told || (mode && std::string_view{mode} != "json")) return errc::not_connected;
        const std::string_view text{told};
        int fd = -1;
        const auto [at, failed] = std::from_chars(text.data(), text.data() + text.size(), fd);
        if (failed != std::errc{} || at != text.data() + text.size()) return errc::not_connected;
        const auto ec = adopt(fd);
        if (!ec) ::unsetenv("NODE_CHANNEL_FD"), ::unsetenv("NODE_CHANNEL_SERIALIZATION_MODE");
        return ec;
    }

    /** Calls `handler(args...)` for each event `event`, and replaces an earlier handler. The parameters of
     *  the handler need explicit types. */
    template <class F>
    void on(std::string event, F handler) {
        core_->events.insert_or_assign(std::move(event), detail::rpc_event_handler(std::move(handler)));
    }

    /// Removes the handler of `event`.
    void off(std::string_view event) {
        if (const auto at = core_->events.find(event); at != core_->events.end()) core_->events.erase(at);
    }

    /** Calls `handler(args...)` for each call of `command` and replies with its result. Replaces an earlier
     *  handler. The parameters of the handler need explicit types. The handler returns a value, nothing, or
     *  an `asio::awaitable` of either. With an awaitable, several calls may be in progress. A call with
     *  arguments of wrong types fails with `malformed`. */
    template <class F>
    void define(std::string command, F handler) {
        core_->commands.insert_or_assign(std::move(command),
                                         detail::rpc_command_handler(std::move(handler), core_->executor()));
    }

    /// Removes the handler of `command`: calls fail with `unknown_command`.
    void undefine(std::string_view command) {
        if (const auto at = core_->commands.find(command); at != core_->commands.end())
            core_->commands.erase(at);
    }

    /** Calls `handler(document)` for each document without another handler. These are documents that are not
     *  events, commands or results. They also include events without a handler, or with arguments of wrong
     *  types. An empty function ignores them. */
    void on_message(std::function<void(boost::json::value)> handler) { core_->other = std::move(handler); }

    /** Sends an event. Throws if the conversion of an argument throws.
     *  @returns `ok`, `not_connected`, `full` if more than `rpc_options::outbox` bytes wait already,
     *    `too_large`, or `malformed` for text that is not UTF-8 */
    template <class... Args>
    errc notify(std::string_view event, Args&&... args) {
        return core_->say(detail::rpc_event(event, detail::rpc_array(std::forward<Args>(args)...)));
    }

    /// Sends any document; the other side gets it as it is. Errors as for `notify`.
    errc send(const boost::json::value& document) { return core_->say(document); }

    /** `call<Result>(command, args..., token)`: calls a command of the other side. The operation completes
     *  with `void(error_code, Result)`, or with `void(error_code)` if `Result` is `void`. If the call fails,
     *  or the reply has no result, `Result` is default-constructed.
     *
     *  When the command fails, the error is the cause with the text of the reply. An unknown command gives
     *  `unknown_command`; any other text gives `denied`. To get the text, use `rpc_result<T>` as `Result`.
     *  Other errors are `malformed` if the result does not convert to `Result`, and `request_timeout` without
     *  a reply. If the call cannot be sent, the errors are those of `notify`, and `full` if
     *  `rpc_options::calls` calls already wait. Throws if the conversion of an argument throws. */
    template <class Result = void, class... Args>
    [[nodiscard]] auto call(std::string command, Args&&... args) {
        if constexpr (detail::rpc_ends_with_token<Result, Args...>)
            return call_with<Result>(std::move(command), std::make_index_sequence<sizeof...(Args) - 1>{},
                                     std::forward_as_tuple(std::forward<Args>(args)...));
        else
            return begin_call<Result>(std::move(command), detail::rpc_array(std::forward<Args>(args)...),
                                      boost::asio::deferred_t{});
    }

    /// Completes with the cause when the connection ends; at once if there is no connection.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto wait(Token&& token = Token{}) {
        return start([](auto& core, auto&& done) { core.wait(std::move(done)); }, token);
    }

    /** Sends all waiting output and closes this side. Completes without error when the other side has closed
     *  too. Otherwise completes with `close_timeout`, `not_connected`, or the cause of another end. Calls
     *  that get their reply meanwhile complete normally; all other calls complete with `closed`. Later
     *  results of commands are not sent. Aborts a `connect` or `accept` in progress. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto close(Token&& token = Token{}) {
        return start([](auto& core, auto&& done) { core.close(std::move(done)); }, token);
    }

private:
    // A deferred operation keeps the core, because the rpc may be destroyed before the operation starts.
    template <class Token, class F, class... Args>
    auto start(F f, Token& token, Args... args) {
        return boost::asio::async_initiate<Token, void(error_code)>(
            [core = core_, f](auto handler, Args... given) {
                f(*core, detail::completion<error_code>{std::move(handler), core->executor()}, given...);
            },
            token, std::move(args)...);
    }

    template <class Result, std::size_t... I, class Tuple>
    auto call_with(std::string command, std::index_sequence<I...>, Tuple&& all) {
        return begin_call<Result>(std::move(command), detail::rpc_array(std::get<I>(std::move(all))...),
                                  std::get<sizeof...(I)>(std::move(all)));
    }

    template <class Result, class Token>
    auto begin_call(std::string command, boost::json::array args, Token&& token) {
        using conversion = detail::rpc_conversion<Result>;
        return boost::asio::async_initiate<Token, typename conversion::signature>(
            [core = core_](auto handler, const std::string& name, boost::json::array given) {
                auto waiter = std::make_unique<detail::rpc_call<Result>>(
                    typename conversion::completion{std::move(handler), core->executor()});
                const auto& done = waiter->done;
                core->call(name, std::move(given), std::move(waiter), [&done](auto f) {
                    using kind = boost::asio::cancellation_type;
                    done.on_cancel(kind::terminal | kind::partial, std::move(f));
                });
            },
            token, std::move(command), std::move(args));
    }

    std::shared_ptr<detail::rpc_core> core_;
};

} // namespace sigfire::inline v0_1
