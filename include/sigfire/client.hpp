// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_core.hpp>
#include <sigfire/client/detail/client_start.hpp>
#include <sigfire/client/responder.hpp>
#include <sigfire/client/session.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/net/loopback.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

/** A peer of a signaling server, in C++. A client connects, sends requests, gets a reply to each of them,
 *  and receives messages of other peers.
 *
 *      sigfire::client c{io};
 *      auto [id, configuration] = co_await c.connect("ws://127.0.0.1:3003");
 *      co_await c.send(other, "offer", R"({"offer":{"type":"offer","sdp":"..."}})");
 *      auto said = co_await c.receive(); // said.command, said.from, said.data
 *
 *  Each operation takes a completion token; the default is `asio::deferred`. An operation never completes
 *  inside the call that starts it. Any number of requests and receives may be pending. Every operation can
 *  be cancelled:
 *
 *  - `connect`, `close`: the client drops the connection.
 *  - `request` and the other requests: the server may have received the request. The client ignores its
 *    reply.
 *  - `receive`: no message is lost.
 *
 *  Errors are values of `errc`. Errors of the operating system are passed on unchanged: a name does not
 *  resolve, a connection is refused. No input from a server makes the client throw.
 *
 *  When the connection ends, all pending operations complete with the cause: `closed`, `lost`, or the
 *  cause of the server's close code (`stopping`, `replaced`, `slow_consumer`, ...). `receive` still
 *  returns the messages that came before; then it completes with the cause too. After that, `connect` may
 *  be called again.
 *
 *  When no byte comes for `client_options::ping_interval`, the client pings the server. If no byte comes for
 * the same time again, the connection ends with `pong_timeout`.
 *
 *  With `client_options::reconnect`, the client reconnects by itself. `receive` reports this in order, as
 *  `offline` and `online`, and waits in between. The client keeps requests that are made while it is
 *  offline, up to `client_options::outbox` bytes, and sends them later. If the server resumes the
 *  connection, pending requests get their replies and no message is missing. If not, pending requests end
 *  with the cause or with `lost`; the client then joins its topics and watches again. When the client
 *  gives up, its operations end with the last cause.
 *
 *  Thread safety: none. If several threads run the io_context, give the client a strand; use and cancel
 *  the client on that strand only. A client may be destroyed while operations are pending; they complete
 *  with `operation_aborted`. The execution context outlives the client. */
class client {
    template <class Token>
    static constexpr bool for_welcome = boost::asio::completion_token_for<Token, void(error_code, welcome)>;
    template <class Token>
    static constexpr bool for_error = boost::asio::completion_token_for<Token, void(error_code)>;
    template <class Token>
    static constexpr bool for_data = boost::asio::completion_token_for<Token, void(error_code, std::string)>;
    template <class Token>
    static constexpr bool for_incoming = boost::asio::completion_token_for<Token, void(error_code, incoming)>;

public:
    /// The executor of the client: any Asio executor.
    using executor_type = boost::asio::any_io_executor;

    // No default arguments: g++ 12 would destroy one twice in `client c{co_await this_coro::executor}`.
    /// Makes a client with default options; it is not connected. Handlers run on `executor` unless they have
    /// an executor of their own.
    explicit client(executor_type executor) : client{std::move(executor), client_options()} {}
    /// Makes a client with `options`.
    client(executor_type executor, client_options options)
        : core_{std::make_shared<detail::client_core>(std::move(executor), std::move(options))} {}

    /// Makes a client on the executor of an execution context, such as an `io_context`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    explicit client(Context& context) : client{executor_type{context.get_executor()}} {}
    /// The same with `options`.
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    client(Context& context, client_options options)
        : client{executor_type{context.get_executor()}, std::move(options)} {}

    client(client&&) noexcept = default; ///< Afterwards, the source can only be destroyed or assigned to.
    /// Drops the connection of this client, then takes over `from`.
    client& operator=(client&& from) noexcept {
        std::swap(core_, from.core_);
        if (&from != this) from.leave();
        return *this;
    }
    /// Drops the connection. Pending operations complete with `operation_aborted`.
    ~client() { leave(); }

