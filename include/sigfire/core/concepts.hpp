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

/** All named requirements on one page. Each states its laws; `sigfire/test/` checks those that
 *  a program can check. Everything here is used by one thread at a time. */
namespace sigfire {

/// The clock of deadlines. Hubs and framings never read it: the time is handed to them.
using clock = std::chrono::steady_clock;
using time_point = clock::time_point;

/// The messages that a framing accepts.
struct framing_limits {
    std::uint32_t message = 1u << 20; ///< longest message in bytes; a longer one is `too_large`
    std::uint32_t idle_frames =
        1000;               ///< control and empty frames in a row without a message; more are a `flood`
    bool check_utf8 = true; ///< false where the codec checks each text message itself
};

/// How far a framing came with the bytes it was fed.
struct framing_progress {
    std::size_t consumed = 0; ///< bytes used up, from the front; the rest was not looked at
    errc error = errc::ok;    ///< why the connection has to end, or `ok`
};

/// Control messages of a framing.
enum class control : unsigned char { ping, pong, close };

/// Texts that several deliveries share: `fanout.hpp`.
class fanout;

/// How grave a log event is.
enum class log_level : unsigned char { debug, info, warn, error };

/// One field of a log event: a name and its value, UTF-8. Values may hold a peer's bytes: escape them.
struct log_field {
    std::string_view name;
    std::string_view value;
};

/// Objects that stand in the concepts for the user's own. Never defined: for `requires` only.
namespace archetype {

struct framing_handler {
    bool on_message(message);                                            // false: stop after this message
    bool on_control(control, std::uint16_t code, std::string_view text); // false: stop
};

struct handler {
    void operator()(auto& event) const; // of any type among `incoming_events`
};

struct collect {
    void operator()(peer_handle) const;
};

struct visit {
    void operator()(std::string_view id, peer_handle) const;
};

struct registry {
    bool insert(std::string_view, peer_handle);
    bool erase(std::string_view);
    peer_handle find(std::string_view) const;
    std::size_t size() const;
    void for_each_peer(visit) const;
    void for_each(std::string_view topic, collect) const;
};

struct connection_state {};

} // namespace archetype

/** Framing: bytes to messages and back for one connection, without I/O.
 *
 *  Syntax, for `F f`, limits `l`, handler `h` (`archetype::framing_handler`):
 *  - `f.feed(bytes, l, h)` -> `framing_progress`: reads lent bytes, calls `h.on_message` for each complete
 *    message and `h.on_control` for each control message (`code` is 0 but for a close that carries one).
 *  - `F::header_bound(n)` -> bytes to leave free in front of a payload of at most `n` bytes.
 *  - `f.seal(type, p, head, n)` -> makes a frame at `p` of the payload of `n` bytes that stands at `p +
 * head`; returns the frame's size.
 *  - `f.write_control(c, code, text, p)` -> writes a control message at `p`, at most `F::control_bound`
 * bytes; 0 = this framing has no such message.
 *  - `f.incomplete()` -> bytes of memory held for messages that have begun.
 *  - `f.forgive()` starts the count of idle frames anew: a heartbeat over hours is no flood.
 *
 *  Laws:
 *  - Cutting: the same bytes in other pieces yield the same messages, controls and error.
 *  - A sealed message that is fed to the other side's framing comes out equal.
 *  - Memory grows with bytes received, never with a length that was only announced; a message over
 *    `l.message` fails with `too_large` before it is stored.
 *  - After an error nothing more is delivered, and `feed` is not called again.
 *  - `feed` stops right behind the message or control for which the handler returned false.
 *  - No call throws but for lack of memory.
 *  Lifetime: a message lies in the bytes fed, or in the framing; it is lent until `on_message` returns. */
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
    f.forgive();
};

namespace detail {

// Whether a codec has a word for an event.
template <class C, class E>
concept has_word = requires(const C& c, const typename C::state& st, const E& e, char* p) {
    { c.bound(e, st) } -> std::same_as<std::size_t>;
    { c.encode(e, st, p) } -> std::same_as<std::size_t>;
    { c.type(e, st) } -> std::same_as<message_type>;
};

} // namespace detail

