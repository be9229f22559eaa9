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

namespace sigfire {

/// Why a command of the other side's failed, in its words.
struct rpc_failure {
    std::string message;
};

[[noreturn]] inline void throw_exception_from_error(const rpc_failure& f, const boost::source_location&) {
    throw std::runtime_error{f.message};
}

/// The outcome of a command of the other side's: a `T`, or its words on why not.
template <class T>
using rpc_result = boost::system::result<T, rpc_failure>;

namespace detail {

// How a reply becomes the `Result` of a call. `none` is that of a call that failed.
template <class Result>
struct rpc_conversion {
    using completion = detail::completion<error_code, Result>;
    using signature = void(error_code, Result);

    static void settle(completion& done, error_code why, rpc_reply reply) {
        if (!why && reply.status != errc::ok) why = reply.status;
        // A side that is older leaves out values that are false in JavaScript.
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

/** Events and commands between two processes, both ways, through a Unix socket or an inherited descriptor.
 * One JSON document per line, compatible with Wormhole 2.x, so that the other side may be node: a child gets
 * its descriptor through `spawn(..., { stdio: [..., 'ipc'] })`.
 *
 *      sigfire::rpc parent{io};
 *      parent.define("add", [](int a, int b) { return a + b; });
 *      parent.on("quit", [&] { parent.close(asio::detached); });
 *      if (auto ec = parent.inherit()) return ec.value();
 *      parent.notify("ready", getpid());
 *      auto name = co_await parent.call<std::string>("name of", 7);
 *
 *  Needs Boost.JSON: link it, or compile `<boost/json/src.hpp>` in one source file. Arguments and results are
 *  of any type that it converts (`value_from`, `value_to`). As in JavaScript arguments that are missing are
 *  null, and those that are too many are ignored.
 *
 *  Each operation takes a completion token, by default `asio::deferred`. It is never completed from within
 *  the call that starts it, and can be cancelled (`connect`, `accept`, `close`: the connection is dropped
 *  then; `call`: the other side may have got it, its reply is ignored; `wait`: nothing happens). When the
 *  connection ends, operations under way end with the cause: `closed`, `lost`, or why it was ended here:
 *  `malformed` for a line that is no JSON (nesting over 512 included), `too_large`, `bad_utf8`, `flood`,
 *  `slow_consumer`. Nothing that the other side sends throws, and the memory that it can cost this side is
 *  bounded by `rpc_options`. Then it may be opened again.
 *
 *  Handlers run on the executor, one after the other in the order of the messages. An exception of an event
 *  handler comes out of the context's `run`. An exception of a command is told to the caller: the message of
 *  a `system_error`'s code, or `what()`.
 *
 *  Thread safety: none; on an io_context run by several threads give it a strand, and use it, cancellation
 *  included, on that strand only. An rpc may be destroyed with operations under way: they complete with
 *  `operation_aborted`, and coroutines of commands run on, their results going nowhere. The execution context
 *  outlives it. */
class rpc {
    template <class Token>
    static constexpr bool for_error = boost::asio::completion_token_for<Token, void(error_code)>;

public:
    using executor_type = boost::asio::any_io_executor;

    explicit rpc(executor_type executor) : rpc{std::move(executor), rpc_options()} {}
    rpc(executor_type executor, rpc_options options)
        : core_{std::make_shared<detail::rpc_core>(std::move(executor), options)} {}

    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    explicit rpc(Context& context) : rpc{executor_type{context.get_executor()}} {}
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    rpc(Context& context, rpc_options options) : rpc{executor_type{context.get_executor()}, options} {}

    rpc(const rpc&) = delete;
    rpc& operator=(const rpc&) = delete;
    ~rpc() { core_->abandon(); }

    executor_type get_executor() const { return core_->executor(); }

    /// Whether there is a connection on which something can be said.
    bool connected() const { return core_->online(); }

    /** Connects to the Unix socket at `path`, at most 107 bytes. Errors: those of the system,
     *  `already_connected`. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    auto connect(std::string path, Token&& token = Token{}) {
        return start([](auto& core, auto&& done, std::string& at) { core.connect(at, std::move(done)); },
                     token, std::move(path));
    }

    /** Listens on a Unix socket at `path`, at most 107 bytes, until one has connected; then the path is
     *  removed. Errors: those of the system (`address_in_use` if there is a file of that name, even one that
     *  nobody listens on any more), `already_connected`. To serve many, accept them yourself and `adopt`
     *  each in an rpc of its own. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    auto accept(std::string path, Token&& token = Token{}) {
        return start([](auto& core, auto&& done, std::string& at) { core.accept(at, std::move(done)); },
                     token, std::move(path));
    }

    /** Takes over `fd`, a stream socket that is connected: one half of a socketpair, or one that was accepted
     *  or inherited. It is the caller's still if there is an error: one of the system's,
     *  `already_connected`. */
    error_code adopt(int fd) { return core_->adopt(fd); }

    /** Takes over the descriptor that a parent told in `NODE_CHANNEL_FD`, as node does, and removes that from
     *  the environment, so that programs started later do not look for it: not while other threads read it.
     *  @returns `not_connected` if there is no such parent, or one that does not speak JSON there (see node's
     *  `serialization`), and the errors of `adopt`. */
    error_code inherit() {
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

    /** Calls `handler(args...)` for each event of that name; it takes the place of the one before. Its
     *  arguments are of stated types. */
    template <class F>
    void on(std::string event, F handler) {
        core_->events.insert_or_assign(std::move(event), detail::rpc_event_handler(std::move(handler)));
    }

    /// No handler for that event any more.
    void off(std::string_view event) {
        if (const auto at = core_->events.find(event); at != core_->events.end()) core_->events.erase(at);
    }

    /** Calls `handler(args...)` for each call of that command, and replies with its result; it takes the
     *  place of the handler before. Its arguments are of stated types. It returns a value, nothing, or an
     *  `asio::awaitable` of these, in which case any number of calls may be under way. Calls with arguments
     *  that do not fit fail with `malformed`. */
    template <class F>
    void define(std::string command, F handler) {
        core_->commands.insert_or_assign(std::move(command),
                                         detail::rpc_command_handler(std::move(handler), core_->executor()));
    }

    /// No handler for that command any more: calls fail with `unknown_command`.
    void undefine(std::string_view command) {
        if (const auto at = core_->commands.find(command); at != core_->commands.end())
            core_->commands.erase(at);
    }

    /** Calls `handler(document)` for each `boost::json::value` that nobody took: one that is neither event
     * nor command nor result, and events without a handler or with arguments that do not fit it. Null:
     * ignored. */
    void on_message(std::function<void(boost::json::value)> handler) { core_->other = std::move(handler); }

    /** Sends an event.
     *  @returns `not_connected`, `full` if `rpc_options::outbox` bytes wait already, `too_large`, `malformed`
     *  for text that is not UTF-8, or `ok`. Throws if the conversion of an argument throws. */
    template <class... Args>
    errc notify(std::string_view event, Args&&... args) {
        return core_->say(detail::rpc_event(event, detail::rpc_array(std::forward<Args>(args)...)));
    }

    /// Sends any document, which the other side hears of as such. Errors as for `notify`.
    errc send(const boost::json::value& document) { return core_->say(document); }

    /** `call<Result>(command, args..., token)`: calls a command of the other side's, and completes with its
     *  `Result`: `void(error_code, Result)`, for `void` `void(error_code)`. A `Result` is made of nothing,
     * too, which it then is if the call fails, or if the reply holds no result.
     *
     *  A command that failed is an error: the one with the text that came, `unknown_command`, or `denied` for
     * any other text. To have that text, ask for an `rpc_result<T>`. `malformed`: the result is no `Result`.
     * No reply: `request_timeout`. Not sent at all: as for `notify`, and `full` if `rpc_options::calls` wait
     * already. Throws if the conversion of an argument throws. */
    template <class Result = void, class... Args>
    auto call(std::string command, Args&&... args) {
        if constexpr (detail::rpc_ends_with_token<Result, Args...>)
            return call_with<Result>(std::move(command), std::make_index_sequence<sizeof...(Args) - 1>{},
                                     std::forward_as_tuple(std::forward<Args>(args)...));
        else
            return begin_call<Result>(std::move(command), detail::rpc_array(std::forward<Args>(args)...),
                                      boost::asio::deferred_t{});
    }

    /// Completes with the cause when the connection ends; at once if there is none.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    auto wait(Token&& token = Token{}) {
        return start([](auto& core, auto&& done) { core.wait(std::move(done)); }, token);
    }

    /** Sends all that waits and says goodbye; completes when the other side has too, without error, or with
     *  `close_timeout`, `not_connected`, or why the connection ended otherwise. Calls that are answered
     *  meanwhile end so, the others with `closed`; results that are ready later are not sent. A `connect` or
     *  `accept` under way is aborted. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    auto close(Token&& token = Token{}) {
        return start([](auto& core, auto&& done) { core.close(std::move(done)); }, token);
    }

private:
    // A deferred operation keeps the core, since the rpc may be gone when it is started.
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

} // namespace sigfire