    /// The executor that the client was made with.
    executor_type get_executor() const { return core_->executor(); }

    /// True from the server's welcome until the connection ends.
    bool connected() const { return core_->online(); }

    /// The id that the server gave in its last welcome; empty before the first. Valid until the next welcome.
    std::string_view id() const { return core_->id(); }

    /** Connects, and completes with the server's welcome.
     *
     *  Forms of `url`: `ws://host[:port][/path][?query]` (RFC 6455, 3), `tcp://host:port`, `unix:/path`,
     *  `unix:@name`. The last three take the prefix `line+` if the server sends one message per line. With
     *  TLS (see `client_tls`) the forms are `wss://...`, and the prefix `tls+` for the others.
     *
     *  Unread messages of an earlier connection are dropped. Errors:
     *
     *  - `bad_url`, `no_tls`, `tls_failed`, `bad_handshake`, `bad_welcome`, `already_connected`
     *  - `connect_timeout`: the WebSocket handshake is not complete in time
     *  - `welcome_timeout`: no welcome comes in time
     *  - `malformed`: `client_options::headers` would break the request
     *  - the cause of the server's refusal: `denied`, `id_in_use`, `rate`, ... */
    template <class Token = boost::asio::deferred_t>
        requires for_welcome<Token>
    [[nodiscard]] auto connect(std::string url, Token&& token = Token{}) {
        return start_as<void(error_code, welcome)>(
            token,
            [](auto& core, auto&& done, std::string& to) { core.connect(std::move(to), std::move(done)); },
            std::move(url));
    }

    /// The same through memory, to a server in this process. The client runs on the io_context of `net`.
    template <class Token = boost::asio::deferred_t>
        requires for_welcome<Token>
    [[nodiscard]] auto connect(const transport::loopback& net, Token&& token = Token{}) {
        return start_as<void(error_code, welcome)>(
            token,
            [](auto& core, auto&& done, transport::loopback& to) { core.connect(to, std::move(done)); }, net);
    }