/** Codec: messages to events and back. One object per listener, one `state` per connection.
 *
 *  Syntax, for `C c`, `C::state st`:
 *  - `c.open(request, st, admission)` -> `errc`: looks at the request, chooses sub-protocol and id; anything
 *    but `ok` refuses the connection.
 *  - `c.decode(message, st, handler)` -> `errc`: calls `handler(event)` for each event in the message, none
 * or more, each of a type among `incoming_events` and not const: the hub may change it. Anything but `ok`
 * ends the connection by `end`.
 *  - For each event of `outgoing_events` that this wire has a word for, at least `event::welcome`,
 * `event::reply` and `event::say`: `c.bound(event, st)` -> most bytes `encode` will write; 0 = no word for
 * this one, and nothing is sent. `c.encode(event, st, p)` -> bytes written at `p`. `c.type(event, st)` -> how
 * they are marked. A peer that sends an event without a word on its target's wire gets `unknown_command`.
 *  - `c.share_key(st)` -> equal keys of one codec object, not negative, mean equal bytes: an event to many is
 * encoded once for all of them. -1: for this connection alone.
 *  - `c.end(errc, st)` -> how to end the connection for that cause.
 *  - `C::checks_utf8` -> whether `decode` refuses text that is not UTF-8 with `bad_utf8`, or does not read
 *    messages as text.
 *  - It may also have `c.objection(event, st)`, asked where `bound` is 0: the cause that the sender of the
 * event gets instead of `unknown_command`.
 *
 *  A dialect may have HTTP routes too: `c.http(request, response, directory)` -> whether it answered a plain
 *  HTTP request, asked before the HttpHandler. A response that it fills with a status other than 200, but
 *  does not call an answer, is the answer if the HttpHandler has none. `directory` can be asked as a Registry
 *  is, by `find`, `size` and `for_each_peer`; it is not kept.
 *
 *  Laws:
 *  - 0 < `encode` <= `bound` wherever `bound` is not 0; `encode` is handed the event that `bound` was. An
 * encoded event decodes on the other side.
 *  - `decode` never throws, for any bytes; time and memory are linear in them. It may change the bytes.
 *  - An `event::say` without `to` and `topic` carries a `fault`.
 *  - A payload is passed on as it came. A codec that writes a payload looks at its `wire`: where that is a
 * format the codec cannot write, `bound` is 0 (`say`, `publish`, `request`), or the value is left out (all
 * others); see `codec::transcoded`.
 *  - A token comes back byte for byte, with its `wire`.
 *  Lifetime: the views in an emitted event live until `handler` returns. */
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
                detail::has_word<C, event::say>;

/** Connection: one peer's end of the wire, owned by a transport; the codec's view of it is a bound.
 *
 *  Syntax, for `C c`:
 *  - `c.reserve(type, n)` -> room for a message of at most `n` bytes, or null; `c.commit(k)` sends its first
 *    `k` bytes. Nothing else is called in between.
 *  - `c.room(n)` -> whether `reserve` of `n` bytes would succeed now.
 *  - `c.accept(subprotocol)`, `c.refuse(ending)`: answers the upgrade, once: inside `opening`, or later if it
 *    was held in there.
 *  - `c.hold()` stops reading, `c.release()` goes on; messages that came meanwhile are delivered afterwards,
 *    in order. Before the answer `release` does no more than to have a turn run soon, in which it may be
 *    given.
 *  - `c.ping()` -> whether the wire can ask for a sign of life; the sink hears it by `alive`.
 *  - `c.close(ending, cause)`: sends all that is committed, says goodbye, closes. `c.state()` -> the sink's
 * state.
 *
 *  Laws:
 *  (a) No operation calls the sink. A failing or full connection is marked, ended at the end of the turn, and
 *      the sink hears of it once, by `closed`.
 *  - Messages arrive in the order committed, whole, or the connection ends.
 *  - An empty outbox takes any message within the message limit. A reservation that does not fit marks the
 *    connection as a `slow_consumer`: its output is freed at once and the wire cut.
 *  - After `close`, or once marked, `reserve` returns null, `room` false, and further calls do nothing.
 *  - One that was held before its answer waits for it however long, and bytes behind the upgrade wait too,
 * bounded. `close` answers it as `refuse` does. Its end is told by `closed` from then on, unless it is
 * refused; that a peer which is not being read has gone may not be seen before the answer. */
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

