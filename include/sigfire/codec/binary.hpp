// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/codec/detail/msgpack_members.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/text/msgpack/write.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

namespace codec {

/// Options of `binary`.
struct binary_options {
    std::string rtc_configuration = {}; ///< JSON object sent to each peer in its welcome; empty = none
    std::size_t transcoded = transcoding_limit; ///< longest payload, in bytes, made of one in JSON or, for
                                                ///< the hub itself, made JSON of; a longer one is `too_large`
};

/// The sub-protocol by which a peer asks for MessagePack.
inline constexpr std::string_view binary_subprotocol = "sigfire.v1.msgpack";

/** sigfire's own words in MessagePack, server side: what `codec::json` says and understands with the extras,
 *  one map a message with the same members (examples/protocol.md).
 *
 *  Messages are read in place and written once, in the shortest form; for payloads that are MessagePack
 *  neither direction allocates. `data` is opaque and may hold anything, also bytes, ext and timestamps; it
 *  is passed on as it stands. All of a message is checked: lengths, UTF-8 of strings, nesting of at most 512,
 *  nothing behind the map. The last of equal members counts. What is true, is what JavaScript takes for true.
 *
 *  Payloads that are JSON, those of other peers and of the hub itself, are translated, and so is the `data`
 * of requests to the hub itself (`join`, `set`, `create`, ...): see `msgpack_from_json`. Listeners with
 *  `codec::json` on the same hub want to be `transcoded<json>`, else their peers do not hear what peers of
 * this codec say.
 *
 *  A message is read alike whether it is marked as text or binary; what is written is binary. One object for
 *  one loop: it keeps the last payload that it has translated. */
class binary {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true; // whatever a wire without marks says: messages are no text

    binary() : binary(binary_options{}) {}

    /// Throws `std::invalid_argument` if `rtc_configuration` is not empty and not a JSON object.
    explicit binary(binary_options options) : options_(std::move(options)), to_binary_(options_.transcoded) {
        if (options_.rtc_configuration.empty()) return;
        auto packed = msgpack_from_json(options_.rtc_configuration);
        if (!packed || !detail::is_msgpack_map(*packed))
            throw std::invalid_argument("sigfire: rtc_configuration is not a JSON object");
        configuration_ = *std::move(packed);
    }

    /// Answers with its sub-protocol if that is offered, anywhere in the list, else with none. Never refuses.
    /// The id is left to the hub.
    errc open(const request& rq, state&, admission& ad) const {
        if (rq.any_subprotocol([](std::string_view offered) { return offered == binary_subprotocol; }))
            ad.subprotocol = binary_subprotocol;
        detail::read_resume_query(rq, ad);
        return errc::ok;
    }

    /** Emits at most one envelope, as `json::decode` does with the extras. Payloads that are passed on are
     *  `payload_format::binary`, those for the hub itself JSON. What else is valid is ignored.
     *
     *  Errors: `malformed`, `null_message` (nil), `missing_id`. */
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        detail::msgpack_scanner text{m.view()};
        if (!text.at_map()) return detail::decode_msgpack_scalar(text);
        detail::json_request_members in;
        if (!detail::read_msgpack_members(text, in)) return errc::malformed;

        envelope e;
        detail::msgpack_values::room room{};
        e.whole = m;
        e.command = detail::msgpack_text(in.cmd);
        const auto known = detail::find_command(e.command);
        const bool answered = detail::msgpack_truthy(in.id);
        if (known && !answered) return errc::missing_id;
        if (answered) e.id = detail::marked_token(in.id);
        e.to = detail::msgpack_text(in.target);
        if (known) {
            e.what = verb::send;
            e.data = detail::msgpack_payload(in.data, in.inner, *known);
            if (!detail::msgpack_truthy(in.target)) {
                detail::decode_topic<detail::msgpack_values>(in, room, e);
                if (e.topic.empty()) e.status = errc::missing_target;
            } else if (e.to.empty()) {
                e.status = errc::unknown;
            }
            if (e.status == errc::ok && e.data.signal.empty()) e.status = known->missing;
            emit(e);
            return errc::ok;
        }
        e.data.bytes = in.data;
        e.data.format = in.data.empty() ? payload_format::json : payload_format::binary;
        const errc cause = detail::decode_extra<detail::msgpack_values>(in, room, e);
        if (cause != errc::ok) return cause;
        if (e.what == verb::other && !answered) return errc::ok;
        // What it shows is a bare token.
        if (e.what == verb::resume) e.data.format = payload_format::json;
        std::string plain; // lives until the hub has read it
        if (is_for_hub(e.what) && !e.data.bytes.empty()) {
            detail::transcoded_part none;
            const errc failed = detail::msgpack_to_json(e.data.bytes, plain, options_.transcoded, none);
            if (failed != errc::ok && e.status == errc::ok) e.status = failed;
            e.data.bytes = failed == errc::ok ? std::string_view{plain} : std::string_view{};
            e.data.format = payload_format::json;
        }
        emit(e);
        return errc::ok;
    }