    /** Sends a command (`offer`, `answer`, `ice`, `session-start`, ...) to the peer `to`. `data` is JSON
     *  text or empty. Completes when the server's reply comes: without error for a success, else with the
     *  cause (`unknown`, `offline`, `self`, `full`, ...). A cause of an unknown name is `denied`.
     *
     *  The client sends nothing in these cases: `not_connected`; `malformed` (`data` is not valid JSON, or
     *  a text is not UTF-8); `too_large` (longer than `client_options::message`); `full`
     *  (`client_options::outbox` bytes wait already). `request_timeout`: no reply came in time. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto send(std::string to, std::string command, std::string data, Token&& token = Token{}) {
        return say<without_data>(
            token, {.command = std::move(command), .target = std::move(to), .data = std::move(data)});
    }

    /// The same without data.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto send(std::string to, std::string command, Token&& token = Token{}) {
        return send(std::move(to), std::move(command), std::string{}, std::forward<Token>(token));
    }

    // --- requests beyond Signal-Fire, for servers with these features ---

    /// Joins `topic`. If this client is a member already, the request replaces its metadata. Completes with
    /// the reply's data: `{"topic":NAME,"members":N}`. After a reconnect, the client joins again by itself.
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto join(std::string topic, join_options how, Token&& token = Token{}) {
        detail::json_object data;
        data.json("metadata", how.metadata);
        if (how.limit != 0) data.number("limit", how.limit);
        if (how.match != 0) data.number("match", how.match);
        return say<with_data>(token, {.command = "join",
                                      .topic = std::move(topic),
                                      .data = data.take(),
                                      .metadata = std::string{how.metadata}});
    }
    /// The same with default options.
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto join(std::string topic, Token&& token = Token{}) {
        return join(std::move(topic), join_options(), std::forward<Token>(token));
    }

    /// Leaves `topic`. Completes when the server has replied.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto leave(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "leave", .topic = std::move(topic)});
    }

    /// Asks for the members of `topic`, at most `limit`. Completes with
    /// `{"count":N,"members":[{"id":ID,...}...]}`.
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto lookup(std::string topic, std::uint32_t limit, Token&& token = Token{}) {
        return say<with_data>(token, {.command = "lookup",
                                      .topic = std::move(topic),
                                      .data = detail::json_object{}.number("limit", limit).take()});
    }

    /// Sends `data`, JSON text or empty, to all members of `topic`. They receive a message with the command
    /// `publish`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto publish(std::string topic, std::string data, publish_options how,
                               Token&& token = Token{}) {
        return say<without_data>(token, {.command = "publish",
                                         .topic = std::move(topic),
                                         .data = std::move(data),
                                         .echo = how.echo,
                                         .droppable = how.droppable});
    }
    /// The same with default options.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto publish(std::string topic, std::string data, Token&& token = Token{}) {
        return publish(std::move(topic), std::move(data), publish_options(), std::forward<Token>(token));
    }

    /// Watches `topic`: the client receives `presence` messages, first the present state, then each change.
    /// See `unwatch`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto watch(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "watch", .topic = std::move(topic)});
    }
    /// Ends `watch` for `topic`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unwatch(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unwatch", .topic = std::move(topic)});
    }

    /// Watches the peer `id`: the client receives a `presence` message when that peer connects or
    /// disconnects.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto watch_peer(std::string id, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "watch", .target = std::move(id)});
    }
    /// Ends `watch_peer` for the peer `id`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unwatch_peer(std::string id, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unwatch", .target = std::move(id)});
    }

    /** Shows a fresh token, so that the client may stay. If the server accepts it, the client stays until the
     *  fresh token expires. Without a fresh token in time, the server closes the connection: `expired`. To
     *  reconnect with a fresh token, see `reconnect_options::url`.
     *
     *  Causes: `denied`, `expired`, `malformed`, `full`; `unknown_command` if the server has no `renewal`. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto authenticate(std::string_view fresh, Token&& token = Token{}) {
        return say<without_data>(
            token, {.command = "authenticate", .data = detail::json_object{}.text("token", fresh).take()});
    }

    /** Writes an entry of the state of `topic`. `key` is UTF-8 and `value` any JSON value; both are read
     *  during the call. The server removes the entry after `ttl`, or when this client leaves the topic or
     *  disconnects. `ttl` is at least 1 ms; for less, the server replies `malformed`. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto set(std::string topic, std::string_view key, std::string_view value,
                           std::chrono::milliseconds ttl, Token&& token = Token{}) {
        return set_entry(std::move(topic), key, value, ttl.count() < 0 ? 0 : ttl.count(), token);
    }
    /// The same without a time limit.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto set(std::string topic, std::string_view key, std::string_view value,
                           Token&& token = Token{}) {
        return set_entry(std::move(topic), key, value, -1, token);
    }

    /// Removes the entry `key` from the state of `topic`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unset(std::string topic, std::string_view key, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unset",
                                         .topic = std::move(topic),
                                         .data = detail::json_object{}.text("key", key).take()});
    }

    /** Sends a request to the peer `to` and waits for that peer's answer. The peer receives a message with
     *  the command `request` and answers by `respond` or `refuse`. Completes with the data of the answer,
     *  JSON text or empty. If the peer refuses, the error is the cause that the peer gives, or `denied` if
     *  that cause is unknown. */
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto request(std::string to, std::string data, Token&& token = Token{}) {
        return say<with_data>(token,
                              {.command = "request", .target = std::move(to), .data = std::move(data)});
    }

