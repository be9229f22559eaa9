// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sigfire {

/** The wire in which bytes are written: an open set of numbers. The low byte is the format of the text, the
 * high byte the client family. Formats of your own have a low byte of 128 or more, families of your own a
 * high byte of 128 or more: `constexpr wire_id cbor{0x0080};`. */
enum class wire_id : std::uint16_t {
    json = 0x0001,             ///< sigfire's own wire; JSON text
    msgpack = 0x0002,          ///< sigfire's own wire; MessagePack
    peerjs = 0x0101,           ///< JSON text of a PeerJS client
    signal_fire_2016 = 0x0201, ///< JSON text of signal-fire 0.5
    socket_signal = 0x0301,    ///< JSON text in socket-signal packets
    y_webrtc = 0x0401,         ///< JSON text of y-webrtc
};

/// The wire id of the bare format: `json` for all wires with JSON as text.
constexpr wire_id format_of(wire_id w) noexcept {
    return static_cast<wire_id>(static_cast<std::uint16_t>(w) & 0xff);
}

/// The wire of a value that comes without one: from host code, from options.
inline constexpr wire_id default_wire = wire_id::json;

/// A value that the hub does not read, as it stands in a message. No bytes: no value.
struct payload {
    std::string_view bytes{};
    wire_id wire = default_wire; ///< how the bytes are written

    constexpr bool empty() const noexcept { return bytes.empty(); }
};

/// The name that a peer gave to its request, for the reply: bytes that only its codec reads.
struct request_token {
    std::string_view bytes{};    ///< at most 256 bytes; empty: the peer wants no reply
    wire_id wire = default_wire; ///< the codec that reads them

    constexpr bool empty() const noexcept { return bytes.empty(); }
};

/// The longest token that a hub keeps, in bytes.
inline constexpr std::size_t longest_token = 256;

/// The kinds of signals.
enum class signal_kind : unsigned char {
    none,           ///< no signal: a message of the user's own
    offer,          ///< a session description that asks
    answer,         ///< a session description that answers
    candidate,      ///< an ICE candidate
    other,          ///< a signal of unknown content
    bye,            ///< the end of a call
    session_start,  ///< asks for a session
    session_accept, ///< accepts it
    session_reject, ///< rejects it
    session_cancel, ///< takes the question back
    session_end,    ///< ends the session
};

/// The signal in a payload.
struct call_signal {
    signal_kind kind = signal_kind::none;
    std::string_view body{}; ///< inside the payload: the description or candidate itself
    std::string_view call{}; ///< id of the call where the wire has one: `connectionId`, `sessionId`; decoded
};

/// Which side gives way when both sides of a session offer at once (W3C WebRTC, 10.7: perfect negotiation).
enum class politeness : unsigned char { none, polite, impolite };

/** Events between codecs and hub: a closed set of small views. `decode` hands the hub the events of a peer,
 * `encode` is handed the events of the hub. All views are valid until the call that was handed the event
 * returns. */
