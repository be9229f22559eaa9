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

namespace sigfire {

/** A peer of a signaling server, in C++: connects, says requests and hears how they end, receives messages of
 *  other peers.
 *
 *      sigfire::client c{io};
 *      auto [id, configuration] = co_await c.connect("ws://127.0.0.1:3003");
 *      co_await c.request(other, "offer", R"({"offer":{"type":"offer","sdp":"..."}})");
 *      auto said = co_await c.receive(); // said.command, said.from, said.data
 *
 *  Each operation takes a completion token, by default `asio::deferred`. It is never completed from within
 *  the call that starts it, and can be cancelled (`connect`, `close`: the connection is dropped then;
 *  `request`: the server may have got it, its reply is ignored; `receive`: nothing is lost). Any number of
 *  requests and receives may be under way. Errors are `errc`, but those of the operating system (a name that
 *  does not resolve, a refused connection) come through as they are. Nothing that a server sends throws.
 *
 *  When the connection ends, all operations under way end with the cause: `closed`, `lost`, or the cause in
 *  the server's close code (`stopping`, `replaced`, `slow_consumer`, ...). Messages received before can still
 *  be taken by `receive`, which then completes with the cause too. `connect` may be called again.
 *
 *  A server that says nothing for `client_options::silence` is asked for a sign of life; a server that then
 * says nothing for as long again is gone, and the connection ends with `pong_timeout`.
 *
 *  With `client_options::reconnect` the client goes back by itself. `receive` tells so in its turn, as
 * `offline` and `online`, and waits meanwhile. Requests made meanwhile are kept, up to
 * `client_options::outbox` bytes, and sent then. Those under way are answered after all where the server lets
 * the client resume, and no message is missing then; else they end with the cause, or `lost`, and the client
 * joins its topics and watches again. A client that gives up ends with the last cause.
 *
 *  Thread safety: none; on an io_context run by several threads give it a strand, and use it, cancellation
 *  included, on that strand only. A client may be destroyed with operations under way: they complete with
 *  `operation_aborted`. The execution context outlives it. */
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
    using executor_type = boost::asio::any_io_executor;

    // No default arguments: g++ 12 would destroy one twice in `client c{co_await this_coro::executor}`.
    explicit client(executor_type executor) : client{std::move(executor), client_options()} {}
    client(executor_type executor, client_options options)
        : core_{std::make_shared<detail::client_core>(std::move(executor), std::move(options))} {}

    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    explicit client(Context& context) : client{executor_type{context.get_executor()}} {}
    template <class Context>
        requires std::derived_from<Context, boost::asio::execution_context>
    client(Context& context, client_options options)
        : client{executor_type{context.get_executor()}, std::move(options)} {}

    /// A client that was moved from can be destroyed and assigned to, and nothing else. Operations under way
    /// go with the connection; sessions stay as they are.
    client(client&&) noexcept = default;
    client& operator=(client&& from) noexcept {
        std::swap(core_, from.core_);
        if (&from != this) from.leave();
        return *this;
    }
    ~client() { leave(); }

    executor_type get_executor() const { return core_->executor(); }

    /// Whether the server has welcomed this client, and the connection has not ended since.
    bool connected() const { return core_->online(); }

    /// The id that the server gave in its last welcome; empty before. Valid until the next one.
    std::string_view id() const { return core_->id(); }

    /** Connects, and completes with the server's welcome. `url` is `ws://host[:port][/path][?query]`,
     *  `tcp://host:port`, `unix:/path` or `unix:@name`, the latter with `line+` in front where messages are
     *  lines; with TLS, for which see `client_tls`, `wss://...`, and `tls+` in front of the others.
     *
     *  Messages left over from a connection before are dropped. Errors: `bad_url`, `no_tls`, `tls_failed`,
     * `connect_timeout` (up to the end of the WebSocket handshake), `welcome_timeout`, `bad_handshake`,
     * `bad_welcome`, `malformed` for unusable `client_options::headers`, `already_connected`, the cause of
     * the server's refusal (`denied`, `id_in_use`, `rate`, ...). */
    template <class Token = boost::asio::deferred_t>
        requires for_welcome<Token>
    [[nodiscard]] auto connect(std::string url, Token&& token = Token{}) {
        return start_as<void(error_code, welcome)>(
            token,
            [](auto& core, auto&& done, std::string& to) { core.connect(std::move(to), std::move(done)); },
            std::move(url));
    }

    /// The same through memory, to a server in this process. The io_context of `net` is the client's too.
    template <class Token = boost::asio::deferred_t>
        requires for_welcome<Token>
    [[nodiscard]] auto connect(const transport::loopback& net, Token&& token = Token{}) {
        return start_as<void(error_code, welcome)>(
            token,
            [](auto& core, auto&& done, transport::loopback& to) { core.connect(to, std::move(done)); }, net);
    }

    /** Sends a command (`offer`, `answer`, `ice`, `session-start`, ...) with `data`, JSON text or empty, to
     *  the peer `to`; completes with the server's reply: no error, or the cause (`unknown`, `offline`,
     *  `self`, `full`, ...; `denied` for one that this version does not know).
     *
     *  Not sent at all: `not_connected`; `malformed` if `data` is not valid JSON or a text not UTF-8;
     *  `too_large`; `full` if `client_options::outbox` bytes wait already. No reply: `request_timeout`. */
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto request(std::string to, std::string command, std::string data,
                               Token&& token = Token{}) {
        return say<without_data>(
            token, {.command = std::move(command), .target = std::move(to), .data = std::move(data)});
    }

