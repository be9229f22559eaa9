// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/** All named requirements on one page. Each one states its laws; `sigfire/test/` checks the laws that a
 *  program can check. No entity here is thread-safe: use each object from one thread at a time. */
namespace sigfire::inline v0_1 {

/// The clock of deadlines. Hubs and framings never read the clock; their callers pass the time.
using clock = std::chrono::steady_clock;
/// A point in time of `clock`.
using time_point = clock::time_point;

/// Limits on the messages that a framing accepts.
struct framing_limits {
    std::uint32_t message = 1u << 20; ///< Longest message in bytes. A longer message fails with `too_large`.
    std::uint32_t idle_frames =
        1000; ///< Most control and empty frames in a row without a message. More frames fail with `flood`.
    bool check_utf8 = true; ///< whether the framing checks text for UTF-8; false if the codec checks each
                            ///< text message itself
};

/// Result of one `feed` of a framing.
struct framing_progress {
    std::size_t consumed = 0; ///< Number of bytes consumed from the front. The framing did not read the rest.
    errc error = errc::ok;    ///< `ok`, or the cause for which the connection has to end
};

/// Control messages of a framing.
enum class control : unsigned char {
    ping, ///< asks for a pong
    pong, ///< answers a ping
    close ///< ends the connection
};

/// Texts that several deliveries share: `fanout.hpp`.
class fanout;

/// Severity of a log event.
enum class log_level : unsigned char {
    debug, ///< detail of little interest
    info,  ///< normal operation
    warn,  ///< a refusal, or a fault of a peer or connection
    error  ///< a fault in code of the host program
};

/** One field of a log event: name and value, UTF-8. A value may hold bytes from a peer, so escape it before
 *  output. */
struct log_field {
    std::string_view name;  ///< a fixed word
    std::string_view value; ///< lent: valid until the log returns
};

/// Stand-ins for user types in the concepts. Declared for `requires` only, and never defined.
namespace archetype {

/// Stands for the handler of a framing.
struct framing_handler {
    bool on_message(message); ///< returns false to stop after this message
    bool on_control(control, std::uint16_t code, std::string_view text); ///< returns false to stop
};

/// Stands for the handler of a codec.
struct handler {
    void operator()(auto& event) const; ///< takes an event of any type in `incoming_events`
};

/// Stands for a function that takes a handle.
struct collect {
    /// Takes one peer.
    void operator()(peer_handle) const;
};

/// Stands for a function that takes an id and its handle.
struct visit {
    /// Takes one peer.
    void operator()(std::string_view id, peer_handle) const;
};

/// Stands for a registry that a router can query.
struct registry {
    /// As in Registry.
    bool insert(std::string_view, peer_handle);
    /// As in Registry.
    bool erase(std::string_view);
    /// As in Registry.
    peer_handle find(std::string_view) const;
    /// As in Registry.
    std::size_t size() const;
    /// As in Registry.
    void for_each_peer(visit) const;
    /// Calls the function for each member of `topic`.
    void for_each(std::string_view topic, collect) const;
};

/// Stands for the state that a sink keeps in a connection.
struct connection_state {};

} // namespace archetype

/** Framing: bytes to messages and back for one connection, without I/O.
 *
 *  Syntax, for `F f`, limits `l`, handler `h` (`archetype::framing_handler`):
 *  - `f.feed(bytes, l, h)` -> `framing_progress`: reads the bytes. It calls `h.on_message` for each complete
 *    message and `h.on_control` for each control message. `code` is the code of a close, or 0.
 *  - `F::header_bound(n)` -> number of bytes to leave free before a payload of at most `n` bytes.
 *  - `f.seal(type, p, head, n)` -> size of the frame in bytes. Writes the frame at `p`; its payload of `n`
 *    bytes is already at `p + head`.
 *  - `f.write_control(c, code, text, p)` -> bytes written at `p`, at most `F::control_bound`. 0 = this
 *    framing has no such message.
 *  - `f.incomplete()` -> bytes of memory held for incomplete messages.
 *  - `f.reset_idle_count()`: resets the count of idle frames, so that hours of heartbeats do not count as a
 * flood.
 *
 *  Laws:
 *  - Cutting: however the bytes are split into pieces, they yield the same messages, controls and error.
 *  - The framing of the other side reads a sealed message as an equal message.
 *  - Memory grows with bytes received, never with an announced length. A message longer than `l.message`
 *    fails with `too_large` before the framing stores it.
 *  - After an error, the framing delivers nothing more, and the caller does not call `feed` again.
 *  - `feed` stops right after the message or control for which the handler returned false.
 *  - A call throws only if memory runs out.
 *
 *  Lifetime: a message lies in the bytes fed or in the framing, and is valid until `on_message` returns. */
template <class F>
concept Framing = std::movable<F> && requires(F f, const F cf, std::span<char> bytes, const framing_limits& l,
                                              archetype::framing_handler& h, message_type type, char* p,
                                              std::size_t n, control c, std::string_view text) {
    { f.feed(bytes, l, h) } -> std::same_as<framing_progress>;
    { F::header_bound(n) } -> std::same_as<std::size_t>;
    { f.seal(type, p, n, n) } -> std::same_as<std::size_t>;
    { f.write_control(c, std::uint16_t{}, text, p) } -> std::same_as<std::size_t>;
    { cf.incomplete() } -> std::same_as<std::size_t>;
    { F::control_bound } -> std::convertible_to<std::size_t>;
    f.reset_idle_count();
};

namespace detail {

// Whether a codec has a message for an event.
template <class C, class E>
concept has_word = requires(const C& c, const typename C::state& st, const E& e, char* p) {
    { c.bound(e, st) } -> std::same_as<std::size_t>;
    { c.encode(e, st, p) } -> std::same_as<std::size_t>;
    { c.type(e, st) } -> std::same_as<message_type>;
};

} // namespace detail

/** Codec: messages to events and back. One object for each listener, one `state` for each connection.
 *
 *  Syntax, for `C c`, `C::state st`:
 *  - `c.open(request, st, admission)` -> `errc`: reads the request and fills in sub-protocol and id. Any
 *    result but `ok` refuses the connection.
 *  - `c.decode(message, st, handler)` -> `errc`: calls `handler(event)` for each event in the message. There
 *    may be none or several, each of a type in `incoming_events`. The event is not const: the hub may change
 *    it. Any result but `ok` ends the connection as `end` defines.
 *  - `c.bound(event, st)`, `c.encode(event, st, p)` and `c.type(event, st)`: for each event of
 *    `outgoing_events` that has a message on this wire. Required for `event::welcome`, `event::reply` and
 *    `event::send`.
 *  - `c.bound(event, st)` -> most bytes that `encode` will write. 0 = no message for this event, and the
 *    channel sends nothing.
 *  - `c.encode(event, st, p)` -> number of bytes written at `p`.
 *  - `c.type(event, st)` -> the mark of the encoded message.
 *  - `c.share_key(st)` -> a key, or -1. For connections of one codec object, equal keys mean equal bytes. The
 *    hub then encodes an event only once. -1 = encode for this connection alone.
 *  - `c.end(errc, st)` -> how to end the connection for that cause.
 *  - `C::checks_utf8` -> true if `decode` rejects text that is not UTF-8 with `bad_utf8`, or does not read
 *    messages as text.
 *  - Optional: `c.objection(event, st)` -> the cause for the sender when `bound` is 0, instead of
 *    `unknown_command`.
 *
 *  When the target's wire has no message for an event, the sender of the event gets `unknown_command`.
 *
 *  Optional, for HTTP routes of a dialect: `c.http(request, response, directory)` -> whether it answered a
 *  plain HTTP request. The listener calls it before the HttpHandler. If it returns false but sets a status
 *  other than 200, its response is the default answer. The client gets that answer when the HttpHandler has
 *  none. `directory` has `find`, `size` and `for_each_peer` as a Registry has; the codec does not keep it.
 *
 *  Laws:
 *  - `0 < encode <= bound` wherever `bound` is not 0. `encode` gets the same event as `bound`. An encoded
 *    event decodes on the other side.
 *  - `decode` never throws, for any bytes. Its time and memory are linear in the bytes. It may change the
 *    bytes.
 *  - An `event::send` without `to` and `topic` carries a `fault`.
 *  - A payload passes unchanged. A codec that writes a payload checks its `wire`. If the codec cannot write
 *    that format, `bound` is 0 for `send`, `publish` and `request`. In all other events, the codec leaves the
 *    value out; see `codec::transcoded`.
 *  - A token comes back byte for byte, with its `wire`.
 *
 *  Lifetime: the views in an event from `decode` are valid until `handler` returns. */
template <class C>
concept Codec = std::default_initializable<typename C::state> &&
                requires(C c, const C cc, typename C::state& st, const typename C::state& cst,
                         const request& rq, admission& ad, message m, archetype::handler handler, errc why) {
                    { c.open(rq, st, ad) } -> std::same_as<errc>;
                    { c.decode(m, st, handler) } -> std::same_as<errc>;
                    { cc.share_key(cst) } -> std::same_as<int>;
                    { cc.end(why, cst) } -> std::same_as<ending>;
                    { C::checks_utf8 } -> std::convertible_to<bool>;
                } &&
                detail::has_word<C, event::welcome> && detail::has_word<C, event::reply> &&
                detail::has_word<C, event::send>;

/** Connection: one peer's end of the wire. A transport owns it.
 *
 *  Syntax, for `C c`:
 *  - `c.reserve(type, n)` -> room for a message of at most `n` bytes, or null. `c.commit(k)` then sends the
 *    first `k` bytes. Make no other call in between.
 *  - `c.room(n)` -> whether `reserve` of `n` bytes would succeed now.
 *  - `c.accept(subprotocol)`, `c.refuse(ending)`: answers the upgrade, once. The answer comes inside
 *    `opening`, or later if the sink called `hold` there.
 *  - `c.hold()`: stops reading.
 *  - `c.release()`: resumes reading. Messages that arrived meanwhile are delivered later, in order. Before
 *    the answer, `release` only schedules a turn soon, in which the sink may answer.
 *  - `c.ping()` -> whether the wire can ask for a sign of life. The sink gets `alive` when the answer
 *    arrives.
 *  - `c.close(ending, cause)`: sends all committed messages and the close message, then closes the
 *    connection.
 *  - `c.state()` -> the sink's state.
 *
 *  Laws:
 *  - No operation calls the sink. When a connection fails or is full, the transport marks the connection. At
 *    the end of the turn, the transport ends marked connections, and the sink gets one `closed` for each.
 *  - Messages arrive whole and in the order of `commit`, or the connection ends.
 *  - An empty outbox takes any message within the message limit. A reservation that does not fit marks the
 *    connection as `slow_consumer`. The transport then frees the output at once and cuts the connection.
 *  - After `close`, or once the connection is marked, `reserve` returns null, `room` returns false, and all
 *    other calls do nothing.
 *  - A connection that was held before its answer waits for the answer without a time limit. Bytes after the
 *    upgrade request wait too, up to a bound. `close` then answers as `refuse` does.
 *  - When a connection that was held before its answer ends, the sink gets `closed`, unless the sink refused
 *    the connection. The transport does not read a held connection, so it may notice a lost peer only after
 *    the answer. */
template <class C>
concept Connection =
    requires(C& c, message_type type, std::size_t n, std::string_view text, ending e, errc why) {
        { c.reserve(type, n) } -> std::same_as<char*>;
        c.commit(n);
        { c.room(n) } -> std::same_as<bool>;
        c.accept(text);
        c.refuse(e);
        c.hold();
        c.release();
        { c.ping() } -> std::same_as<bool>;
        c.close(e, why);
        c.state();
    };

/** Connection that can share messages: a message to many peers is stored once. All transports of sigfire have
 *  such connections.
 *
 *  Syntax, for `C c`:
 *  - `c.share(type, bytes)` -> a block: the message as this type of connection sends it. Copies of the block
 *    refer to the same bytes. Use a block and its copies from one thread at a time.
 *  - `c.append(block)` -> whether the connection took the block. The block comes from a connection of the
 *    same type.
 *
 *  Laws: `append` acts like `reserve` and `commit` of the same message, with the same order, limit and
 *  failure. The whole size counts for each connection. The transport may flush the block after messages that
 *  were committed to other connections. */
template <class C>
concept SharingConnection = Connection<C> && requires(C& c, message_type type, std::string_view bytes) {
    { c.append(c.share(type, bytes)) } -> std::same_as<bool>;
    requires std::copyable<decltype(c.share(type, bytes))>;
};

/** Sink: receives the events of a transport. The listener is a sink.
 *  - `opening(c, request)`: a connection asks for an upgrade. Answer with `accept` or `refuse`, or call
 *    `hold` and answer later. The transport refuses a connection that is neither answered nor held.
 *  - `received(c, message)`: a whole message arrived.
 *  - `alive(c)`: the peer answered a `ping()`.
 *  - `closed(c, cause)`: the connection has ended. This is the last call for `c`. The transport makes it
 *    exactly once for each connection that was accepted, or held before its answer. It does not call `closed`
 *    for a refused connection.
 *  - `http(request, response)` -> whether the sink answered this plain HTTP request.
 *  - `tick(now)` -> deadline of the next call. The transport calls `tick` at the start of each turn, with a
 *    time before that deadline. It calls `tick` again after the turn has read all that arrived; only then the
 *    sink may judge deadlines. `now` leaves out time in which the loop did not run, and never goes back.
 *  - Optional: `failed(c, what)`: a member threw an exception about the connection `c`, which is null for
 *    `tick`. The text is lent. The transport ignores an exception of `failed`.
 *  - Optional: `refused(remote, cause)`: the transport refused a connection without `opening`. The accept
 *    gate refused it, or its handshake failed. The call comes at the end of a turn. The address is numeric
 *    and lent.
 *
 *  Law: when a member throws, only the connection of that call ends. Its cause is `internal_error` (close
 *  code 1011; HTTP status 500 before the answer), and the loop continues. After an exception of `tick`, the
 *  transport calls `tick` again within 1 s. */
template <class S, class C>
concept Sink = requires(S& s, C& c, const request& rq, response& rs, message m, errc why, time_point now) {
    s.opening(c, rq);
    s.received(c, m);
    s.alive(c);
    s.closed(c, why);
    { s.http(rq, rs) } -> std::same_as<bool>;
    { s.tick(now) } -> std::same_as<time_point>;
    { S::checks_utf8 } -> std::convertible_to<bool>;
};

namespace archetype {

/// Stands for a sink of `Connection`.
template <class Connection>
struct sink {
    /// As in Sink.
    void opening(Connection&, const request&);
    /// As in Sink.
    void received(Connection&, message);
    /// As in Sink.
    void alive(Connection&);
    /// As in Sink.
    void closed(Connection&, errc);
    /// As in Sink.
    bool http(const request&, response&);
    /// As in Sink.
    time_point tick(time_point);
    /// As in Codec.
    static constexpr bool checks_utf8 = false;
};

} // namespace archetype

/** Transport: owns sockets and moves bytes. The transport itself is a description, copied by value; its
 *  engine does the work.
 *
 *  Syntax, for `T t`, a state `S` and a sink `K`:
 *  - `t.context()` -> the `boost::asio::io_context` that runs the engine.
 *  - `T::connection<S>`: models Connection, and does not depend on the sink.
 *  - `T::engine<S, K>`: constructed from `(t, sink&)`.
 *  - `engine.open(error_code&)`: binds and starts to accept.
 *  - `engine.address()` -> the bound address, as a URL without path (`ws://127.0.0.1:3003`).
 *  - `engine.stop(drain, f)`: stops accepting and drops connections that are still opening. It cuts the
 *    remaining connections after `drain` (milliseconds), or at once on a second call. It calls `f()` when all
 *    connections have ended.
 *
 *  Laws:
 *  - For each connection: `opening` first, then `received` and `alive` in order, then `closed` once.
 *  - The transport flushes output at the end of the turn. If the turn's time is up, it flushes at the end of
 *    the next turn. A stalled peer delays no other peer.
 *  - An exception of the sink ends at most one connection, and the loop continues.
 *  - An option bounds all memory that a peer can make the transport use. */
template <class T>
concept Transport = std::copy_constructible<T> && requires(const T& t) {
    t.context();
    typename T::template connection<archetype::connection_state>;
    typename T::template engine<
        archetype::connection_state,
        archetype::sink<typename T::template connection<archetype::connection_state>>>;
} && Connection<typename T::template connection<archetype::connection_state>>;

/** Channel: the hub's path to one peer: its connection, codec and codec state. Cheap to copy.
 *
 *  Syntax, for `O o` and each event `e` of `outgoing_events`:
 *  - `o.ready(e, bound)` -> `ok` if `deliver(e, bound)` would succeed now; sets `bound`. Else the cause:
 *    `full` if there is no room; the connection then ends. If the wire has no message for `e`: the codec's
 *    objection, or `unknown_command`.
 *  - `o.deliver(e, bound)`: encodes `e` into the outbox.
 *  - `o.deliver(e)`: the same without `ready`. Does nothing if the wire has no message for `e`.
 *  - `o.deliver(e, f)`: the same, with the texts that `f`, a `fanout`, already holds.
 *  - `o.has_room(e)` -> false where `ready` would return `full`. Unlike `ready`, it does not end the
 *    connection.
 *  - `o.ping()` -> false if the wire cannot ask for a sign of life; else it asks.
 *  - `o.hold()`, `o.release()`: stops and resumes reading.
 *  - `o.close(why)`: ends the connection.
 *
 *  Law: no operation calls back into the hub. */
template <class O>
concept Channel =
    std::copyable<O> && requires(O o, const event::send& say, const event::reply& reply,
                                 const event::welcome& welcome, fanout& f, std::size_t& bound, errc why) {
        { o.ready(say, bound) } -> std::same_as<errc>;
        o.deliver(say, bound);
        o.deliver(say);
        o.deliver(reply);
        o.deliver(welcome);
        o.deliver(say, f);
        { o.has_room(say) } -> std::same_as<bool>;
        { o.ping() } -> std::same_as<bool>;
        o.hold();
        o.release();
        o.close(why);
    };

/** Registry: the peers of this hub by id. Local and synchronous.
 *
 *  Syntax, for `R r`, an id and a `peer_handle h`:
 *  - `r.insert(id, h)` -> false if the id is taken; the registry then stays unchanged.
 *  - `r.erase(id)` -> whether the id was present.
 *  - `r.find(id)` -> the handle of the id, or an empty handle.
 *  - `r.size()` -> number of peers.
 *  - `r.for_each_peer(f)`: calls `f(id, handle)` for each peer, in any order.
 *
 *  Laws: ids are bytes and compare as bytes. `find` finds an id after `insert` and until `erase`. `f` must
 *  not change the registry. `insert` may throw, and then changes nothing. The other members do not throw.
 *
 *  Lifetime: the id given to `insert` stays valid and unchanged until `erase` returns, so a registry may keep
 *  the view. */
template <class R>
concept Registry =
    std::movable<R> && requires(R r, const R cr, std::string_view id, peer_handle h, archetype::visit visit) {
        { r.insert(id, h) } -> std::same_as<bool>;
        { r.erase(id) } -> std::same_as<bool>;
        { cr.find(id) } -> std::same_as<peer_handle>;
        { cr.size() } -> std::same_as<std::size_t>;
        cr.for_each_peer(visit);
    };

/** Router: chooses the targets of a message.
 *
 *  `r.route(registry, from, say, to)` -> `ok` after it called `to(handle)` for each target. If there is no
 *  target, it returns the cause (`unknown`, `self`, ...). A message has a peer (`to`) or a topic. `registry`
 *  has the queries of a Registry. `registry.for_each(topic, f)` calls `f` for the members of a topic, in the
 *  order in which they joined. Without topics in the hub, there are no members.
 *
 *  Laws: the router chooses the sender only if `echo` is set, and no target twice. It changes neither the
 *  registry nor the message. */
template <class R>
concept Router = requires(R r, const archetype::registry& registry, peer_handle from, const event::send& e,
                          archetype::collect to) {
    { r.route(registry, from, e, to) } -> std::same_as<errc>;
};

/** Log: receives log events. `l(level, event, fields)`: `event` is a fixed word (`peer_opened`), and the
 *  fields are lent.
 *
 *  Law: the call runs on the loop, returns soon and does not throw. */
template <class L>
concept Log = requires(L& l, log_level level, std::string_view event, std::span<const log_field> fields) {
    l(level, event, fields);
};

/** HttpHandler: answers plain HTTP requests. `h(request, response)` -> false if it has no answer. The client
 *  then gets 404, or 426 where a WebSocket upgrade would have been accepted. A listener calls
 *  `h(request, response, hub)` if the handler takes three parameters. The request may have a body. The answer
 *  may come later: `request::answer_later`.
 *
 *  Laws: the call runs on the loop and returns soon. When it throws, the client gets 500. */
template <class H>
concept HttpHandler = requires(H& h, const request& rq, response& rs) {
    { h(rq, rs) } -> std::same_as<bool>;
};

/// HttpHandler that takes the hub of its listener as the third parameter.
template <class H, class Hub>
concept HttpHandlerOf = requires(H& h, const request& rq, response& rs, Hub& hub) {
    { h(rq, rs, hub) } -> std::same_as<bool>;
};

} // namespace sigfire::inline v0_1