/** Connection that can share messages: a message to many stands once in memory. All transports of sigfire
 *  have it.
 *
 *  Syntax, for `C c`:
 *  - `c.share(type, bytes)` -> a block: the message as this kind of connection sends it. Copies of the block
 *    refer to the same bytes. One thread at a time.
 *  - `c.append(block)` -> whether it was taken. The block is of a connection of the same type.
 *
 *  Laws: `append` is as `reserve` and `commit` of the same message, in its order, its limit and its failure:
 *  the whole size counts for each connection. It may be flushed behind messages that were committed
 *  elsewhere. */
template <class C>
concept SharingConnection = Connection<C> && requires(C& c, message_type type, std::string_view bytes) {
    { c.append(c.share(type, bytes)) } -> std::same_as<bool>;
    requires std::copyable<decltype(c.share(type, bytes))>;
};

/** Sink: hears a transport's news; the listener is one.
 *  - `opening(c, request)`: a connection wants in; answer it with `accept` or `refuse`, or `hold` it and do
 * so later. A connection that is not answered or held is refused.
 *  - `received(c, message)`: a whole message. `alive(c)`: the other side answered a `ping()`.
 *  - `closed(c, cause)`: it is gone; last call for `c`, made exactly once for each connection that was
 * accepted, or held before its answer, but not if it was refused.
 *  - `http(request, response)` -> whether it answered this plain HTTP request.
 *  - `tick(now)` -> when to be called again at the latest. Called at the start of each turn, with a time
 *    before that deadline, and again when the turn has read all that came: then the sink may judge. Time in
 *    which the loop did not run is left out of `now`, which never goes back.
 *  - It may also have `failed(c, what)`: told of an exception of a member, and the connection it was about;
 *    null for `tick`. The text is lent. An exception of `failed` is ignored.
 *  - And `refused(remote, cause)`: told at the end of a turn about a connection that was refused without
 *    `opening`: by the accept gate, or for a handshake that failed. The address is numeric, and lent.
 *
 *  Law: a member may throw, and that costs the one connection it was called about: its cause is
 *  `internal_error` (close code 1011; 500 before the answer), and the loop goes on. After an exception of
 * `tick` it is called again within a second. */
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

template <class Connection>
struct sink {
    void opening(Connection&, const request&);
    void received(Connection&, message);
    void alive(Connection&);
    void closed(Connection&, errc);
    bool http(const request&, response&);
    time_point tick(time_point);
    static constexpr bool checks_utf8 = false;
};

} // namespace archetype

/** Transport: owns sockets, moves bytes. A description by value; its engine does the work.
 *
 *  Syntax, for `T t`, a state `S` and a sink `K`:
 *  - `t.context()` -> the `boost::asio::io_context` that it runs on.
 *  - `T::connection<S>`: models Connection; does not depend on the sink.
 *  - `T::engine<S, K>`: constructed from `(t, sink&)`.
 *    `engine.open(error_code&)` binds and starts to accept. `engine.address()` -> the address it is bound to,
 *    as a URL without path (`ws://127.0.0.1:3003`). `engine.stop(drain, f)` accepts no more, drops those that
 *    are still opening, cuts those left after `drain` (milliseconds; called again: at once) and calls `f()`
 *    when all connections are gone.
 *
 *  Laws:
 *  - For each connection: `opening` first, then `received` and `alive` in order, then `closed` once.
 *  - Output is flushed at the end of the turn, or of the next one if the turn's time is up; a stalled peer
 *    delays nobody else.
 *  - An exception of the sink costs one connection at most, and the loop goes on.
 *  - Everything a peer can make it store is bounded by an option. */