    /// The same without data.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto request(std::string to, std::string command, Token&& token = Token{}) {
        return request(std::move(to), std::move(command), std::string{}, std::forward<Token>(token));
    }

    // --- beyond Signal-Fire: servers that have it ---

    /** Joins `topic`, or replaces the own metadata there. The reply's data: `{"topic":NAME,"members":N}`. A
     *  client that reconnects is a member again, by itself. */
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
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto join(std::string topic, Token&& token = Token{}) {
        return join(std::move(topic), join_options(), std::forward<Token>(token));
    }

    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto leave(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "leave", .topic = std::move(topic)});
    }

    /// The members of `topic`: `{"count":N,"members":[{"id":ID,...}...]}`, at most `limit`.
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto lookup(std::string topic, std::uint32_t limit, Token&& token = Token{}) {
        return say<with_data>(token, {.command = "lookup",
                                      .topic = std::move(topic),
                                      .data = detail::json_object{}.number("limit", limit).take()});
    }

    /// Says `data` to all members of `topic`, which receive it as `publish`.
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
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto publish(std::string topic, std::string data, Token&& token = Token{}) {
        return publish(std::move(topic), std::move(data), publish_options(), std::forward<Token>(token));
    }

    /// Has `presence` received: first all that is there in `topic`, then each change. See `unwatch`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto watch(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "watch", .topic = std::move(topic)});
    }
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unwatch(std::string topic, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unwatch", .topic = std::move(topic)});
    }

    /// The same for a peer's coming and going.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto watch_peer(std::string id, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "watch", .target = std::move(id)});
    }
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unwatch_peer(std::string id, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unwatch", .target = std::move(id)});
    }

    /// Writes an entry of the state of `topic`: any JSON `value`, which goes when this client does, or
    /// earlier, after `ttl`.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto set(std::string topic, std::string_view key, std::string_view value,
                           std::chrono::milliseconds ttl, Token&& token = Token{}) {
        return set_entry(std::move(topic), key, value, ttl.count() < 0 ? 0 : ttl.count(), token);
    }
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto set(std::string topic, std::string_view key, std::string_view value,
                           Token&& token = Token{}) {
        return set_entry(std::move(topic), key, value, -1, token);
    }

    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto unset(std::string topic, std::string_view key, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "unset",
                                         .topic = std::move(topic),
                                         .data = detail::json_object{}.text("key", key).take()});
    }

    /** Asks the peer `to`, which receives a `request` and answers it by `respond`: completes with its data.
     *  Without error if it says so; else with the cause, `denied` if the peer gives none that is known. */
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto call(std::string to, std::string data, Token&& token = Token{}) {
        return say<with_data>(token,
                              {.command = "request", .target = std::move(to), .data = std::move(data)});
    }

    /// Answers the request that was received as number `request`; `expired` if nobody waits any more.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto respond(std::uint64_t request, std::string data, Token&& token = Token{}) {
        return say<without_data>(token, {.command = "respond", .data = std::move(data), .answered = request});
    }
    /// The same, saying that it went wrong.
    template <class Token = boost::asio::deferred_t>
        requires for_error<Token>
    [[nodiscard]] auto refuse(std::uint64_t request, std::string data, Token&& token = Token{}) {
        return say<without_data>(
            token, {.command = "respond", .data = std::move(data), .answered = request, .failed = true});
    }

    /** Calls `handler` for each request of another peer from now on, on the executor of this client, never
     * from within another call. It may keep the responder and answer later. Such requests do not wait for
     * `receive`. An exception of the handler leaves `io_context::run`, and the request is refused. An empty
     * handler: back to `receive`.
     *
     *      me.on_request([](sigfire::incoming request, sigfire::responder reply) {
     * reply.respond(request.data); }); */
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

    /** Says a command of any name to the server itself, `data` JSON or empty; completes with the reply's
     * data, of an error too. For commands of the server's own, and for its records: `create`, `update`,
     * `info`, `exists`, `delete`, with `target` where they are about another peer. */
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto command(std::string name, std::string data, std::string target,
                               Token&& token = Token{}) {
        return say<with_data>(
            token, {.command = std::move(name), .target = std::move(target), .data = std::move(data)});
    }
    template <class Token = boost::asio::deferred_t>
        requires for_data<Token>
    [[nodiscard]] auto command(std::string name, std::string data, Token&& token = Token{}) {
        return command(std::move(name), std::move(data), std::string{}, std::forward<Token>(token));
    }

    // --- sessions as objects ---

    /** Starts a session with the peer `to`, with `metadata`, JSON or empty: see `session::accepted`. One at a
     *  time with each peer (else over with `already_connected`). Not answered within
     *  `client_options::session_timeout`: it is cancelled, and over with `expired`. */
    session start(std::string to, std::string metadata = {}) {
        return {core_, core_->start(std::move(to), std::move(metadata))};
    }

    /** Makes a session of a `session-start` that was received: to be accepted or rejected. It takes over the
     *  messages of that peer since then and from now on, as far as they belong to a session. */
    session adopt(const incoming& start) { return {core_, core_->adopt(start)}; }

    /** Takes the next message from another peer, waiting for one if need be.
     *
     *  At most `client_options::inbox` messages wait for this call. While they do, nothing is read from the
     *  connection, so replies are not heard and pings not answered: a client that makes requests also
     *  receives. */
    template <class Token = boost::asio::deferred_t>
        requires for_incoming<Token>
    [[nodiscard]] auto receive(Token&& token = Token{}) {
        return start_as<void(error_code, incoming)>(
            token, [](auto& core, auto&& done) { core.receive(std::move(done)); });
    }

    /** Sends all that is pending, says goodbye, and completes when the server has too, without error, or with
     *  `close_timeout`, `not_connected`, or why the connection ended otherwise. Requests that are answered
     *  meanwhile end so, the others with `closed`. A `connect` under way is aborted. */
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

} // namespace sigfire
