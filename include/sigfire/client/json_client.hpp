// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/client_request.hpp>
#include <sigfire/client/detail/client_ending.hpp>
#include <sigfire/client/detail/server_members.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/read_members.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1 {

namespace codec {

/** The client side of the wire of `json`. It writes requests, and reads welcomes, replies and messages. It
 *  offers sigfire's own sub-protocol, and also reads the messages of servers without it. Keeps no state.
 *
 *  A token is a JSON value in its encoded form (`"a1"` with its quotes, or `7`), in requests and in
 *  replies. So the two compare equal. */
class json_client {
public:
    /// The WebSocket sub-protocol to offer.
    static constexpr std::string_view subprotocol = "sigfire.v1.json";

    /// `decode` rejects text that is not UTF-8, so framings need not check it.
    static constexpr bool checks_utf8 = true;

    /** Reads one message. Calls `handler` at most once, with a `server_welcome`, `server_reply` or
     *  `server_message`; its payloads are JSON. Other valid JSON is ignored. All views are valid until
     *  `handler` returns.
     *
     *  Errors: `malformed`; `bad_utf8` (text messages only); `internal_error` (the message is `null`);
     *  `bad_welcome` (a welcome without an id of 1 to 256 bytes). */
    template <class Handler>
    errc decode(message m, Handler&& handler) const {
        using detail::json_name, detail::json_name_room;
        detail::json_scanner text{m.view()};
        if (text.first() != '{') return scalar(m, text);
        detail::server_members in;
        if (!detail::read_members(text, in)) return detail::not_json(m);

        char name_room[json_name_room], command_room[json_name_room];
        const auto command = json_name(in.cmd, command_room);
        if (command == "welcome") {
            server_welcome w;
            w.id = json_name(in.inner.id, name_room);
            if (w.id.empty() || w.id.size() > longest_peer_id) return errc::bad_welcome;
            w.configuration.bytes = in.inner.configuration;
            w.granted.bytes = in.inner.resume;
            handler(w);
        } else if (in.ok == "true" || in.ok == "false") {
            if (in.id.empty()) return errc::ok;
            server_reply r;
            r.token = in.id;
            r.data.bytes = in.data;
            r.role = role(in.inner.polite);
            if (in.ok == "false") {
                char cause_room[json_name_room];
                r.text = json_name(in.inner.message, name_room);
                r.cause = cause_from(
                    detail::is_json_string(in.inner.cause) ? json_name(in.inner.cause, cause_room) : r.text);
            }
            handler(r);
        } else {
            server_message s;
            s.from = json_name(in.origin, name_room);
            if (command.empty() || (s.from.empty() && !in.origin.empty())) return errc::ok;
            char topic_room[json_name_room];
            s.command = command;
            s.topic = json_name(in.topic, topic_room);
            s.number = detail::json_unsigned(in.request).value_or(0);
            s.role = role(in.polite);
            if (!detail::wants_map(command) || in.data.starts_with('{')) s.data.bytes = in.data;
            handler(s);
        }
        return errc::ok;
    }

    /// The exact number of bytes that `encode` will write. 0 if the request is not `complete`, or if its data
    /// is not JSON.
    std::size_t bound(const client_request& r) const noexcept {
        detail::json_writer out{detail::count_sink{}};
        write(out, r);
        return out.size();
    }

    /// Writes the request at `p`, which has room for `bound` bytes. Returns the number of bytes; 0 if `bound`
    /// is 0.
    std::size_t encode(const client_request& r, char* p) const noexcept {
        detail::json_writer out{detail::memory_sink{p}};
        write(out, r);
        return out.size();
    }

    /// The type of the messages that carry requests.
    static constexpr message_type type = message_type::text;

    /// The close code and text by which a client ends the connection for that cause.
    ending end(errc why) const noexcept { return detail::client_ending(why); }

private:
    template <class Out>
    static void write(Out& out, const client_request& r) noexcept {
        if (!r.complete() || (!r.data.empty() && format_of(r.data.wire) != wire_id::json)) return;
        out.literal(R"({"cmd":)");
        out.string(r.command);
        if (!r.target.empty()) {
            out.literal(R"(,"target":)");
            out.string(r.target);
        }
        if (!r.topic.empty()) {
            out.literal(R"(,"topic":)");
            out.string(r.topic);
        }
        if (r.answered != 0) {
            out.literal(R"(,"request":)");
            out.number(r.answered);
        }
        if (r.failed) out.literal(R"(,"ok":false)");
        if (r.echo) out.literal(R"(,"echo":true)");
        if (r.droppable) out.literal(R"(,"volatile":true)");
        if (!r.resuming.empty()) {
            out.literal(R"(,"token":)");
            out.string(r.resuming);
        }
        if (r.received) {
            out.literal(R"(,"received":)");
            out.number(*r.received);
        }
        if (!r.data.empty()) {
            out.literal(R"(,"data":)");
            out.raw(r.data.bytes);
        }
        if (!r.token.empty()) {
            out.literal(R"(,"id":)");
            out.raw(r.token);
        }
        out.literal("}");
    }

    static politeness role(std::string_view polite) noexcept {
        if (polite.empty()) return politeness::none;
        return polite == "true" ? politeness::polite : politeness::impolite;
    }

    // Checks a message that is not an object. Such a message has no meaning for a client, except `null`.
    static errc scalar(message m, detail::json_scanner& text) noexcept {
        const auto value = text.first() == '\0' ? std::string_view{} : text.value();
        if (value.empty() || !text.finished()) return detail::not_json(m);
        return value == "null" ? errc::internal_error : errc::ok;
    }
};

} // namespace codec

using codec::json_client;

} // namespace sigfire::inline v0_1
