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

namespace sigfire::inline v0_1 {

/** The wire in which bytes are written: an open set of numbers. The low byte is the text format, and the high
 *  byte is the client family. Formats of your own have a low byte of 128 or more. Families of your own have a
 *  high byte of 128 or more: `constexpr wire_id cbor{0x0080};`. */
enum class wire_id : std::uint16_t {
    json = 0x0001,             ///< sigfire's own wire; JSON text
    msgpack = 0x0002,          ///< sigfire's own wire; MessagePack
    peerjs = 0x0101,           ///< JSON text of a PeerJS client
    signal_fire_2016 = 0x0201, ///< JSON text of signal-fire 0.5
    socket_signal = 0x0301,    ///< JSON text in socket-signal packets
    y_webrtc = 0x0401,         ///< JSON text of y-webrtc
};

/// The wire id of the text format alone: `json` for all wires with JSON text.
constexpr wire_id format_of(wire_id w) noexcept {
    return static_cast<wire_id>(static_cast<std::uint16_t>(w) & 0xff);
}

/// The wire of a value without one: from host code, from options.
inline constexpr wire_id default_wire = wire_id::json;

/// A value in a message that the hub passes on unread and unchanged. No bytes = no value.
struct payload {
    std::string_view bytes{};    ///< the value; lent, like all views in events
    wire_id wire = default_wire; ///< wire of the bytes

    /// Whether there is no value.
    constexpr bool empty() const noexcept { return bytes.empty(); }
};

/// The peer's name for its request, for the reply. Only the peer's codec reads the bytes.
struct request_token {
    std::string_view bytes{};    ///< at most 256 bytes; empty = the peer wants no reply
    wire_id wire = default_wire; ///< wire of the codec that reads the bytes