    /// Answers the request with the number `request` (`incoming::request`). `data` is JSON text or empty.
    /// `expired`: the peer does not wait any more.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto respond(std::uint64_t request, std::string data, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "respond", .data = std::move(data), .answered = request});
    }
    /// Answers the request with a failure. `data` is JSON text or empty.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto refuse(std::uint64_t request, std::string data, Token&& token = Token{}) {
        return say<without_data>(
            token, {.command = "respond", .data = std::move(data), .answered = request, .failed = true});
    }

    /** Calls `handler` for each later request of another peer, on the executor of this client. Such requests
     * do not wait for `receive`. The handler may keep the responder and answer later. If the handler throws,
     * the client refuses the request, and the exception leaves `io_context::run`. An empty handler ends this:
     * requests wait for `receive` again.
     *
     *      me.on_request([](sigfire::incoming in, sigfire::responder reply) { reply.respond(in.data); }); */
    void on_request(std::function<void(incoming request, responder reply)> handler) {
        if (!handler) return core_->on_request({});
        core_->on_request(
            [core = core_.get(), f = std::make_shared<decltype(handler)>(std::move(handler))](incoming& in) {
                boost::asio::post(
                    core->executor(),
                    [f, in = std::move(in), r = responder{core->shared_from_this(), in.request}]() mutable {
                        (*f)(std::move(in), std::move(r));
                    });
            });
    }

    /** Sends a command of any name to the server itself. `data` is JSON text or empty. Completes with the
     *  data of the reply, even when the reply is an error. Use it for commands of your server, and for
     *  records: `create`, `update`, `info`, `exists`, `delete`. `target` is the id of a peer, if the
     *  command is about another peer. */
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto command(std::string name, std::string data, std::string target,
                               Token&& token = Token{}) {
        return say<with_data>(
            token, {.command = std::move(name), .target = std::move(target), .data = std::move(data)});
    }
    /// The same without a target.
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto command(std::string name, std::string data, Token&& token = Token{}) {
        return command(std::move(name), std::move(data), std::string{}, std::forward<Token>(token));
    }

    // --- sessions as objects ---

    /** Starts a session with the peer `to`; see `session::accepted`. `metadata` is JSON text or empty. A
     *  client has at most one session with each peer: a second one is over at once with
     *  `already_connected`. If the peer does not answer within `client_options::session_timeout`, the
     *  client cancels the session, and it ends with `expired`. */
    session start(std::string to, std::string metadata = {}) {
        return {core_, core_->start(std::move(to), std::move(metadata))};
    }

    /** Makes a session of a received `session-start`, for `session::accept` or `session::reject`. The
     *  session takes the messages of that peer that belong to a session, including those that wait
     *  already. If `start` is another message, the session is over with `malformed`. */
    session adopt(const incoming& start) { return {core_, core_->adopt(start)}; }

    /** Takes the next message, and waits for one if none is there.
     *
     *  At most `client_options::inbox` messages wait for this call. At that number the client stops
     *  reading: it gets no replies and answers no pings. So a client that makes requests must receive too. */
    template <class Token = boost::asio::deferred_t>
        requires for_incoming<Token>
    [[nodiscard]] auto receive(Token&& token = Token{}) {
        return start_as<void(error_code, incoming)>(
            token, [](auto& core, auto&& done) { core.receive(std::move(done)); });
    }

    /** Sends all that is pending and closes the connection properly. Completes without error when the
     *  server has closed it too. Errors: `close_timeout`, `not_connected`, or the cause if the connection
     *  ends otherwise. Requests that get a reply before the end complete with it, all others with
     *  `closed`. A pending `connect` is aborted. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto close(Token&& token = Token{}) {
        return start_as<void(error_code)>(token,
                                          [](auto& core, auto&& done) { core.close(std::move(done)); });
    }

private:
    void leave() {
        if (const auto core = std::exchange(core_, nullptr)) core->abandon();
    }

    using without_data = void(error_code);
    using with_data = void(error_code, std::string);

    template <class Signature, class Token>
    auto say(Token& token, detail::stored_request r) {
        return start_as<Signature>(
            token,
            [](auto& core, auto&& done, detail::stored_request& said) {
                core.request(said, std::move(done));
            },
            std::move(r));
    }

    template <class Token>
    auto set_entry(std::string topic, std::string_view key, std::string_view value, std::int64_t ttl,
                   Token& token) {
        detail::json_object data;
        data.text("key", key).json("value", value);
        if (ttl >= 0) data.number("ttl", static_cast<std::uint64_t>(ttl));
        return say<without_data>(token, {.command = "set", .topic = std::move(topic), .data = data.take()});
    }

    template <class Signature, class Token, class F, class... Args>
    auto start_as(Token& token, F f, Args... args) {
        return detail::start_operation<Signature>(token, core_, f, std::move(args)...);
    }

    std::shared_ptr<detail::client_core> core_;
};

} // namespace sigfire::inline v0_1