    /// Exactly what `encode` will write.
    std::size_t bound(const envelope& e, const state&) const {
        return own(e, [this](const envelope& x) {
            detail::msgpack_writer out{detail::count_sink{}};
            write(out, x);
            return out.sink().size;
        });
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state&, char* p) const {
        return own(e, [this, p](const envelope& x) {
            detail::msgpack_writer out{detail::memory_sink{p}};
            write(out, x);
            return static_cast<std::size_t>(out.sink().p - p);
        });
    }

    /// What this wire has against `e`: `too_large` where the payload would be longer than allowed, or `ok`.
    errc objection(const envelope& e, const state&) const {
        errc failed = errc::ok;
        if (!to_binary_.is_own(e)) to_binary_(e, failed);
        return failed;
    }

    message_type type(const envelope&, const state&) const noexcept { return message_type::binary; }

    /// One for all.
    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// As `json` ends it for peers with the extras.
    ending end(errc why, const state&) const noexcept { return detail::own_ending(why, true); }

private:
    // Whose `data` is read by the hub's own parts, which read JSON.
    static constexpr bool is_for_hub(verb v) noexcept {
        return v != verb::send && v != verb::publish && v != verb::request && v != verb::respond &&
               v != verb::resume && v != verb::ack && v != verb::other;
    }

    // What `f` makes of `e` once it is in this format; 0 if it cannot be.
    template <class F>
    std::size_t own(const envelope& e, F f) const {
        if (to_binary_.is_own(e)) [[likely]]
            return f(e);
        errc failed;
        const auto x = to_binary_(e, failed);
        return failed == errc::ok ? f(x) : 0;
    }

    template <class Out>
    void write(Out& out, const envelope& e) const {
        switch (e.what) {
        case verb::welcome:
            out.map(3);
            out.text("id"), out.text(e.id);
            out.text("cmd"), out.text("welcome");
            out.text("data");
            out.map(1u + !configuration_.empty() + !e.data.bytes.empty());
            out.text("id"), out.text(e.to);
            if (!configuration_.empty()) out.text("configuration"), out.raw(configuration_);
            if (!e.data.bytes.empty()) out.text("resume"), out.raw(e.data.bytes);
            break;
        case verb::reply: write_reply(out, e); break;
        case verb::publish:
        case verb::request:
        case verb::notice:
        case verb::send:
            if (e.command.empty()) break;
            out.map(2u + !e.from.empty() + !e.topic.empty() + detail::asks(e) + (e.role != politeness::none) +
                    !e.data.bytes.empty());
            out.text("id"), out.text(e.id);
            out.text("cmd"), out.text(e.command);
            if (!e.from.empty()) out.text("origin"), out.text(e.from);
            if (!e.topic.empty()) out.text("topic"), out.text(e.topic);
            if (detail::asks(e)) out.text("request"), out.number(e.number);
            if (e.role != politeness::none) out.text("polite"), out.boolean(e.role == politeness::polite);
            if (!e.data.bytes.empty()) out.text("data"), out.raw(e.data.bytes);
            break;
        default: break;
        }
    }

    template <class Out>
    static void write_reply(Out& out, const envelope& e) {
        const bool ok = is_verdict(e.status);
        const bool held = e.status == errc::held, told = held || e.role != politeness::none;
        out.map(2u + (!ok || told || !e.data.bytes.empty()));
        out.text("id"), out.raw(e.id.substr(detail::msgpack_token_mark.size()));
        out.text("ok"), out.boolean(ok);
        if (!e.data.bytes.empty()) { // of a failure: in the words of whoever refused
            out.text("data"), out.raw(e.data.bytes);
        } else if (!ok) {
            out.text("data"), out.map(2);
            out.text("message"), out.text(e.command.empty() ? to_string(e.status) : e.command);
            out.text("cause"), out.text(cause_name(e.status));
        } else if (told) {
            out.text("data"), out.map(1);
            out.text(held ? "held" : "polite"), out.boolean(held || e.role == politeness::polite);
        }
    }

    binary_options options_;
    std::string configuration_; // of the options, in MessagePack
    mutable detail::envelope_transcoder<payload_format::binary> to_binary_;
};

/** The client side of the same wire: writes requests, reads welcomes, replies and what other peers send.
 *
 *  An envelope's `id` is here a MessagePack value as it stands on the wire, in requests to be sent as in
 *  replies, so that they compare equal. In welcomes and relayed messages it is empty. */
class binary_client {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true; // see `binary`

    /// The sub-protocol to offer.
    static constexpr std::string_view subprotocol = binary_subprotocol;

    /// `ad.subprotocol` becomes the one to offer.
    errc open(const request&, state&, admission& ad) const {
        ad.subprotocol = subprotocol;
        return errc::ok;
    }

