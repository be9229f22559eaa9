// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <charconv>
#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1::dialect {

/** The wire of y-webrtc's signaling server (`bin/server.js` of npm y-webrtc 10.3.0), server side. It has
 *  topics only. Use it with the feature `topics`. On this wire, a peer may publish without being a member.
 *
 *  | message | effect |
 *  | --- | --- |
 *  | `{"type":"subscribe","topics":[...]}` | joins each topic |
 *  | `{"type":"unsubscribe","topics":[...]}` | leaves each topic |
 *  | `{"type":"publish","topic":...}` | goes to all members, also to the sender if it is a member |
 *  | `{"type":"ping"}` | the server replies `{"type":"pong"}` |
 *
 *  The server adds the number of members, as `clients`, to each published object. It replies to pings only:
 *  on this wire, peers have no ids and get no welcome. The codec ignores other messages.
 *
 *  The codec skips an element of `topics` that is empty or not a string. It rejects a topic of more than 256
 *  bytes with `malformed`. It reads `topics_per_message` topics of a message, rejects the next one with
 *  `too_large`, and stops. This wire has no message for a rejection: only hooks and the log
 *  (`request_refused`) see it.
 *
 *  A publication passes unchanged, except for `clients`. For other codecs, its `data` is the payload. A
 *  `signal` in that payload is an offer, an answer or a candidate. A publication from another codec arrives
 *  as `{"type":"publish","topic":...,"data":...,"clients":...}`. This wire has no message to a single peer.
 *
 *  Clients need a message at least every 30 s: the reply to their own `ping`. They also need a WebSocket ping
 *  every 30 s from the transport. A page has one connection for all its rooms, including rooms that it has
 *  left: set `topic_limits::topics_per_peer` accordingly. Models Codec; neither direction allocates. */
class y_webrtc {
public:
    /// The state of a connection: none.
    struct state {};

    /// `decode` checks text messages for UTF-8.
    static constexpr bool checks_utf8 = true;
    /// The format of payloads on this wire.
    static constexpr wire_id format = wire_id::json;
    /// Most topics that the codec reads from one message.
    static constexpr std::size_t topics_per_message = 1000;

    /// Accepts any path, and the first offered sub-protocol. Never refuses.
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /** Emits `event::join` or `event::leave` for each topic, or one `event::publish` or `event::ping`, or
     *  nothing. Errors: `bad_utf8` (text messages only). */
    template <class Handler>
    errc decode(message m, state&, Handler&& handler) const {
        members in;
        const auto object = read(m.view(), in);
        if (object.empty()) return detail::ignored(m);
        char type_buffer[24];
        const auto type = detail::text_of(in.type, type_buffer);
        if (type == "publish")
            publish(m, in, handler);
        else if (type == "ping")
            pong(handler);
        else if (type == "subscribe")
            each_topic(event::join{}, "join", in.topics, handler);
        else if (type == "unsubscribe")
            each_topic(event::leave{}, "leave", in.topics, handler);
        return errc::ok;
    }

    /// Always 0: this wire has no welcome.
    std::size_t bound(const event::welcome&, const state&) const noexcept { return 0; }
    /// Always 0: this wire has no message to a single peer.
    std::size_t bound(const event::send&, const state&) const noexcept { return 0; }
    /// Most bytes that `encode` will write; 0 for a failure.
    std::size_t bound(const event::reply& e, const state&) const noexcept {
        return is_verdict(e.cause) && e.token.wire == own ? detail::length(R"({"type":"pong"})") : 0;
    }
    /// Most bytes that `encode` will write; 0 for a payload in another format.
    std::size_t bound(const event::publish& e, const state&) const noexcept {
        using detail::length, detail::json_number_room;
        if (is_original(e)) return e.whole.bytes.size() + length(R"(,"clients":)") + json_number_room;
        if (format_of(e.data.wire) != format) return 0;
        return length(R"({"type":"publish","topic":"","data":null,"clients":})") +
               detail::json_text_bound(e.topic) + e.data.bytes.size() + json_number_room;
    }

