// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/client_request.hpp>
#include <sigfire/client/detail/client_ending.hpp>
#include <sigfire/client/detail/server_members.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/msgpack/read_members.hpp>
#include <sigfire/text/msgpack/scan.hpp>
#include <sigfire/text/msgpack/write.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

namespace codec {

/** The client side of the wire of `binary`. It writes requests, and reads welcomes, replies and messages.
 *
 *  A token is a MessagePack value in its encoded form, in requests and in replies, so that the two compare
 *  equal. If the data of a request is JSON, the codec translates it (see `msgpack_from_json`), up to
 *  `transcoding_limit` bytes. An object keeps the data that it translated last, so it is for one thread at
 *  a time. */
class binary_client {
public:
    /// The WebSocket sub-protocol to offer.
    static constexpr std::string_view subprotocol = "sigfire.v1.msgpack";

    /// Messages are not text, even if the wire marks them as text; so framings need not check UTF-8.
    static constexpr bool checks_utf8 = true;

    /** Reads one message. Calls `handler` at most once, with a `server_welcome`, `server_reply` or
     *  `server_message`; its payloads are MessagePack. Other valid messages are ignored. All views are
     *  valid until `handler` returns.
     *
     *  Errors: `malformed`; `internal_error` (the message is nil); `bad_welcome` (a welcome without an id
     *  of 1 to 256 bytes). */
    template <class Handler>
    errc decode(message m, Handler&& handler) const {
        using detail::msgpack_text;
        detail::msgpack_scanner text{m.view()};
        if (!text.at_map()) return scalar(text);
        detail::server_members in;
        if (!detail::read_members(text, in)) return errc::malformed;
        const auto command = msgpack_text(in.cmd);
        const auto ok = detail::msgpack_at(in.ok);
        if (command == "welcome") {
            server_welcome w;
            w.id = msgpack_text(in.inner.id);
            if (w.id.empty() || w.id.size() > longest_peer_id) return errc::bad_welcome;
            w.configuration = value(in.inner.configuration);
            w.granted = value(in.inner.resume);
            handler(w);
        } else if (ok.is(detail::msgpack_kind::boolean)) {
            if (in.id.empty()) return errc::ok;
            server_reply r;
            r.token = in.id;
            r.data = value(in.data);
            r.role = role(in.inner.polite);
            if (ok.number == 0) {
                r.text = msgpack_text(in.inner.message);
                r.cause = cause_from(detail::is_msgpack_text(in.inner.cause) ? msgpack_text(in.inner.cause)
                                                                             : r.text);
            }
            handler(r);
        } else {
            server_message s;
            s.from = msgpack_text(in.origin);
            if (command.empty() || (s.from.empty() && !in.origin.empty())) return errc::ok;
            s.command = command;
            s.topic = msgpack_text(in.topic);
            s.number = detail::msgpack_uint(in.request).value_or(0);
            s.role = role(in.polite);
            const bool taken = !detail::wants_map(command) || detail::is_msgpack_map(in.data);
            s.data = value(taken ? in.data : std::string_view{});
            handler(s);
        }
        return errc::ok;
    }

    /// The exact number of bytes that `encode` will write. 0 if the request is not `complete`, or if its data
    /// cannot be translated.
    std::size_t bound(const client_request& r) const {
        detail::msgpack_writer out{detail::count_sink{}};
        write(out, r);
        return out.size();
    }

    /// Writes the request at `p`, which has room for `bound` bytes. Returns the number of bytes; 0 if `bound`
    /// is 0.
    std::size_t encode(const client_request& r, char* p) const {
        detail::msgpack_writer out{detail::memory_sink{p}};
        write(out, r);
        return out.size();
    }

    /// The type of the messages that carry requests.
    static constexpr message_type type = message_type::binary;

    /// The close code and text by which a client ends the connection for that cause.
    ending end(errc why) const noexcept { return detail::client_ending(why); }

private:
    static payload value(std::string_view raw) noexcept { return {raw, wire_id::msgpack}; }

    static politeness role(std::string_view polite) noexcept {
        if (polite.empty()) return politeness::none;
        return detail::msgpack_truthy(polite) ? politeness::polite : politeness::impolite;
    }

    // Checks a message that is not a map. Such a message has no meaning for a client, except nil.
    static errc scalar(detail::msgpack_scanner& text) noexcept {
        const auto raw = text.value();
        if (raw.empty() || !text.finished()) return errc::malformed;
        return detail::msgpack_at(raw).is(detail::msgpack_kind::nil) ? errc::internal_error : errc::ok;
    }

    // The data in MessagePack; empty if it cannot be translated.
    std::string_view packed(const payload& data) const {
        if (format_of(data.wire) == wire_id::msgpack) return data.bytes;
        if (format_of(data.wire) != wire_id::json) return {};
        if (json_ != data.bytes) { // `bound` and then `encode` ask for the same data
            json_.clear();
            packed_.clear();
            if (auto made = msgpack_from_json(data.bytes); made && made->size() <= transcoding_limit)
                packed_ = *std::move(made);
            json_ = data.bytes;
        }
        return packed_;
    }

    template <class Out>
    void write(Out& out, const client_request& r) const {
        if (!r.complete()) return;
        const auto data = r.data.empty() ? std::string_view{} : packed(r.data);
        if (data.empty() && !r.data.empty()) return;
        out.map(std::size_t{1} + !r.target.empty() + !r.topic.empty() + (r.answered != 0) + r.failed +
                r.echo + r.droppable + !r.resuming.empty() + r.received.has_value() + !data.empty() +
                !r.token.empty());
        out.text("cmd"), out.text(r.command);
        if (!r.target.empty()) out.text("target"), out.text(r.target);
        if (!r.topic.empty()) out.text("topic"), out.text(r.topic);
        if (r.answered != 0) out.text("request"), out.number(r.answered);
        if (r.failed) out.text("ok"), out.boolean(false);
        if (r.echo) out.text("echo"), out.boolean(true);
        if (r.droppable) out.text("volatile"), out.boolean(true);
        if (!r.resuming.empty()) out.text("token"), out.text(r.resuming);
        if (r.received) out.text("received"), out.number(*r.received);
        if (!data.empty()) out.text("data"), out.raw(data);
        if (!r.token.empty()) out.text("id"), out.raw(r.token);
    }

    mutable std::string json_, packed_; // the data translated last, and the result
};

} // namespace codec

using codec::binary_client;

} // namespace sigfire::inline v0_1