    /// Whether the peer wants no reply.
    constexpr bool empty() const noexcept { return bytes.empty(); }
};

/// Size in bytes of the longest token that a hub keeps.
inline constexpr std::size_t longest_token = 256;

/// The kinds of signals.
enum class signal_kind : unsigned char {
    none,           ///< no signal: a message of the application
    offer,          ///< a session description that makes an offer
    answer,         ///< a session description that answers an offer
    candidate,      ///< an ICE candidate
    other,          ///< a signal of unknown content
    bye,            ///< the end of a call
    session_start,  ///< asks for a session
    session_accept, ///< accepts a session
    session_reject, ///< rejects a session
    session_cancel, ///< withdraws the request for a session
    session_end,    ///< ends a session
};

/// The signal in a payload.
struct call_signal {
    signal_kind kind = signal_kind::none; ///< kind of the signal
    std::string_view body{};              ///< the description or candidate inside the payload
    std::string_view call{}; ///< decoded id of the call, on wires that have one (`connectionId`, `sessionId`)
};

/** The side that gives way when both sides of a session offer at once (W3C WebRTC, 10.7: perfect
 *  negotiation). */
enum class politeness : unsigned char {
    none,    ///< no role: no session starts
    polite,  ///< gives way
    impolite ///< does not give way
};

/** Events between codecs and hub: a closed set of small views. `decode` gives the hub the events of a peer;
 *  `encode` takes the events of the hub. All views are valid until the call that takes the event returns. */
namespace event {

/// The members of every event from a peer.
struct incoming {
    request_token token{};      ///< name of the request, for the reply
    std::string_view command{}; ///< name of the command on the wire: `offer`, `join`
    errc fault = errc::ok;      ///< the codec's objection to the event; the hub sends it as the reply
};

// --- between peers: from one peer to the hub, and from the hub to another ---

/** A message for one peer, or for the targets that a router chooses. A codec may leave both `to` and `topic`
 *  empty only if it sets a `fault`. With a target, the hub replies a `fault` only after it has found the
 *  target. */
struct send : incoming {
    std::string_view to{};    ///< id of the target peer
    std::string_view topic{}; ///< topic of the message; with `to`: the target must be a member
    payload data{};           ///< the content
    call_signal signal{};     ///< the signal in `data`
    message whole{};          ///< message that contained the event; empty if the hub made the event
    bool echo = false;        ///< whether the sender itself may be a target
    bool ephemeral = false; ///< whether the message is useless later, so that the hub does not keep it for an
                            ///< absent peer
    // Set by the hub:
    std::string_view id{};              ///< id of this message, plain ASCII
    std::string_view from{};            ///< id of the sending peer; empty = the server itself
    politeness role = politeness::none; ///< the receiver's side in the session that this message starts
};

/// A message for the members of a topic.
struct publish : incoming {
    std::string_view topic{}; ///< name of the topic
    payload data{};           ///< the content
    call_signal signal{};     ///< the signal in `data`
    message whole{};          ///< message that contained the event; empty if the hub made the event
    bool echo = false;        ///< whether the sender gets the message too
    bool droppable = false;   ///< whether the hub may drop the message for a member without room
    bool open = false;        ///< whether this wire lets peers publish that are not members
    // Set by the hub:
    std::string_view id{};   ///< id of this message
    std::string_view from{}; ///< id of the publishing peer; empty = the server itself
    std::size_t members = 0; ///< number of members of the topic
};

/// A request to a peer; the peer answers with `respond`.
struct request : incoming {
    std::string_view to{};    ///< id of the target peer
    std::string_view topic{}; ///< if not empty: the target must be a member
    payload data{};           ///< the content
    call_signal signal{};     ///< the signal in `data`
    message whole{};          ///< message that contained the event; empty if the hub made the event
    bool echo = false;        ///< whether the sender itself may be the target
    // Set by the hub:
    std::string_view id{};    ///< id of this message
    std::string_view from{};  ///< id of the requesting peer
    std::uint64_t number = 0; ///< number of the request for its answer: 1 to 2^29-1
};

// --- from a peer to the hub ---

/// Answers a `request` of another peer.
struct respond : incoming {
    std::uint64_t number = 0; ///< number of the request
    errc outcome = errc::ok;  ///< `ok`, or the cause of the failure
    payload data{};           ///< the result, or the peer's text about the failure
    call_signal signal{};     ///< the signal in `data`
};

/// Becomes a member of a topic.
struct join : incoming {
    std::string_view topic{};             ///< name of the topic
    std::string_view as{};                ///< new id of the peer, on wires where peers name themselves
    payload metadata{};                   ///< metadata of the member: a map, or empty
    std::optional<std::uint64_t> limit{}; ///< most members: with that many members in the topic, the request
                                          ///< fails with `full`
    std::optional<std::uint64_t> match{}; ///< size of a group to join, 2 or more
    std::optional<std::uint64_t> list{};  ///< most members to list in the reply; without it, the reply lists
                                          ///< none
    bool open = false; ///< Whether this wire lets peers publish that are not members. They can publish in a
                       ///< topic that such a join creates.
    message whole{};   ///< message that contained the event, for hooks; empty if the codec does not keep it
};

/// Stops being a member of a topic.
struct leave : incoming {
    std::string_view topic{}; ///< name of the topic; empty = all topics
    std::string_view as{};    ///< id of the leaving peer, on wires where peers name themselves
    message whole{}; ///< message that contained the event, for hooks; empty if the codec does not keep it
};

/// Asks for the members of a topic.
struct lookup : incoming {
    std::string_view topic{};             ///< name of the topic
    std::optional<std::uint64_t> limit{}; ///< most members to list in the reply
    message whole{}; ///< message that contained the event, for hooks; empty if the codec does not keep it
};

/// Sets a state entry of a topic.
struct set : incoming {
    /// Name of the topic.
    std::string_view topic{}, key{};    ///< key of the entry
    payload value{};                    ///< value of the entry
    std::optional<std::uint64_t> ttl{}; ///< milliseconds until the entry expires; empty = it lasts as long as
                                        ///< its owner is a member
};

/// Removes a state entry of a topic.
struct unset : incoming {
    /// Name of the topic.
    std::string_view topic{}, key{}; ///< key of the entry
};

/// Asks for the changes of a topic, or of one peer.
struct watch : incoming {
    std::string_view peer{};  ///< id of the peer; empty = watch the topic
    std::string_view topic{}; ///< name of the topic
};

/// Stops watching a topic or a peer.
struct unwatch : incoming {
    /// Id of the peer; empty = the topic.
    std::string_view peer{}, topic{}; ///< name of the topic
};

/// Makes the peer's id permanent.
struct create : incoming {
    payload metadata{}; ///< metadata of the peer's record
};

/// Changes the metadata of the peer's record.
struct update : incoming {
    payload metadata{}; ///< the new metadata
};

/// Makes the peer's id temporary again.
struct erase : incoming {};

/// Asks for the record of an id.
struct info : incoming {
    std::string_view id{}; ///< the id; empty = the peer's own
};

/// Asks whether a record of an id exists.
struct exists : incoming {
    std::string_view id{}; ///< the id; empty = the peer's own
};

/// Asks to become resumable. With a token, asks to resume as the peer that got the token.
struct resume : incoming {
    std::string_view proof{};   ///< the resume token; empty = none
    std::uint64_t received = 0; ///< number of messages that the peer has received from the hub
};

/// Tells how many messages the peer has received from the hub.
struct ack : incoming {
    std::uint64_t received = 0; ///< number of messages
};

/// A heartbeat of the peer; there is no reply.
struct heartbeat : incoming {};

/// Gives up the peer's id. The id is free, but the peer uses it until another peer takes it.
struct release_id : incoming {};

/// Asks whether the hub is there. The hub replies at once.
struct ping : incoming {};

/// Shows a fresh token, so that the peer may stay.
struct authenticate : incoming {
    std::string_view proof{}; ///< the token
};

/// A command that the codec does not know, for hooks.
struct custom : incoming {
    /// Id of the target peer, if the message has one.
    std::string_view to{}, topic{}; ///< name of the topic, if the message has one
    payload data{};                 ///< the content
};

// --- from the hub to a peer ---

/// Grants a peer the right to resume.
struct resume_grant {
    request_token token{};              ///< name of the `resume` request; empty inside a welcome
    std::string_view peer{};            ///< id of the peer; empty = unchanged
    std::string_view proof{};           ///< token for the next `resume`: plain ASCII
    std::chrono::milliseconds window{}; ///< time in which the peer may resume
    bool returned = false;              ///< whether the peer has sent a token
    bool recovered = false;             ///< with `returned`: whether the peer has missed no message
    std::uint64_t received = 0; ///< with `recovered`: number of requests that the hub has received from the
                                ///< peer
};

/// How fast a peer may send: a token bucket, see `rate_limit`.
struct rate_terms {
    std::uint32_t per_second = 0; ///< messages per second, on average; 0 = no limit
    std::uint32_t burst = 0;      ///< messages at once
};

/// The first message to each peer.
struct welcome {
    std::string_view id{};               ///< id of this message
    std::string_view peer{};             ///< id of the peer
    payload configuration{};             ///< RTC configuration of this peer; empty = the codec's own
    const resume_grant* grant = nullptr; ///< grant for a peer that may resume; null = none
    rate_terms rate{};                   ///< how fast the peer may send
};

/// The result of a request.
struct reply {
    request_token token{};              ///< name of the request
    errc cause = errc::ok;              ///< `ok`, `held`, or the cause of the failure
    std::string_view text{};            ///< text of a failure, instead of the cause's own text
    payload data{};                     ///< content from a peer or hook; empty = none
    politeness role = politeness::none; ///< the peer's side in the session that its request started
    std::uint64_t number = 0;           ///< number of the `request` to another peer that this request caused
    std::chrono::milliseconds retry_after{}; ///< of `rate`: time until the same request can succeed
};

/// The reply to a `join`.
struct joined {
    request_token token{};    ///< name of the request
    std::string_view topic{}; ///< name of the topic; after a match, the name of the group
    std::size_t members = 0;  ///< number of members of the topic
};

/// A member of a topic.
struct member {
    std::string_view id{}; ///< id of the member
    payload metadata{};    ///< metadata of the member
    bool away = false;     ///< whether the member has no connection and may resume
};

/// The reply to a `lookup`, or to a `join` with `list`.
struct member_list {
    request_token token{};             ///< name of the request
    std::size_t count = 0;             ///< number of members of the topic
    std::span<const member> members{}; ///< the listed members
};

/// The reply to `info`.
struct record {
    request_token token{}; ///< name of the request
    /// Whether the peer is connected.
    bool online = false, permanent = false; ///< whether the id is permanent
    std::int64_t last_seen = 0; ///< time when the peer was last connected, in milliseconds since 1970 (UTC);
                                ///< 0 = never
    payload metadata{};         ///< metadata of the record
};

/// The reply to `exists`.
struct existence {
    request_token token{}; ///< name of the request
    bool known = false;    ///< whether a record of the id exists
};

/// The kind of change of a member or peer.
enum class presence_status : unsigned char {
    joined,  ///< became a member
    updated, ///< changed its metadata
    left,    ///< left
    away,    ///< lost its connection and may resume
    back     ///< resumed
};

/// One change of presence.
struct member_change {
    std::string_view id{};                            ///< id of the member or peer
    presence_status status = presence_status::joined; ///< kind of the change
    payload metadata{};                               ///< metadata of the member
    errc cause = errc::ok;                            ///< with `left`: the cause
};

/// One change of a topic's state.
struct entry_change {
    std::string_view key{};   ///< key of the entry
    payload value{};          ///< new value; empty = the entry was removed
    std::string_view owner{}; ///< id of the peer that set the entry
};

/// Changes for a watcher, or the current state.
struct presence {
    std::string_view id{};    ///< id of this message
    std::string_view topic{}; ///< name of the topic; empty = a watched peer
    bool snapshot = false;    ///< whether this is the current state, not a change
    bool more = false;        ///< with `snapshot`: whether another message continues it
    /// Members or peers that changed, or all of them in a snapshot.
    std::span<const member_change> members{};
    /// State entries that changed, or all of them in a snapshot.
    std::span<const entry_change> entries{};
};

/// Tells a sender that an absent peer did not come in time for a kept message.
struct expired {
    std::string_view id{};   ///< id of this message
    std::string_view from{}; ///< id of the absent peer
    std::string_view to{};   ///< id of the sender
    request_token token{};   ///< name of the request with the message; empty = several messages
};

/// Tells a peer that its session is over, when the other peer did not end it.
struct session_ended {
    std::string_view id{};   ///< id of this message
    std::string_view from{}; ///< id of the other peer
    errc cause = errc::lost; ///< `expired` = the session was not accepted in time; else why the other peer
                             ///< left
};

/// Tells a peer its new RTC configuration, before the old one ends.
struct configuration {
    std::string_view id{}; ///< id of this message
    payload data{};        ///< the RTC configuration
};

} // namespace event

/// A list of types, for code that treats all of them alike.
template <class... Ts>
struct event_list {};

/// All events from peers.
using incoming_events =
    event_list<event::send, event::publish, event::request, event::respond, event::join, event::leave,
               event::lookup, event::set, event::unset, event::watch, event::unwatch, event::create,
               event::update, event::erase, event::info, event::exists, event::resume, event::ack,
               event::heartbeat, event::release_id, event::ping, event::authenticate, event::custom>;

/// All events for peers.
using outgoing_events =
    event_list<event::welcome, event::reply, event::send, event::publish, event::request, event::joined,
               event::member_list, event::record, event::existence, event::resume_grant, event::presence,
               event::expired, event::session_ended, event::configuration>;

} // namespace sigfire::inline v0_1
