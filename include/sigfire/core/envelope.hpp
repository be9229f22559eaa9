// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>

#include <any>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sigfire {

/// What an envelope is for.
enum class verb : unsigned char {
    other,   ///< a command that the hub does not know: answered with `unknown_command`
    welcome, ///< hub to peer, first of all: `to` is the peer's own id, `data` what `resume` says or empty.
             ///< From a server's side to a client: `data` is the RTC configuration
    reply,   ///< hub to peer: how the request `id` ended (`status`), with `data` or without
    send,    ///< peer to hub: deliver this to `to`; hub to peer: this comes from `from`

    // Peer to hub, for the feature that knows it; `unknown_command` where there is none. Their `data` is a
    // JSON object or empty.
    join,    ///< become a member of `topic`
    leave,   ///< be none any longer
    lookup,  ///< who is in `topic`?
    set,     ///< a state entry of `topic`
    unset,   ///< no such entry any longer
    watch,   ///< tell me of changes in `topic`, or of the peer `to`
    unwatch, ///< no longer
    respond, ///< answers the request of that `number`: `status`, `data`
    create,  ///< make my id permanent
    update,  ///< the metadata of my record
    info,    ///< the record of `to`
    exists,  ///< is there a record of `to`?
    erase,   ///< make my id temporary again
    resume,  ///< make me resumable; with `data`, a bare token: I am who has it, and have `number` messages
    ack,     ///< I have `number` messages of yours
    alive,   ///< a heartbeat: wants no answer
    unname,  ///< I give up my id, and stay without one of mine

    ping, ///< are you there? Answered at once, by `ok`

    // both ways
    publish, ///< to the members of `topic`
    request, ///< a question to `to`, answered by `respond`; to the peer: with a `number`

    // hub to peer, beyond the wire of Signal-Fire
    notice, ///< something happened: `command` says what (`presence`, `expired`), `data` the rest
};

/// Whether peers say it to the hub, and get a reply to it.
constexpr bool is_request(verb v) noexcept {
    return v != verb::welcome && v != verb::reply && v != verb::ack && v != verb::notice;
}

/// What a signal is about, so that calls can cross dialects.
enum class signal_kind : unsigned char {
    none,           ///< no signal: something of the user's
    offer,          ///< a session description that asks
    answer,         ///< a session description that answers
    candidate,      ///< an ICE candidate
    other,          ///< a signal of unknown content
    bye,            ///< the end of a call
    session_start,  ///< may I call you?
    session_accept, ///< yes
    session_reject, ///< no
    session_cancel, ///< never mind
    session_end,    ///< the session is over
};

/// Who gives way when both sides of a session offer at once (W3C WebRTC, 10.7: perfect negotiation).
enum class politeness : unsigned char { none, polite, impolite };

/// How the bytes of a payload are written.
enum class payload_format : unsigned char {
    json,   ///< JSON text
    binary, ///< MessagePack
};

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
    errc status = errc::ok; ///< reply: how it ended. request: what the codec has against it; applied after
                            ///< the target was found fit
    politeness role = politeness::none; ///< the receiver's part in the session that this starts, also in the
                                        ///< reply to it
    bool echo = false;      ///< to the sender too: publish; send and request, if they name the sender
    bool droppable = false; ///< publish: need not reach who is slow; send: is not kept for who is absent
    /// request and respond: which one, counted by the hub. resume and ack: messages of the hub that the peer
    /// has. publish: not 0 if who says it need not be a member; on its way to the members: how many there
    /// are. join and lookup: how many members the reply tells at most (0: none, or as many as usual). reply:
    /// that of the question to another peer that was asked for it, if any.
    std::uint64_t number = 0;
    std::string_view id; ///< request and reply: the peer's token, as its codec wrote it: JSON; or MessagePack
                         ///< behind the two letters `id`. Elsewhere: a fresh id of the hub
    std::string_view command; ///< the wire's name for what is asked, `offer`; in the reply to a request that
                              ///< failed: what to say instead of the cause's own text, if anything
    std::string_view from;    ///< id of the sending peer
    std::string_view to; ///< id of the peer it is for; empty = names nobody (`status` may say why). Join and
                         ///< leave: the id by which, on wires where peers name themselves (see `claims`)
    std::string_view topic; ///< name of the topic it is about, or empty (leave: all); of a request to a peer:
                            ///< it has to be a member
    payload data;
    message whole;              ///< the message it came in; a wire that forwards byte for byte needs no other
    const void* wire = nullptr; ///< the codec's own notes
};

/** How a connection is ended: by HTTP status while the upgrade can still be refused, else by close code. */
struct ending {
    unsigned http_status = 400;      ///< for a refused upgrade; 0 = accept it, then close: only close codes
                                     ///< can be read by the page in a browser
    std::uint16_t close_code = 1000; ///< RFC 6455 section 7.4; 0 = no close message, cut the connection;
                                     ///< 1005 = a close message without a code
    std::string_view text; ///< body of the refusal, or close reason (at most 123 bytes); static storage
    std::string_view farewell = {}; ///< a text message to send before the close, if any; static storage
};

/** How a connection is let in: filled by the codec, then by hooks, while the connection opens. */
struct admission {
    std::string id;             ///< the id the peer shall have, UTF-8, 1-256 bytes; empty = the hub draws one
    std::string subprotocol;    ///< WebSocket sub-protocol to answer with; empty = none
    std::any state;             ///< whatever hooks hand from `on_admit` to `on_open`
    std::string metadata;       ///< JSON for the peer's record, if the hub keeps records; empty = none
    bool permanent = false;     ///< whether that record stays when the peer goes
    bool resumable = false;     ///< the peer wants to be able to continue on another connection
    std::string token;          ///< proof that it is who it was before; empty = it is new
    std::uint64_t received = 0; ///< with `token`: how many messages of the hub it had
    std::optional<ending> refusal; ///< how to refuse it; empty = as the codec ends that cause
    /// It has to say `verb::alive` at least that often, see `heartbeat`; 0 = it need not.
    std::chrono::milliseconds heartbeat_timeout{};
    const void* party = nullptr; ///< whom it is counted with: an address that only they name
    std::size_t party_limit = 0; ///< most of its party who may be here; 0 = any number
};

} // namespace sigfire
