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

namespace sigfire::dialect {

/** The wire of y-webrtc's signaling server (`bin/server.js` of npm y-webrtc 10.3.0), server side: topics, and
 *  nothing else. For hubs with `topics`; a peer that publishes need not be a member here.
 *
 *  | peer says | effect |
 *  | --- | --- |
 *  | `{"type":"subscribe","topics":[...]}` | it joins each |
 *  | `{"type":"unsubscribe","topics":[...]}` | it leaves each |
 *  | `{"type":"publish","topic":...}` | the object, with the number of members as `clients`, goes to all
 *  members, the sender included if it is one |
 *  | `{"type":"ping"}` | `{"type":"pong"}` |
 *
 *  Other messages are ignored. Nothing but a ping is answered: peers have no ids here and are not greeted. A
 *  value that is no string, or empty, is no topic and skipped. A topic over 256 bytes is refused as
 *  `malformed`. Of one message `topics_per_message` are read; the next one is refused as `too_large`, and
 *  ends the reading. This wire has no word for a refusal: hooks and the log (`request_refused`) see it, not
 *  the client.
 *
 *  A publication is copied as it stands, but for `clients`. To other codecs its `data` is the payload, and
 * the `signal` in there an offer, an answer or a candidate; their publications arrive as
 *  `{"type":"publish","topic":...,"data":...,"clients":...}`. Messages to a single peer have no word here.
 *
 *  Clients want to be sent something every 30 s, which `ping` sees to, and a WebSocket ping every 30 s, which
 *  is the transport's. A page has one connection for all of its rooms, those that it has left too: give
 *  `topic_limits::topics_per_peer` room for them. Models Codec; no allocation in either direction. */
class y_webrtc {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true;
    /// The format of the payloads that this wire reads and writes.
    static constexpr wire_id format = wire_id::json;
    /// Topics of one message that are read.
    static constexpr std::size_t topics_per_message = 1000;

    /// Takes any path, and the first sub-protocol. Never refuses.
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

    /// 0: nobody is greeted.
    std::size_t bound(const event::welcome&, const state&) const noexcept { return 0; }
    /// 0: a message for one peer has no word here.
    std::size_t bound(const event::say&, const state&) const noexcept { return 0; }
    /// The most bytes that `encode` will write; 0 for a failure.
    std::size_t bound(const event::reply& e, const state&) const noexcept {
        return is_verdict(e.cause) && e.token.wire == own ? detail::length(R"({"type":"pong"})") : 0;
    }
    std::size_t bound(const event::publish& e, const state&) const noexcept {
        using detail::length, detail::json_number_room;
        if (is_original(e)) return e.whole.bytes.size() + length(R"(,"clients":)") + json_number_room;
        if (format_of(e.data.wire) != format) return 0;
        return length(R"({"type":"publish","topic":"","data":null,"clients":})") +
               detail::json_text_bound(e.topic) + e.data.bytes.size() + json_number_room;
    }

    std::size_t encode(const event::welcome&, const state&, char*) const noexcept { return 0; }
    std::size_t encode(const event::say&, const state&, char*) const noexcept { return 0; }
    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const event::reply& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        if (bound(e, st) != 0) out.literal(R"({"type":"pong"})"); // only pings have a token
        return out.size();
    }
    std::size_t encode(const event::publish& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        if (bound(e, st) == 0) return 0;
        char digits[detail::json_number_room];
        const std::string_view clients{digits, std::to_chars(digits, digits + sizeof digits, e.members).ptr};
        if (is_original(e)) {
            const auto object = e.whole.view();
            const auto replaced = clients_of(e);
            if (replaced.empty()) {
                out.raw(object.substr(0, object.size() - 1)); // not empty: it has a type
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

    /// All is text.
    template <class E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::text;
    }

    /// One text for all.
    int share_key(const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no other.
    ending end(errc why, const state&) const noexcept { return detail::plain_ending(why); }

    /// Plain HTTP requests are answered like by the original, on any path: 200, `okay`.
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
        std::string_view signal, signal_type, candidate; // of `data`, and of the signal in there

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

    // The object that is the whole of `message`, without the blanks around it; empty if it is none. Of equal
    // members the last counts, with its contents.
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

    // The signal's name in simple-peer, by which these clients talk.
    static call_signal signal_of(const members& in) noexcept {
        if (in.signal.empty() || in.signal[0] != '{') return {};
        if (in.signal_type == R"("offer")") return {signal_kind::offer, in.signal};
        if (in.signal_type == R"("answer")") return {signal_kind::answer, in.signal};
        if (in.signal_type == R"("candidate")" && !in.candidate.empty())
            return {signal_kind::candidate, in.candidate};
        return {signal_kind::other, in.signal};
    }

    // Reads a topic that is a string and not empty. One that can be no name stays as it is, with a fault: an
    // empty topic would mean all.
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
        // Without the blanks around it, so that it need not be read again.
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
            E e = of; // an emitted event may be changed
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

    // A hook may have put another payload in place of the one that came.
    static bool is_original(const event::publish& e) noexcept {
        return e.data.wire == own && !e.whole.bytes.empty() && detail::has_own_payload(e);
    }

    // The value of `clients` as it came; empty if there is none. Clients do not send it: that shows without
    // looking into the payload, which is most of the message.
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

} // namespace sigfire::dialect