namespace event {

/// The members of every event of a peer.
struct incoming {
    request_token token{};
    std::string_view command{}; ///< the wire's own word for it: `offer`, `join`
    errc fault = errc::ok;      ///< the codec's objection to it; the hub replies with it
};

// --- between peers: from one peer to the hub, and from the hub to another ---

/** A message for a peer, or by a router for others. A codec may leave `to` and `topic` empty only with a
 * `fault`; any other fault than that is replied only once the target was found. */
struct say : incoming {
    std::string_view to{};    ///< id of the peer
    std::string_view topic{}; ///< with `to`: the peer has to be a member of it
    payload data{};
    call_signal signal{};
    message whole{};        ///< the message it came in; empty if the hub made it
    bool echo = false;      ///< the sender itself may be the target
    bool ephemeral = false; ///< no use to a peer that is absent: not kept
    // set by the hub
    std::string_view id{};              ///< of this message: plain ASCII
    std::string_view from{};            ///< id of the sending peer; empty: the server itself
    politeness role = politeness::none; ///< the receiver's part in the session that this starts
};

/// A message for the members of a topic.
struct publish : incoming {
    std::string_view topic{};
    payload data{};
    call_signal signal{};
    message whole{};        ///< the message it came in; empty if the hub made it
    bool echo = false;      ///< to the sender too
    bool droppable = false; ///< need not reach a member that has no room for it
    bool open = false;      ///< this wire lets peers publish that are not members
    // set by the hub
    std::string_view id{};   ///< of this message
    std::string_view from{}; ///< id of the publisher; empty: the server itself
    std::size_t members = 0; ///< that the topic has
};

/// A question to a peer, which `respond` answers.
struct request : incoming {
    std::string_view to{};    ///< id of the peer
    std::string_view topic{}; ///< if there is one: the peer has to be a member of it
    payload data{};
    call_signal signal{};
    message whole{};
    bool echo = false; ///< the sender itself may be the target
    // set by the hub
    std::string_view id{};    ///< of this message
    std::string_view from{};  ///< id of the asking peer
    std::uint64_t number = 0; ///< names the question in its answer: 1 to 2^29-1
};

// --- from a peer to the hub ---

/// Answers a request.
struct respond : incoming {
    std::uint64_t number = 0; ///< of the request
    errc outcome = errc::ok;  ///< `ok`, or how the request failed
    payload data{};           ///< the result, or the peer's words on the failure
    call_signal signal{};
};

/// Becomes a member of a topic.
struct join : incoming {
    std::string_view topic{};
    std::string_view as{};                ///< id to join by, on wires where peers name themselves
    payload metadata{};                   ///< a map, or empty
    std::optional<std::uint64_t> limit{}; ///< fails with `full` if the topic has that many members
    std::optional<std::uint64_t> match{}; ///< joins a group of that many, 2 or more
    std::optional<std::uint64_t> list{};  ///< the reply lists the members, that many at most
    bool open =
        false;       ///< this wire lets peers publish that are not members: a topic that it opens is for all
    message whole{}; ///< the message it came in, for hooks; empty if its codec does not keep it
};

/// Stops being a member.
struct leave : incoming {
    std::string_view topic{}; ///< empty: of all topics
    std::string_view as{};    ///< the id that leaves, on wires where peers name themselves
    message whole{};          ///< the message it came in, for hooks; empty if its codec does not keep it
};

/// Asks for the members of a topic.
struct lookup : incoming {
    std::string_view topic{};
    std::optional<std::uint64_t> limit{}; ///< members in the reply at most
    message whole{}; ///< the message it came in, for hooks; empty if its codec does not keep it
};

/// Sets a state entry of a topic.
struct set : incoming {
    std::string_view topic{}, key{};
    payload value{};
    std::optional<std::uint64_t> ttl{}; ///< milliseconds until it expires
};

/// Removes one.
struct unset : incoming {
    std::string_view topic{}, key{};
};

/// Asks for changes in a topic, or of one peer.
struct watch : incoming {
    std::string_view peer{}; ///< id of the peer; empty: the topic
    std::string_view topic{};
};

/// Asks for no more of them.
struct unwatch : incoming {
    std::string_view peer{}, topic{};
};

/// Makes the peer's id permanent.
struct create : incoming {
    payload metadata{};
};

/// Changes the metadata of the peer's record.
struct update : incoming {
    payload metadata{};
};

/// Makes the peer's id temporary again.
struct erase : incoming {};

/// Asks for the record of an id.
struct info : incoming {
    std::string_view id{}; ///< empty: the peer's own
};

/// Asks whether there is one.
struct exists : incoming {
    std::string_view id{}; ///< empty: the peer's own
};

/// Asks to be resumable; or, with a token, to go on as the peer that was given it.
struct resume : incoming {
    std::string_view proof{};   ///< the resume token; empty: none
    std::uint64_t received = 0; ///< messages of the hub that the peer has
};

/// Says how many messages of the hub the peer has.
struct ack : incoming {
    std::uint64_t received = 0;
};

/// A heartbeat of the peer; wants no answer.
struct alive : incoming {};

/// Gives up the peer's id: it is free, but the peer goes by it until another one has it.
struct unname : incoming {};

/// Asks whether the hub is there: answered at once.
struct ping : incoming {};

/// A command that the codec does not know, for hooks.
struct custom : incoming {
    std::string_view to{}, topic{}; ///< as far as the message names them
    payload data{};
};

// --- from the hub to a peer ---

/// The hub's promise to a peer that may resume.
struct resume_grant {
    request_token token{};              ///< of the `resume` request; empty inside a welcome
    std::string_view peer{};            ///< the peer's id; empty: it has not changed
    std::string_view proof{};           ///< the token to come back with: plain ASCII
    std::chrono::milliseconds window{}; ///< in which to come back
    bool returned = false;              ///< the peer showed a token
    bool recovered = false;             ///< nothing is missing
    std::uint64_t received = 0;         ///< if so: requests of the peer that the hub has
};

/// The first message to each peer.
struct welcome {
    std::string_view id{};               ///< of this message
    std::string_view peer{};             ///< the peer's id
    payload configuration{};             ///< RTC configuration of this peer; empty: the codec's own
    const resume_grant* grant = nullptr; ///< if the peer may resume
};

/// How a request ended.
struct reply {
    request_token token{};
    errc cause = errc::ok;              ///< `ok`, `held`, or why the request failed
    std::string_view text{};            ///< of a failure: words instead of the cause's own
    payload data{};                     ///< of a peer or a hook; empty: none
    politeness role = politeness::none; ///< the peer's part in the session that its request started
    std::uint64_t number = 0;           ///< of the question to another peer that the request led to
};

/// The reply to a `join`.
struct joined {
    request_token token{};
    std::string_view topic{}; ///< the group, where one was matched
    std::size_t members = 0;
};

/// A member of a topic.
struct member {
    std::string_view id{};
    payload metadata{};
    bool away = false;
};

/// The reply to a `lookup`, or to a `join` that asks for a list.
struct member_list {
    request_token token{};
    std::size_t count = 0; ///< members that the topic has
    std::span<const member> members{};
};

/// The reply to `info`.
struct record {
    request_token token{};
    bool online = false, permanent = false;
    std::int64_t last_seen = 0; ///< ms since 1970 (UTC)
    payload metadata{};
};

/// The reply to `exists`.
struct existence {
    request_token token{};
    bool known = false;
};

/// The change of a member or a peer.
enum class presence_status : unsigned char { joined, updated, left, away, back };

/// One change of presence.
struct member_change {
    std::string_view id{};
    presence_status status = presence_status::joined;
    payload metadata{};
    errc cause = errc::ok; ///< why it left
};

/// One change of a topic's state.
struct entry_change {
    std::string_view key{};
    payload value{}; ///< empty: the entry is gone
    std::string_view owner{};
};

/// Changes for a watcher, or how things are.
struct presence {
    std::string_view id{};    ///< of this message
    std::string_view topic{}; ///< empty: of a peer
    bool snapshot = false;    ///< how things are, not a change
    bool more = false;        ///< of a snapshot: another message goes on with it
    std::span<const member_change> members{};
    std::span<const entry_change> entries{};
};

/// A message was kept for an absent peer, and the peer did not come in time.
struct expired {
    std::string_view id{};   ///< of this message
    std::string_view from{}; ///< id of the absent peer
    std::string_view to{};   ///< id of the peer that is told
    request_token token{};   ///< of the request that it was; empty: of several messages
};

/// A session is over, and not by the other peer's own word.
struct session_over {
    std::string_view id{};   ///< of this message
    std::string_view from{}; ///< id of the other peer
    errc cause = errc::lost; ///< `expired`: nobody accepted in time; else why the other peer went
};

} // namespace event

/// Types, for code that treats all of them alike.
template <class... Ts>
struct event_list {};

/// All events of peers.
using incoming_events =
    event_list<event::say, event::publish, event::request, event::respond, event::join, event::leave,
               event::lookup, event::set, event::unset, event::watch, event::unwatch, event::create,
               event::update, event::erase, event::info, event::exists, event::resume, event::ack,
               event::alive, event::unname, event::ping, event::custom>;

/// All events for peers.
using outgoing_events = event_list<event::welcome, event::reply, event::say, event::publish, event::request,
                                   event::joined, event::member_list, event::record, event::existence,
                                   event::resume_grant, event::presence, event::expired, event::session_over>;

} // namespace sigfire
