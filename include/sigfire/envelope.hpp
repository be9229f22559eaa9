// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/error.hpp>
#include <sigfire/message.hpp>

#include <any>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sigfire {

/// What an envelope is for.
enum class verb : unsigned char {
    other,   ///< a command that the hub does not know: answered with `unknown_command`
    welcome, ///< hub to peer, first of all: `to` is the peer's own id, `data` the RTC configuration or empty
    reply,   ///< hub to peer: how the request `id` ended (`status`)
    send,    ///< peer to hub: deliver this to `to`; hub to peer: this comes from `from`
};

/// What a signal is about, so that calls can cross dialects.
enum class signal_kind : unsigned char {
    none,      ///< no signal: a session command, or something of the user's
    offer,     ///< a session description that asks
    answer,    ///< a session description that answers
    candidate, ///< an ICE candidate
    bye,       ///< the end of a call
    other,     ///< a signal of unknown content
};

/// Who gives way when both sides of a session offer at once (W3C WebRTC, 10.7: perfect negotiation).
enum class politeness : unsigned char { none, polite, impolite };

/// How the bytes of a payload are written.
enum class payload_format : unsigned char { json, binary };

/** What a peer says, opaque to the hub. */
struct payload {
    std::string_view bytes;                       ///< the payload as it stood in the message; empty = none
    std::string_view signal;                      ///< inside `bytes`: the description or candidate itself
    payload_format format = payload_format::json; ///< how `bytes` are written
    signal_kind kind = signal_kind::none;         ///< what `signal` is
    bool has_offer = false;                       ///< an answer whose payload also has a member `offer`
};

/** What a message means. All views are valid until the call that was handed the envelope returns. */
struct envelope {
    verb what = verb::other;
    errc status = errc::ok;    ///< reply: how it ended. request: what the codec has against it; applied after
                               ///< the target was found fit
    std::uint32_t request = 0; ///< number the hub gave a request that it holds open; 0 = none
    std::string_view
        id; ///< request and reply: the peer's token, as its codec wrote it. Elsewhere: a fresh id of the hub
    std::string_view command; ///< the wire's name for what is asked, `offer`; in the reply to a request that
                              ///< failed: what to say instead of the cause's own text, if anything
    std::string_view from;    ///< id of the sending peer
    std::string_view to;      ///< id of the peer it is for; empty = names nobody (`status` may say why)
    std::string_view topic;   ///< name of the topic it is about, or empty
    std::string_view token;   ///< resume: the proof
    std::uint64_t received = 0;         ///< resume and ack: how many messages of the hub the peer has
    politeness role = politeness::none; ///< the receiver's part in the session that this starts
    bool echo = false;                  ///< publish: to the sender too
    bool droppable = false;             ///< publish: need not reach who is slow
    payload data;
    message whole;              ///< the message it came in; a wire that forwards byte for byte needs no other
    const void* wire = nullptr; ///< the codec's own notes
};

/** How a connection is ended: by HTTP status while the upgrade can still be refused, else by close code. */
struct ending {
    unsigned http_status = 400;      ///< for a refused upgrade; 0 = accept it, then close: only close codes
                                     ///< can be read by the page in a browser
    std::uint16_t close_code = 1000; ///< RFC 6455 section 7.4; 0 = no close message, cut the connection
    std::string_view text; ///< body of the refusal, or close reason (at most 123 bytes); static storage
};

/** How a connection is let in: filled by the codec, then by hooks, while the connection opens. */
struct admission {
    std::string id;          ///< the id the peer shall have, UTF-8, 1-256 bytes; empty = the hub draws one
    std::string subprotocol; ///< WebSocket sub-protocol to answer with; empty = none
    std::any state;          ///< whatever hooks hand from `on_admit` to `on_open`
    std::optional<ending> refusal; ///< how to refuse it; empty = as the codec ends that cause
};

} // namespace sigfire
