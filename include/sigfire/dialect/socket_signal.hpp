// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/dialect/detail/nanomessage.hpp>
#include <sigfire/dialect/detail/socket_signal_wire.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sigfire::dialect {

/// Milliseconds since 1970 by the system's clock.
inline std::uint64_t system_milliseconds() noexcept {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

/// Options of `socket_signal`.
struct socket_signal_options {
    std::uint64_t (*clock)() noexcept = system_milliseconds; ///< what `__ping__` is answered with
    std::uint32_t listed_ids = 1000; ///< told of a topic at most; `topics_options::lookup_limit` too
};

/** The wire of npm socket-signal and socket-signal-websocket, 9.2 and 10.3, server side: nanomessage packets,
 *  one a message. Clients of both versions may share a listener, and reach each other.
 *
 *  For hubs with `topics`, `requests` and `claims`: peers are nameless until they `join`, and `claims` says
 *  whether the newest or the first has an id that two of them claim.
 *
 *  | 9.2 | 10.3, with `socket-signal-` in front | the hub's verb |
 *  | --- | --- | --- |
 *  | `join`, `leave`, `lookup` | the same | the same: by the id `to`, of `topic`; a `leave` without topic
 *  leaves all |
 *  | `offer` | `offer` | `request` to the peer, of command `offer` |
 *  | | `remote-connect` | `request`, of command `remoteConnect` |
 *  | event `signal` | event `onsignal` | `send`, of command `signal` |
 *  | `__ping__` | `__ping__` | `ping`, as are events nobody knows |
 *  | any other | any other | `other` |
 *
 *  What peers say to each other passes as it came, unknown members too. A response that a peer owes is waited
 *  for as `requests` says; what goes wrong has the codes, texts and arguments of the original, without
 *  `stack`. Events are acknowledged whatever became of them.
 *
 *  Ids and topics may be text, or bytes, which on the hub have the name `base64:...` (canonical; so equal
 *  bytes are equal names); they are 1-256 bytes long as names, which is 186 bytes. What is no packet, or has
 *  an id of 2^30 or more, is ignored.
 *
 *  Of what comes from other codecs, clients of this wire have a use for the members of topics and for answers
 *  to their requests; an answer in MessagePack is none without `transcoded`. Models Codec; no allocation in
 * either direction. */
class socket_signal {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = false; // packets are bytes

    explicit socket_signal(socket_signal_options options = {}) noexcept : options_(options) {}

    /// Takes any path, and the first sub-protocol. Never refuses.
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /// Emits at most one envelope. Never fails.
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        const auto packet = detail::read_packet(m.view());
        document doc;
        if (!packet || !doc.read(packet->json)) return errc::ok;
        envelope e;
        e.whole = m;
        e.wire = &wire;
        e.data.bytes = doc.data;
        if (packet->response) {
            if (packet->id == 0 || packet->id >= event_ids) return errc::ok; // an event is acknowledged
            e.what = verb::respond;
            e.number = packet->id;
            e.status = packet->error ? errc::denied : errc::ok;
            describe(e);
            emit(e);
            return errc::ok;
        }
        parameters_of in;
        in.read(doc.data);
        const auto asked = detail::socket_signal::method_of(packet->name, packet->event);
        e.command = asked.command.empty() ? packet->name : asked.command;
        e.what = asked.what;
        name_room topic_room, to_room;
        std::string_view about; // what a failure tells
        switch (asked.kind) {
        case 'j':
        case 'v':
            e.to = about = name_of(in.id, to_room);
            if (e.to.empty()) e.status = errc::malformed;
            [[fallthrough]];
        case 'l':
            e.data = {};
            if (asked.kind != 'v') e.number = options_.listed_ids;
            e.topic = name_of(in.topic, topic_room);
            if (e.topic.empty() && (asked.kind != 'v' || detail::json_truthy(in.topic)))
                e.status = errc::malformed;
            break;
        case 'o':
        case 's':
            e.echo = true;
            e.to = about = name_of(in.remote_id, to_room);
            e.topic = name_of(in.topic, topic_room);
            if (e.to.empty() || e.topic.empty()) {
                e.status = errc::malformed;
                e.to = e.topic = {}; // and not to all of a topic
            }
            describe(e);
            break;
        case 'x': about = packet->name; break;
        default: break;
        }
        detail::socket_signal::token_room room;
        if (packet->id != 0) e.id = detail::socket_signal::make_token(room, asked.kind, packet->id, about);
        emit(e);
        return errc::ok;
    }

    /// At most what `encode` will write.
    std::size_t bound(const envelope& e, const state&) const noexcept {
        constexpr std::size_t frame = detail::nano_overhead + detail::length(R"({"data":})");
        switch (e.what) {
        case verb::send:
        case verb::request: return e.wire == &wire ? frame + e.command.size() + e.data.bytes.size() : 0;
        case verb::reply: // a failure has at most a name of the token in it, or a text
            return e.id.empty() ? 0
                                : frame + 256 + e.data.bytes.size() + detail::json_text_bound(e.command) +
                                      detail::json_text_bound(e.id);
        default: return 0;
        }
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state& st, char* p) const noexcept {
        if (bound(e, st) == 0) return 0;
        if (e.what == verb::reply) return encode_reply(e, p);
        const bool event = e.what == verb::send;
        const detail::nano_packet packet{.id = event ? event_id(e.id) : static_cast<std::uint32_t>(e.number),
                                         .event = event,
                                         .name = e.command,
                                         .json = {}};
        return detail::write_packet(
            p, packet, [&](char* at) { return detail::socket_signal::write_value(at, e.data.bytes); });
    }

    message_type type(const envelope&, const state&) const noexcept { return message_type::binary; }

    /// One packet for all.
    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no other.
    ending end(errc why, const state&) const noexcept { return detail::plain_ending(why); }

    /// Plain HTTP requests are told what the original tells them, whatever the path.
    template <class Directory>
    bool http(const request&, response& out, const Directory&) const {
        out.content_type = "text/plain";
        out.body = "Signal running OK\n";
        return true;
    }

    /// For hooks: what a peer said with an envelope of this wire, as JSON (`{"id":...,"metadata":...}`);
    /// empty if it said nothing, or on another wire. A view into `e.whole`.
    static std::string_view parameters(const envelope& e) noexcept {
        document doc;
        if (e.wire != &wire) return {};
        const auto packet = detail::read_packet(e.whole.view());
        return packet && doc.read(packet->json) ? doc.data : std::string_view{};
    }

private:
    // Its address marks the envelopes that this class has made.
    static constexpr char wire = 0;

    // Ids of this and above are those of events, below are the numbers of requests.
    static constexpr std::uint32_t event_ids = detail::nano_ids / 2;

    struct document {
        std::string_view data; // empty: no value

        bool read(std::string_view json) {
            return !json.empty() && detail::json_fields(json, {{"data", &data}});
        }
    };

    struct parameters_of {
        std::string_view topic, id, remote_id;

        void read(std::string_view data) {
            detail::json_fields(data, {{"topic", &topic}, {"id", &id}, {"remoteId", &remote_id}});
        }
    };

    struct name_room {
        char text[detail::json_name_room], bytes[detail::json_name_room];
    };

    static std::string_view name_of(std::string_view raw, name_room& room) noexcept {
        if (!detail::is_json_string(raw)) return {};
        const auto text = detail::json_unescape(detail::json_contents(raw), room.text, sizeof room.text);
        const auto name = detail::canonical_bytes(text, room.bytes, sizeof room.bytes);
        return name.size() <= 256 ? name : std::string_view{};
    }

    // A batch of signals is what its first one is.
    static void describe(envelope& e) noexcept {
        std::string_view first;
        detail::json_elements(detail::json_member(e.data.bytes, "data"), [&first](std::string_view signal) {
            if (first.empty()) first = signal;
        });
        const auto type = detail::json_member(first, "type");
        if (first.empty()) return;
        e.data.kind = signal_kind::other;
        e.data.signal = first;
        if (type == R"("offer")") e.data.kind = signal_kind::offer;
        if (type == R"("answer")") e.data.kind = signal_kind::answer;
        if (const auto c = detail::json_member(first, "candidate"); type == R"("candidate")" && !c.empty()) {
            e.data.kind = signal_kind::candidate;
            e.data.signal = c;
        }
    }

    // Unlike that of any event before or after it for a long time.
    static std::uint32_t event_id(std::string_view id) noexcept {
        std::uint32_t hash = 0;
        for (const char c : id) hash = hash * 131 + static_cast<unsigned char>(c);
        return event_ids | (hash & (event_ids - 1));
    }

    std::size_t encode_reply(const envelope& e, char* p) const noexcept {
        using namespace detail::socket_signal;
        if (e.data.format != payload_format::json) { // nothing that these clients could read
            envelope without = e;
            without.data = {};
            return encode_reply(without, p);
        }
        const token t{e.id};
        const bool empty_lookup = t.kind == 'l' && e.status == errc::unknown;
        const bool not_there = t.kind == 'v' && e.status == errc::unknown;
        const bool event = t.kind == 's' || t.kind == 'e';
        const bool ok = is_verdict(e.status) || event || empty_lookup || not_there;
        const detail::nano_packet packet{.id = t.id, .response = true, .error = !ok, .name = {}, .json = {}};
        return detail::write_packet(p, packet, [&](char* at) {
            if (!ok) return write_error(at, e, t);
            if (event) return write_value(at, "null");
            if (empty_lookup) return write_value(at, "[]");
            if (t.kind == 'v') return write_value(at, {});
            if (t.kind == 'j' || t.kind == 'l') return write_ids(at, e.data.bytes);
            if (t.kind != 'p' || !e.data.bytes.empty()) return write_value(at, e.data.bytes);
            char digits[32];
            detail::json_writer out{digits};
            out.literal(R"({"time":)");
            char number[detail::json_number_room];
            out.raw({number, std::to_chars(number, number + sizeof number, options_.clock()).ptr});
            out.literal("}");
            return write_value(at, {digits, out.size()});
        });
    }

    socket_signal_options options_;
};

static_assert(Codec<socket_signal>, "sigfire: Codec requirements not met");

} // namespace sigfire::dialect
