// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/dialect/detail/nanomessage.hpp>
#include <sigfire/dialect/detail/socket_signal_wire.hpp>
#include <sigfire/text/json/write.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigfire::inline v0_1::dialect {

/// Milliseconds since 1970 (UTC) by the system's clock.
inline std::uint64_t system_milliseconds() noexcept {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

/// Options of `socket_signal`.
struct socket_signal_options {
    std::uint64_t (*clock)() noexcept = system_milliseconds; ///< clock for the answer to `__ping__`, in
                                                             ///< milliseconds since 1970 (UTC)
    std::uint32_t listed_ids = 1000; ///< most members in one list; `topics_options::lookup_limit` also
                                     ///< applies
};

/** The wire of npm socket-signal and socket-signal-websocket, 9.2 and 10.3, server side: one nanomessage
 *  packet per message. Clients of both versions may share a listener and reach each other.
 *
 *  Use it with the features `topics`, `requests` and `identity`. A peer has no name before it joins. When two
 *  peers claim an id, `identity` decides whether the newest or the first gets it.
 *
 *  | 9.2 | 10.3, with prefix `socket-signal-` | event |
 *  | --- | --- | --- |
 *  | `join`, `leave`, `lookup` | the same | the same, with the peer's id as `as` |
 *  | `offer` | `offer` | `request` to the peer, with command `offer` |
 *  | | `remote-connect` | `request`, with command `remoteConnect` |
 *  | event `signal` | event `onsignal` | `send`, with command `signal` |
 *  | `__ping__`, unknown events | `__ping__`, unknown events | `ping` |
 *  | any other | any other | `custom` |
 *
 *  A `leave` without topic leaves all topics.
 *
 *  Messages between peers pass unchanged, with unknown members too. The feature `requests` limits the wait
 *  for a peer's response. Failures have the codes, texts and arguments of the original, without `stack`. The
 *  server acknowledges each event, also after a failure.
 *
 *  An id or topic is text, or bytes. The hub has bytes as a name `base64:...` in canonical form, so that
 *  equal bytes are equal names. A name has 1-256 bytes, which is room for 186 bytes in base64. The codec
 *  ignores messages that are not a packet, and packets with an id of 2^30 or more.
 *
 *  Of the events of other codecs, this wire has messages for topic members and for replies to its requests. A
 *  reply in MessagePack needs `transcoded`. Models Codec; neither direction allocates. */
class socket_signal {
public:
    /// The state of a connection: none.
    struct state {};

    static constexpr bool checks_utf8 = false; ///< packets are bytes
    /// The format of payloads on this wire.
    static constexpr wire_id format = wire_id::json;

    /// A codec with these options.
    explicit socket_signal(socket_signal_options options = {}) noexcept : options_(options) {}

    /// Accepts any path, and the first offered sub-protocol. Never refuses.
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /// Emits at most one event. Never fails.
    template <class Handler>
    errc decode(message m, state&, Handler&& handler) const {
        const auto packet = detail::read_packet(m.view());
        document doc;
        if (!packet || !doc.read(packet->json)) return errc::ok;
        detail::socket_signal::token_room room;
        const auto stamp = [&](event::incoming& e, kind asked, std::string_view about = {}) {
            e.token.wire = own;
            if (packet->id != 0)
                e.token.bytes = detail::socket_signal::make_token(room, asked, packet->id, about);
        };
        names rooms;
        if (packet->response) {
            // An acknowledgement of an event is not a response.
            if (packet->id != 0 && packet->id < event_ids) respond(*packet, doc, rooms, handler);
            return errc::ok;
        }
        const auto asked = detail::socket_signal::method_of(packet->name, packet->event);
        const auto command = asked.command.empty() ? packet->name : asked.command;
        switch (asked.kind) {
        case kind::join: {
            event::join e;
            e.as = name_of(doc.in.id, rooms.peer);
            e.topic = name_of(doc.in.topic, rooms.topic);
            if (e.as.empty() || e.topic.empty()) e.fault = errc::malformed;
            e.list = options_.listed_ids;
            e.metadata.wire = own;
            stamp(e, asked.kind, e.as);
            hand(m, command, e, handler);
            break;
        }
        case kind::leave: {
            event::leave e;
            e.as = name_of(doc.in.id, rooms.peer);
            e.topic = name_of(doc.in.topic, rooms.topic);
            if (e.as.empty() || (e.topic.empty() && detail::json_truthy(doc.in.topic)))
                e.fault = errc::malformed;
            stamp(e, asked.kind, e.as);
            hand(m, command, e, handler);
            break;
        }
        case kind::lookup: {
            event::lookup e;
            e.topic = name_of(doc.in.topic, rooms.topic);
            if (e.topic.empty()) e.fault = errc::malformed;
            e.limit = options_.listed_ids;
            stamp(e, asked.kind);
            hand(m, command, e, handler);
            break;
        }
        case kind::offer:
        case kind::signal: {
            const auto to = name_of(doc.in.remote_id, rooms.peer);
            const auto pass = [&](auto e) {
                stamp(e, asked.kind, to);
                e.to = to;
                e.topic = name_of(doc.in.topic, rooms.topic);
                if (e.to.empty() || e.topic.empty()) {
                    e.fault = errc::malformed;
                    e.to = e.topic = {}; // so that the message does not go to a whole topic
                }
                e.echo = true;
                e.data = {doc.data, own};
                e.signal = detail::socket_signal::first_signal(doc.in.batch);
                e.signal.call = name_of(doc.in.session_id, rooms.call);
                hand(m, command, e, handler);
            };
            if (asked.kind == kind::offer)
                pass(event::request{});
            else
                pass(event::send{});
            break;
        }
        case kind::event:
        case kind::ping: {
            event::ping e;
            stamp(e, asked.kind);
            hand(m, command, e, handler);
            break;
        }
        case kind::other: {
            event::custom e;
            e.data = {doc.data, own};
            stamp(e, asked.kind, packet->name);
            hand(m, command, e, handler);
            break;
        }
        }
        return errc::ok;
    }

    /// Always 0: this wire has no welcome.
    std::size_t bound(const event::welcome&, const state&) const noexcept { return 0; }
    /// Most bytes that `encode` will write; 0 for messages of other wires.
    std::size_t bound(const event::send& e, const state&) const noexcept { return bound_of(e); }
    /// Most bytes that `encode` will write; 0 for messages of other wires.
    std::size_t bound(const event::request& e, const state&) const noexcept { return bound_of(e); }
    /// Most bytes that `encode` will write; 0 for a token of another wire.
    std::size_t bound(const event::reply& e, const state&) const noexcept {
        // A failure contains at most one name of the token, or one text.
        token t;
        return !t.read(e.token) ? 0
                                : frame + 256 + e.data.bytes.size() + detail::json_text_bound(e.text) +
                                      detail::json_text_bound(t.about);
    }
    /// Most bytes that `encode` will write; 0 for a token of another wire.
    std::size_t bound(const event::member_list& e, const state&) const noexcept {
        token t;
        if (!t.read(e.token)) return 0;
        auto size = frame + detail::length("[]");
        for (const auto& m : e.members) size += detail::length(R"("",)") + detail::json_text_bound(m.id);
        return size;
    }
    /// Most bytes that `encode` will write; 0 for a token of another wire.
    std::size_t bound(const event::joined& e, const state&) const noexcept {
        token t;
        return t.read(e.token) ? frame + detail::length("[]") : 0;
    }

    /// Writes nothing.
    std::size_t encode(const event::welcome&, const state&, char*) const noexcept { return 0; }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::send& e, const state&, char* p) const noexcept {
        if (e.data.wire != own) return 0;
        return detail::write_value_packet(p, {.id = event_id(e.id), .event = true, .name = e.command},
                                          e.data.bytes);
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::request& e, const state&, char* p) const noexcept {
        if (e.data.wire != own) return 0;
        return detail::write_value_packet(p, {.id = static_cast<std::uint32_t>(e.number), .name = e.command},
                                          e.data.bytes);
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::reply& e, const state&, char* p) const noexcept {
        token t;
        if (!t.read(e.token)) return 0;
        // These clients cannot read other formats.
        const auto data = format_of(e.data.wire) == format ? e.data.bytes : std::string_view{};
        const bool event = t.kind == kind::signal || t.kind == kind::event;
        const bool nobody_there =
            (t.kind == kind::lookup || t.kind == kind::leave) && e.cause == errc::unknown;
        const bool ok = is_verdict(e.cause) || event || nobody_there;
        const detail::nano_packet packet{.id = t.id, .response = true, .error = !ok};
        if (!ok)
            return detail::write_packet(
                p, packet, [&](char* at) { return detail::socket_signal::write_error(at, e, data, t); });
        if (event) return detail::write_value_packet(p, packet, "null");
        if (t.kind == kind::leave) return detail::write_value_packet(p, packet, {});
        if (t.kind == kind::join || t.kind == kind::lookup)
            return detail::write_value_packet(p, packet, "[]");
        if (t.kind != kind::ping || !data.empty()) return detail::write_value_packet(p, packet, data);
        char time[detail::length(R"({"time":})") + detail::json_number_room];
        detail::json_writer out{time};
        out.literal(R"({"time":)");
        char number[detail::json_number_room];
        out.raw({number, std::to_chars(number, number + sizeof number, options_.clock()).ptr});
        out.literal("}");
        return detail::write_value_packet(p, packet, {time, out.size()});
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::member_list& e, const state&, char* p) const noexcept {
        token t;
        if (!t.read(e.token)) return 0;
        return detail::write_packet(p, {.id = t.id, .response = true}, [&](char* at) {
            return detail::socket_signal::write_ids(at, e.members);
        });
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::joined& e, const state&, char* p) const noexcept {
        token t;
        return t.read(e.token) ? detail::write_value_packet(p, {.id = t.id, .response = true}, "[]") : 0;
    }

    /// Always binary: packets are bytes.
    template <class E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::binary;
    }

    /// One key for all connections.
    int share_key(const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no others.
    ending end(errc why, const state&) const noexcept { return detail::plain_ending(why); }

    /// Answers plain HTTP requests on any path like the original server: 200, `Signal running OK`.
    template <class Directory>
    bool http(const request&, response& out, const Directory&) const {
        out.content_type = "text/plain";
        out.body = "Signal running OK\n";
        return true;
    }

    /** For hooks: the data that a peer of this wire sent with an event, as JSON
     *  (`{"id":...,"metadata":...}`). Empty if there is no data, or for another wire. The view is valid as
     *  long as the event's views. */
    template <class E>
    static std::string_view parameters(const E& e) noexcept {
        if constexpr (requires { e.data; }) {
            return e.data.wire == own ? e.data.bytes : std::string_view{};
        } else if constexpr (requires { e.whole; }) {
            if (e.token.wire != own) return {};
            document doc;
            const auto packet = detail::read_packet(e.whole.view());
            return packet && doc.read(packet->json) ? doc.data : std::string_view{};
        } else {
            return {};
        }
    }

private:
    static constexpr wire_id own = wire_id::socket_signal;
    static constexpr std::size_t frame = detail::nano_overhead + detail::length(R"({"data":})");

    // Events have ids from this number on; requests have lower ids.
    static constexpr std::uint32_t event_ids = detail::nano_ids / 2;

    using token = detail::socket_signal::token;
    using document = detail::socket_signal::document;
    using kind = detail::socket_signal::method_kind;

    // Room for the names in a message.
    struct name_room {
        char text[detail::json_name_room], bytes[detail::json_name_room];
    };
    struct names {
        name_room peer, topic, call;
    };

    // Equal bytes become equal names.
    static std::string_view name_of(std::string_view raw, name_room& room) noexcept {
        const auto name =
            detail::canonical_bytes(detail::text_of(raw, room.text), room.bytes, sizeof room.bytes);
        return name.size() <= 256 ? name : std::string_view{};
    }

    template <class E, class Handler>
    static void hand(message m, std::string_view command, E& e, Handler& handler) {
        e.command = command;
        if constexpr (requires { e.whole; }) e.whole = m;
        handler(e);
    }

    template <class Handler>
    static void respond(const detail::nano_packet& packet, const document& doc, names& rooms,
                        Handler& handler) {
        event::respond e;
        e.token.wire = own;
        e.number = packet.id;
        e.outcome = packet.error ? errc::denied : errc::ok;
        e.data = {doc.data, own};
        e.signal = detail::socket_signal::first_signal(doc.in.batch);
        e.signal.call = name_of(doc.in.session_id, rooms.call);
        handler(e);
    }

    template <class E>
    static std::size_t bound_of(const E& e) noexcept {
        return e.data.wire == own ? frame + e.command.size() + e.data.bytes.size() : 0;
    }

    // A hash, so that ids of nearby events differ.
    static std::uint32_t event_id(std::string_view id) noexcept {
        std::uint32_t hash = 0;
        for (const char c : id) hash = hash * 131 + static_cast<unsigned char>(c);
        return event_ids | (hash & (event_ids - 1));
    }

    socket_signal_options options_;
};

static_assert(Codec<socket_signal>, "sigfire: Codec requirements not met");

} // namespace sigfire::inline v0_1::dialect