    /// Writes nothing.
    std::size_t encode(const event::welcome&, const state&, char*) const noexcept { return 0; }
    /// Writes nothing.
    std::size_t encode(const event::send&, const state&, char*) const noexcept { return 0; }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::reply& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        if (bound(e, st) != 0) out.literal(R"({"type":"pong"})"); // only pings have a token
        return out.size();
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::publish& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        if (bound(e, st) == 0) return 0;
        char digits[detail::json_number_room];
        const std::string_view clients{digits, std::to_chars(digits, digits + sizeof digits, e.members).ptr};
        if (is_original(e)) {
            const auto object = e.whole.view();
            const auto replaced = clients_of(e);
            if (replaced.empty()) {
                out.raw(object.substr(0, object.size() - 1)); // not empty: there is a type
                out.literal(R"(,"clients":)");
                out.raw(clients);
                out.literal("}");
            } else {
                const auto at = static_cast<std::size_t>(replaced.data() - object.data());
                out.raw(object.substr(0, at));
                out.raw(clients);
                out.raw(object.substr(at + replaced.size()));
            }
            return out.size();
        }
        out.literal(R"({"type":"publish","topic":")");
        out.text(e.topic);
        out.literal(R"(","data":)");
        out.raw(e.data.bytes.empty() ? "null" : e.data.bytes);
        out.literal(R"(,"clients":)");
        out.raw(clients);
        out.literal("}");
        return out.size();
    }

    /// Always text.
    template <class E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::text;
    }

    /// One key for all connections.
    int share_key(const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no others.
    ending end(errc why, const state&) const noexcept { return detail::plain_ending(why); }

    /// Answers plain HTTP requests on any path like the original server: 200, `okay`.
    template <class Directory>
    bool http(const request&, response& out, const Directory&) const {
        out.content_type = "text/plain";
        out.body = "okay";
        return true;
    }

private:
    static constexpr wire_id own = wire_id::y_webrtc;

    struct members {
        std::string_view type, topics, topic, data, clients;
        std::string_view signal, signal_type, candidate; // of `data`, and of the signal inside

        std::string_view* find(std::string_view name) noexcept {
            if (detail::is(name, "type")) return &type;
            if (detail::is(name, "topic")) return &topic;
            if (detail::is(name, "data")) return &data;
            if (detail::is(name, "topics")) return &topics;
            if (detail::is(name, "clients")) return &clients;
            return nullptr;
        }
        std::string_view* find_in_data(std::string_view name) noexcept {
            return detail::is(name, "signal") ? &signal : nullptr;
        }
        std::string_view* find_in_signal(std::string_view name) noexcept {
            if (detail::is(name, "type")) return &signal_type;
            return detail::is(name, "candidate") ? &candidate : nullptr;
        }
    };

    // Returns the object that is the whole `message`, without surrounding blanks, or an empty view. The last
    // of equal members counts, with its contents.
    static std::string_view read(std::string_view message, members& in) noexcept {
        detail::json_scanner text{message};
        if (text.first() != '{') return {};
        const auto value = [&text](std::string_view* view) { return detail::read_value(text, *view); };
        const auto find_in_signal = [&in](std::string_view name) { return in.find_in_signal(name); };
        const auto find_in_data = [&in](std::string_view name) { return in.find_in_data(name); };
        const auto read_signal = [&](std::string_view* view) {
            in.signal_type = in.candidate = {};
            if (text.member_first() != '{') return value(view);
            *view = detail::read_object(text, find_in_signal, value);
            return !view->empty();
        };
        const auto object = detail::read_object(
            text, [&in](std::string_view name) { return in.find(name); },
            [&](std::string_view* view) {
                if (view != &in.data) return value(view);
                in.signal = in.signal_type = in.candidate = {};
                if (text.member_first() != '{') return value(view);
                in.data = detail::read_object(text, find_in_data, read_signal);
                return !in.data.empty();
            });
        return text.finished() ? object : std::string_view{};
    }

    // The signal inside `data`, in the format of simple-peer, which these clients use.
    static call_signal signal_of(const members& in) noexcept {
        if (in.signal.empty() || in.signal[0] != '{') return {};
        if (in.signal_type == R"("offer")") return {signal_kind::offer, in.signal};
        if (in.signal_type == R"("answer")") return {signal_kind::answer, in.signal};
        if (in.signal_type == R"("candidate")" && !in.candidate.empty())
            return {signal_kind::candidate, in.candidate};
        return {signal_kind::other, in.signal};
    }

    // Reads a topic that is a non-empty string. A string that cannot be a name stays as it is, with a fault:
    // an empty topic would mean all topics.
    static bool read_topic(std::string_view raw, char (&buffer)[detail::json_name_room],
                           std::string_view& topic, errc& fault) noexcept {
        if (!detail::is_json_string(raw) || raw.size() == 2) return false;
        topic = detail::name_of(raw, buffer);
        if (!topic.empty()) return true;
        topic = detail::json_contents(raw);
        fault = errc::malformed;
        return true;
    }

    template <class Handler>
    static void publish(message m, const members& in, Handler& handler) {
        char buffer[detail::json_name_room];
        event::publish e;
        if (!read_topic(in.topic, buffer, e.topic, e.fault)) return;
        e.token.wire = e.data.wire = own;
        e.command = "publish";
        e.echo = e.open = true;
        e.data.bytes = in.data;
        e.signal = signal_of(in);
        // Cuts surrounding blanks, so that `encode` need not read the message again.
        const auto begin = m.view().find('{'), end = m.view().rfind('}') + 1;
        e.whole = {m.bytes.subspan(begin, end - begin), m.type};
        handler(e);
    }

    template <class Handler>
    static void pong(Handler& handler) {
        event::ping e;
        e.token = {"ping", own};
        e.command = "ping";
        handler(e);
    }

    template <class E, class Handler>
    static void each_topic(const E& of, std::string_view command, std::string_view topics, Handler& handler) {
        std::size_t count = 0;
        detail::each_element(topics, [&](std::string_view element) {
            char buffer[detail::json_name_room];
            E e = of; // the handler may change an event
            const bool too_many = ++count > topics_per_message;
            if (!read_topic(element, buffer, e.topic, e.fault) && !too_many) return true;
            if (too_many) {
                e.topic = element;
                e.fault = errc::too_large;
            }
            e.token.wire = own;
            e.command = command;
            if constexpr (requires { e.open; }) e.open = true;
            handler(e);
            return !too_many;
        });
    }

    // A hook may have replaced the payload.
    static bool is_original(const event::publish& e) noexcept {
        return e.data.wire == own && !e.whole.bytes.empty() && detail::has_own_payload(e);
    }

    // The received value of `clients`; empty if there is none. Clients do not send this member. The search
    // leaves out the payload, which is most of the message.
    static std::string_view clients_of(const event::publish& e) noexcept {
        const auto object = e.whole.view();
        const auto begin = e.data.bytes.empty()
                               ? object.size()
                               : static_cast<std::size_t>(e.data.bytes.data() - object.data());
        const auto may_be_in = [](std::string_view part) {
            return part.find("clients") != part.npos || part.find('\\') != part.npos;
        };
        if (!may_be_in(object.substr(0, begin)) &&
            (begin == object.size() || !may_be_in(object.substr(begin + e.data.bytes.size()))))
            return {};
        members in;
        read(object, in);
        return in.clients;
    }
};

static_assert(Codec<y_webrtc>, "sigfire: Codec requirements not met");

} // namespace sigfire::inline v0_1::dialect