    /** Emits at most one envelope:
     *  - `verb::welcome`: `to` is the own id, `data.bytes` the RTC configuration or empty;
     *  - `verb::reply`: `id`, `status`, and `data.bytes` the reply's `data` or empty;
     *  - `verb::send`: `command`, `from` (empty: the server itself), `topic`, `request`, `role` and `data`.
     *  Payloads are `payload_format::binary`. What else is valid is ignored.
     *
     *  Errors: `malformed`, `null_message`, `bad_welcome`. */
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        using detail::msgpack_text;
        detail::msgpack_scanner text{m.view()};
        if (!text.at_map()) return detail::decode_msgpack_scalar(text);
        detail::json_response_members in;
        if (!detail::read_msgpack_members(text, in)) return errc::malformed;
        envelope e;
        e.whole = m;
        e.command = msgpack_text(in.cmd);
        const auto ok = detail::msgpack_at(in.ok);
        if (e.command == "welcome") {
            e.what = verb::welcome;
            e.to = msgpack_text(in.inner.own_id);
            e.data.bytes = in.inner.configuration;
            if (e.to.empty()) return errc::bad_welcome;
        } else if (ok.is(detail::msgpack_kind::boolean)) {
            if (in.id.empty()) return errc::ok;
            e.what = verb::reply;
            e.id = in.id;
            e.data.bytes = in.data;
            if (ok.number == 0)
                e.status = cause_from(msgpack_text(
                    detail::is_msgpack_text(in.inner.cause) ? in.inner.cause : in.inner.message));
        } else {
            e.from = msgpack_text(in.origin);
            if (e.command.empty() || (e.from.empty() && !in.origin.empty())) return errc::ok;
            e.what = verb::send;
            e.topic = msgpack_text(in.topic);
            e.number = detail::msgpack_uint(in.request).value_or(0);
            if (!in.polite.empty())
                e.role = detail::msgpack_truthy(in.polite) ? politeness::polite : politeness::impolite;
            if (const auto known = detail::find_command(e.command); known && known->carries_data)
                e.data = detail::msgpack_payload(in.data, in.inner, *known);
            else
                e.data.bytes = in.data;
        }
        if (!e.data.bytes.empty()) e.data.format = payload_format::binary;
        emit(e);
        return errc::ok;
    }

    /// Exactly what `encode` will write: nothing but for a command with an id, and `ack`, which has none.
    std::size_t bound(const envelope& e, const state&) const {
        detail::msgpack_writer out{detail::count_sink{}};
        write(out, e);
        return out.sink().size;
    }

    /// Writes the request `e` at `p`, the members that it has; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state&, char* p) const {
        detail::msgpack_writer out{detail::memory_sink{p}};
        write(out, e);
        return static_cast<std::size_t>(out.sink().p - p);
    }

    message_type type(const envelope&, const state&) const noexcept { return message_type::binary; }

    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// As `json_client` ends it.
    ending end(errc why, const state&) const noexcept { return detail::own_client_ending(why); }

private:
    template <class Out>
    void write(Out& out, const envelope& e) const {
        const bool can = e.id.empty() ? e.what == verb::ack : e.what == verb::send || e.what == verb::resume;
        if (!can || e.command.empty()) return;
        auto data = e.data;
        if (e.what == verb::send && !data.bytes.empty() && data.format == payload_format::json &&
            to_binary_(data) != errc::ok)
            return;
        const bool asks = e.what == verb::send && e.number != 0;
        const bool returns = e.what == verb::resume && !e.data.bytes.empty();
        const bool counts = e.what == verb::ack || returns;
        const bool says = e.what == verb::send && !data.bytes.empty();
        const bool fails = !is_verdict(e.status);
        out.map(std::size_t{1} + !e.to.empty() + !e.topic.empty() + asks + fails + e.echo + e.droppable +
                returns + counts + says + !e.id.empty());
        out.text("cmd"), out.text(e.command);
        if (!e.to.empty()) out.text("target"), out.text(e.to);
        if (!e.topic.empty()) out.text("topic"), out.text(e.topic);
        if (asks) out.text("request"), out.number(e.number);
        if (fails) out.text("ok"), out.boolean(false);
        if (e.echo) out.text("echo"), out.boolean(true);
        if (e.droppable) out.text("volatile"), out.boolean(true);
        if (returns) out.text("token"), out.text(e.data.bytes);
        if (counts) out.text("received"), out.number(e.number);
        if (says) out.text("data"), out.raw(data.bytes);
        if (!e.id.empty()) out.text("id"), out.raw(e.id);
    }

    mutable detail::payload_transcoder<payload_format::binary> to_binary_{transcoding_limit};
};

static_assert(Codec<binary>, "sigfire: Codec requirements not met");
static_assert(Codec<binary_client>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::binary;
using codec::binary_client;

} // namespace sigfire
