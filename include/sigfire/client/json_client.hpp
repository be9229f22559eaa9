// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace sigfire {

namespace codec {

/** The client side of the wire of `json`: writes requests, reads welcomes, replies and what other peers send.
 * It asks for the extras and understands servers without them.
 *
 *  An envelope's `id` is here a JSON value as it stands on the wire, in requests to be sent as in replies
 *  (`"a1"` with its quotes, or `7`), so that they compare equal. In welcomes and relayed messages it is
 *  empty. */
class json_client {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true;

    /// The sub-protocol to offer.
    static constexpr std::string_view subprotocol = json_subprotocol;

    /// `ad.subprotocol` becomes the one to offer.
    errc open(const request&, state&, admission& ad) const {
        ad.subprotocol = subprotocol;
        return errc::ok;
    }

    /** Emits at most one envelope:
     *  - `verb::welcome`: `to` is the own id, `data.bytes` the RTC configuration (any JSON value) or empty;
     *  - `verb::reply`: `id`, `status`, and `data.bytes` the reply's `data` or empty;
     *  - `verb::send`: `command`, `from` (empty: the server itself), `topic`, `request`, `role` and `data`.
     *  What else is valid JSON is ignored.
     *
     *  Errors: `malformed`, `bad_utf8` (text messages only), `null_message`, `bad_welcome`. */
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        using detail::json_unescape, detail::json_contents, detail::is_json_string;
        detail::json_scanner text{m.view()};
        if (text.first() != '{') return detail::decode_scalar(m, text);
        detail::json_response_members in;
        if (!detail::read_members(text, in)) return detail::not_json(m);

        char name_buffer[detail::json_name_room], command_buffer[detail::json_name_room],
            topic_buffer[detail::json_name_room];
        const auto name = [&](std::string_view raw) {
            return is_json_string(raw) ? json_unescape(json_contents(raw), name_buffer, sizeof name_buffer)
                                       : std::string_view{};
        };
        envelope e;
        e.whole = m;
        if (is_json_string(in.cmd))
            e.command = json_unescape(json_contents(in.cmd), command_buffer, sizeof command_buffer);
        if (e.command == "welcome") {
            e.what = verb::welcome;
            e.to = name(in.inner.own_id);
            e.data.bytes = in.inner.configuration;
            if (e.to.empty()) return errc::bad_welcome;
        } else if (in.ok == "true" || in.ok == "false") {
            if (in.id.empty()) return errc::ok;
            e.what = verb::reply;
            e.id = in.id;
            e.data.bytes = in.data;
            if (in.ok == "false")
                e.status =
                    cause_from(name(is_json_string(in.inner.cause) ? in.inner.cause : in.inner.message));
        } else {
            e.from = name(in.origin);
            if (e.command.empty() || (e.from.empty() && !in.origin.empty())) return errc::ok;
            e.what = verb::send;
            if (detail::is_json_string(in.topic))
                e.topic = json_unescape(json_contents(in.topic), topic_buffer, sizeof topic_buffer);
            e.number = detail::json_uint(in.request).value_or(0);
            if (!in.polite.empty()) e.role = in.polite == "true" ? politeness::polite : politeness::impolite;
            if (const auto known = detail::find_command(e.command); known && known->carries_data)
                e.data = detail::json_payload(in.data, in.inner, *known, true);
            else
                e.data.bytes = in.data;
        }
        emit(e);
        return errc::ok;
    }

    /** At most what `encode` will write: nothing but for a command with an id, and `ack`, which has none. */
    std::size_t bound(const envelope& e, const state&) const noexcept {
        using detail::json_text_bound, detail::length;
        if (!can_encode(e)) return 0;
        return length(R"({"cmd":"","target":"","topic":"","data":,"id":})") + json_text_bound(e.command) +
               json_text_bound(e.to) + json_text_bound(e.topic) + e.data.bytes.size() + e.id.size() +
               length(R"(,"ok":false,"echo":true,"volatile":true,"token":"","received":)") +
               detail::json_number_room + (e.what == verb::resume ? json_text_bound(e.data.bytes) : 0);
    }

    /// Writes the request `e` at `p`, the members that it has; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state&, char* p) const noexcept {
        detail::json_writer out{p};
        if (!can_encode(e)) return 0;
        out.literal(R"({"cmd":")");
        out.text(e.command);
        if (!e.to.empty()) {
            out.literal(R"(","target":")");
            out.text(e.to);
        }
        if (!e.topic.empty()) {
            out.literal(R"(","topic":")");
            out.text(e.topic);
        }
        out.literal(R"(")");
        const auto number = [&out](std::uint64_t n) {
            char digits[detail::json_number_room];
            out.raw({digits, std::to_chars(digits, std::end(digits), n).ptr});
        };
        if (e.what == verb::send && e.number != 0) {
            out.literal(R"(,"request":)");
            number(e.number);
        }
        if (!is_verdict(e.status)) out.literal(R"(,"ok":false)");
        if (e.echo) out.literal(R"(,"echo":true)");
        if (e.droppable) out.literal(R"(,"volatile":true)");
        if (e.what == verb::resume && !e.data.bytes.empty()) {
            out.literal(R"(,"token":")");
            out.text(e.data.bytes);
            out.literal(R"(")");
        }
        if (e.what == verb::ack || (e.what == verb::resume && !e.data.bytes.empty())) {
            out.literal(R"(,"received":)");
            number(e.number);
        }
        if (e.what == verb::send && !e.data.bytes.empty()) {
            out.literal(R"(,"data":)");
            out.raw(e.data.bytes);
        }
        if (!e.id.empty()) {
            out.literal(R"(,"id":)");
            out.raw(e.id);
        }
        out.literal("}");
        return out.size();
    }

    message_type type(const envelope&, const state&) const noexcept { return message_type::text; }

    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// Signal-Fire's clients close with 1003 on what is not JSON and with 1008 on a bad greeting.
    ending end(errc why, const state&) const noexcept { return detail::own_client_ending(why); }

private:
    static bool can_encode(const envelope& e) noexcept {
        const bool can = e.id.empty() ? e.what == verb::ack : e.what == verb::send || e.what == verb::resume;
        return can && !e.command.empty() && e.data.format == payload_format::json;
    }
};

static_assert(Codec<json_client>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::json_client;

} // namespace sigfire