template <class T>
concept Transport = std::copy_constructible<T> && requires(const T& t) {
    t.context();
    typename T::template connection<archetype::connection_state>;
    typename T::template engine<
        archetype::connection_state,
        archetype::sink<typename T::template connection<archetype::connection_state>>>;
} && Connection<typename T::template connection<archetype::connection_state>>;

/** Channel: the hub's way to one peer: its connection, codec and codec state. Cheap to copy.
 *
 *  For each event `e` of `outgoing_events`:
 *  - `o.ready(e, bound)` -> `ok` if `deliver(e, bound)` would be taken now, with the `bound` that it has set;
 *    `unknown_command` if the wire has no word for it, or its codec's objection to `e`; else `full` (and the
 * peer is on its way out).
 *  - `o.deliver(e, bound)`: encodes `e` into the outbox. `o.deliver(e)`: the same without having asked;
 * nothing if the wire has no word for it. `o.deliver(e, f)`: the same with the texts that `f`, a `fanout`,
 * holds already.
 *  - `o.has_room(e)` -> false where `ready` would say `full`, but a channel without room stays as it is.
 *  - `o.ping()` -> asks for a sign of life; false if the wire cannot.
 *  - `o.hold()`, `o.release()`: stops and resumes reading. `o.close(why)`: ends the connection.
 *  Law: no operation calls back into the hub. */
template <class O>
concept Channel =
    std::copyable<O> && requires(O o, const event::say& say, const event::reply& reply,
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

/** Registry: the peers on this hub. Local and synchronous.
 *
 *  Syntax, for `R r`, an id and a `peer_handle h`:
 *  - `r.insert(id, h)` -> false, and nothing changed, if the id is taken.
 *  - `r.erase(id)` -> whether it was there. `r.find(id)` -> its handle, or one that names nobody.
 *  - `r.size()`, `r.for_each_peer(f)`: calls `f(id, handle)` for each, in any order.
 *
 *  Laws: ids are bytes, compared as bytes. `find` after `insert` finds; after `erase` it does not. `f` must
 *  not change the registry. `insert` may throw, and then nothing has changed; the others do not throw.
 *  Lifetime: the id handed to `insert` stays valid and unchanged until `erase` returns: a registry may keep
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

/** Router: where a message goes.
 *
 *  `r.route(registry, from, say, to)` -> `ok` after `to(handle)` was called for each target, or the cause for
 * which there is none (`unknown`, `self`, ...). `registry` can be asked as a Registry is, and by
 * `for_each(topic, f)` for the members of a topic, in the order in which they joined (nobody where the hub
 * has no topics). A message names a peer (`to`) or a topic. Laws: it names the sender only if `echo` is set,
 * and nobody twice; it changes neither the registry nor the message. */
template <class R>
concept Router = requires(R r, const archetype::registry& registry, peer_handle from, const event::say& e,
                          archetype::collect to) {
    { r.route(registry, from, e, to) } -> std::same_as<errc>;
};

/** Log: told of events. `l(level, event, fields)`; `event` is a fixed word (`peer_opened`), the fields are
 *  lent. Law: it returns soon and does not throw; it runs on the loop. */
template <class L>
concept Log = requires(L& l, log_level level, std::string_view event, std::span<const log_field> fields) {
    l(level, event, fields);
};

/** HttpHandler: answers plain HTTP requests. `h(request, response)` -> false if it has no answer (404, or
 *  426 where a WebSocket upgrade would have been accepted). A listener calls `h(request, response, hub)`
 *  where that is possible. The request may have a body. The answer may come later: `request::answer_later`.
 *  Laws: it returns soon; it runs on the loop. It may throw: then the answer is 500. */
template <class H>
concept HttpHandler = requires(H& h, const request& rq, response& rs) {
    { h(rq, rs) } -> std::same_as<bool>;
};

/// The same for a handler that takes the hub of its listener.
template <class H, class Hub>
concept HttpHandlerOf = requires(H& h, const request& rq, response& rs, Hub& hub) {
    { h(rq, rs, hub) } -> std::same_as<bool>;
};

} // namespace sigfire
