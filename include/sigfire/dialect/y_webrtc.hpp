// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <cstddef>
#include <string_view>

namespace sigfire::dialect {

/** The wire of y-webrtc's signaling server (`bin/server.js` of npm y-webrtc 10.3.0), server side: topics, and
 *  nothing else. For hubs with `topics`; who publishes need not be a member here.
 *
 *  | peer says | effect |
 *  | --- | --- |
 *  | `{"type":"subscribe","topics":[...]}` | it joins each |
 *  | `{"type":"unsubscribe","topics":[...]}` | it leaves each |
 *  | `{"type":"publish","topic":...}` | the object, with the number of members as `clients`, goes to all
 *  members, the sender included if it is one |
 *  | `{"type":"ping"}` | `{"type":"pong"}` |
 *
 *  Whatever else is said is ignored, and nothing else answered: peers have no ids here and are not greeted.
 *  Topics are strings of 1-256 bytes; others are skipped. What a publication says besides `clients` is copied
 *  as it stands.
 *
 *  To other codecs the `data` of a publication is its payload; theirs arrive as
 *  `{"type":"publish","topic":...,"data":...,"clients":...}`. Messages to a single peer have no word here.
 *
 *  Clients want to be sent something every 30 s, which `ping` sees to, and a WebSocket ping every 30 s, which
 *  is the transport's. Models Codec; no allocation in either direction. */
class y_webrtc {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true;

    /// Takes any path, and the first sub-protocol. Never refuses.
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /// Emits an envelope for each topic to join or leave, or one, or none. Errors: `bad_utf8` (text messages
    /// only).
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        members in;
        const auto object = read(m.view(), in);
        if (object.empty()) return detail::not_json(m) == errc::bad_utf8 ? errc::bad_utf8 : errc::ok;
        char type_buffer[24], topic_buffer[detail::json_name_room];
        const auto type = text_of(in.type, type_buffer, sizeof type_buffer);
        envelope e;
        e.whole = m;
        e.wire = &wire;
        if (type == "publish") {
            e.what = verb::publish;
            e.echo = true;
            e.number = 1; // no member either
            e.command = "publish";
            e.topic = text_of(in.topic, topic_buffer, sizeof topic_buffer);
            e.data.bytes = in.data;
            if (!e.topic.empty()) emit(e);
        } else if (type == "ping") {
            e.what = verb::ping;
            e.command = "ping";
            e.id = "ping";
            emit(e);
        } else if (type == "subscribe" || type == "unsubscribe") {
            detail::json_elements(in.topics, [&](std::string_view element) {
                envelope each = e; // what is emitted may be changed
                each.what = type == "subscribe" ? verb::join : verb::leave;
                each.command = type == "subscribe" ? "join" : "leave";
                each.topic = text_of(element, topic_buffer, sizeof topic_buffer);
                if (!each.topic.empty()) emit(each);
            });
        }
        return errc::ok;
    }

    /// At most what `encode` will write.
    std::size_t bound(const envelope& e, const state&) const noexcept {
        using detail::length, detail::json_number_room;
        if (e.what == verb::reply) return is_verdict(e.status) ? length(R"({"type":"pong"})") : 0;
        if (e.what != verb::publish || e.data.format != payload_format::json) return 0;
        if (is_original(e)) return e.whole.bytes.size() + length(R"(,"clients":)") + json_number_room;
        return length(R"({"type":"publish","topic":"","data":null,"clients":})") +
               detail::json_text_bound(e.topic) + e.data.bytes.size() + json_number_room;
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        if (bound(e, st) == 0) return 0;
        if (e.what == verb::reply) { // only pings have an id
            out.literal(R"({"type":"pong"})");
            return out.size();
        }
        char digits[detail::json_number_room];
        const std::string_view clients{digits, std::to_chars(digits, digits + sizeof digits, e.number).ptr};
        if (is_original(e)) {
            members in;
            const auto object = read(e.whole.view(), in);
            if (in.clients.empty()) {
                out.raw(object.substr(0, object.size() - 1)); // not empty: it has a type
                out.literal(R"(,"clients":)");
                out.raw(clients);
                out.literal("}");
            } else {
                const auto at = static_cast<std::size_t>(in.clients.data() - object.data());
                out.raw(object.substr(0, at));
                out.raw(clients);
                out.raw(object.substr(at + in.clients.size()));
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

    message_type type(const envelope&, const state&) const noexcept { return message_type::text; }

    /// One text for all.
    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no other.
    ending end(errc why, const state&) const noexcept { return detail::plain_ending(why); }

    /// Plain HTTP requests are told what the original tells them, whatever the path: 200, `okay`.
    template <class Directory>
    bool http(const request&, response& out, const Directory&) const {
        out.content_type = "text/plain";
        out.body = "okay";
        return true;
    }

private:
    struct members {
        std::string_view type, topics, topic, data, clients;

        std::string_view* find(std::string_view name) noexcept {
            if (name == "type") return &type;
            if (name == "topics") return &topics;
            if (name == "topic") return &topic;
            if (name == "data") return &data;
            if (name == "clients") return &clients;
            return nullptr;
        }
    };

    // Its address marks the envelopes that this class has made.
    static constexpr char wire = 0;

    // The object that is the whole of `text`, without the blanks around it; empty if it is none.
    static std::string_view read(std::string_view text, members& in) noexcept {
        detail::json_scanner scan{text};
        if (scan.first() != '{') return {};
        const auto object = scan.object([&](std::string_view name) {
            char buffer[24];
            auto* const view = in.find(detail::json_unescape(name, buffer, sizeof buffer));
            const auto value = scan.value();
            if (view != nullptr) *view = value;
            return !value.empty();
        });
        return scan.finished() ? object : std::string_view{};
    }

    static std::string_view text_of(std::string_view raw, char* buffer, std::size_t size) noexcept {
        if (!detail::is_json_string(raw)) return {};
        return detail::json_unescape(detail::json_contents(raw), buffer, size);
    }

    // A hook may have put another payload in place of the one that came.
    static bool is_original(const envelope& e) noexcept {
        return e.wire == &wire && detail::has_own_payload(e);
    }
};

static_assert(Codec<y_webrtc>, "sigfire: Codec requirements not met");

} // namespace sigfire::dialect
