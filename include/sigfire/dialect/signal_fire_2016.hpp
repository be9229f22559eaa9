// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <cstddef>
#include <string_view>

namespace sigfire::inline v0_1::dialect {

/// Options of `signal_fire_2016`.
struct signal_fire_2016_options {
    bool number_ids = false;      ///< accepts a whole number as `receiverId`: its digits are the id
    bool peer_id_routing = false; ///< as in 0.1: without `receiverId`, `peerId` is the receiver
    bool check_sender = false;    ///< drops a message with a `senderId` other than its sender's id
};

/** The wire of npm signal-fire 0.5.3 and signal-fire-client 0.2.1 (2016), server side.
 *
 *  The first message to each peer is `{"type":"id","peerId":...}`. After that, any JSON object with a string
 *  `receiverId` goes to that peer, which may be the sender. The message passes byte for byte, with its mark
 *  as text or binary. The server never replies. It drops a message that is not JSON, has no receiver, or has
 *  an absent receiver. The last of equal members counts; names and ids may have escapes. Ids of more than 256
 *  bytes match no peer, and objects may nest at most 512 deep.
 *
 *  For other codecs, the command of a message is its `type` if that is `offer`, `answer` or `ice`. The `sdp`
 *  or `candidate` must be present. Otherwise the command is `message`. The payload is the whole object. Of
 *  the events of other codecs, this wire has messages for offers, answers and candidates only.
 *
 *  The original server refuses plain HTTP requests with 426, as a listener does by default. Models Codec;
 *  neither direction allocates. */
class signal_fire_2016 {
public:
    /// The state of a connection: none.
    struct state {};

    /// `decode` checks text messages for UTF-8.
    static constexpr bool checks_utf8 = true;
    /// The format of payloads on this wire.
    static constexpr wire_id format = wire_id::json;

    /// A codec with these options.
    explicit signal_fire_2016(signal_fire_2016_options options = {}) noexcept : options_(options) {}

    /** Accepts any path, and the first offered sub-protocol. Never refuses. Leaves the id to hooks and the
     *  hub. */
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /// Emits at most one event, an `event::send` without a token. Errors: `bad_utf8` (text messages only).
    template <class Handler>
    errc decode(message m, state&, Handler&& handler) const {
        detail::json_scanner text{m.view()};
        members in;
        std::string_view object;
        if (text.first() == '{') {
            object = detail::read_object(
                text, [&in](std::string_view name) { return in.find(name); },
                [&text](std::string_view* view) { return detail::read_value(text, *view); });
            if (!text.finished()) object = {};
        }
        if (object.empty()) return detail::ignored(m); // a scalar has no receiver

        auto receiver = in.receiver;
        if (receiver.empty() && options_.peer_id_routing) receiver = in.peer;
        char id_buffer[detail::json_name_room], type_buffer[24];
        event::send e;
        e.token.wire = e.data.wire = own;
        if (detail::is_json_string(receiver))
            e.to = detail::text_of(receiver, id_buffer);
        else if (options_.number_ids && is_whole_number(receiver))
            e.to = receiver;
        if (e.to.empty()) return errc::ok;

        e.echo = true;
        e.whole = m;
        e.data.bytes = object;
        e.command = "message";
        const auto type = detail::text_of(in.type, type_buffer);
        const auto signal = [&](std::string_view command, signal_kind kind, std::string_view value) {
            if (type != command || !detail::json_truthy(value)) return;
            e.command = command;
            e.signal.kind = kind;
            e.signal.body = value;
        };
        signal("offer", signal_kind::offer, in.sdp);
        signal("answer", signal_kind::answer, in.sdp);
        signal("ice", signal_kind::candidate, in.candidate);
        handler(e);
        return errc::ok;
    }

    /// Most bytes that `encode` will write.
    std::size_t bound(const event::welcome& e, const state&) const noexcept {
        return detail::length(R"({"type":"id","peerId":""})") + detail::json_text_bound(e.peer);
    }
    /// Most bytes that `encode` will write; 0 for a message that is neither of this wire nor a signal.
    std::size_t bound(const event::send& e, const state&) const noexcept {
        if (is_own(e)) return is_spoofed(e) ? 0 : original(e).size();
        if (!is_signal(e)) return 0;
        return detail::length(R"({"candidate":,"type":"answer","senderId":"","receiverId":""})") +
               e.signal.body.size() + detail::json_text_bound(e.from) + detail::json_text_bound(e.to);
    }
    /// Always 0: this wire has no replies.
    std::size_t bound(const event::reply&, const state&) const noexcept { return 0; }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::welcome& e, const state&, char* p) const noexcept {
        detail::json_writer out{p};
        out.literal(R"({"type":"id","peerId":")");
        out.text(e.peer);
        out.literal(R"("})");
        return out.size();
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::send& e, const state&, char* p) const noexcept {
        detail::json_writer out{p};
        if (is_own(e)) {
            if (!is_spoofed(e)) out.raw(original(e));
        } else if (is_signal(e)) {
            const bool ice = e.signal.kind == signal_kind::candidate;
            out.raw(ice ? R"({"candidate":)" : R"({"sdp":)");
            out.raw(e.signal.body);
            out.literal(R"(,"type":")");
            out.raw(ice ? "ice" : e.signal.kind == signal_kind::offer ? "offer" : "answer");
            out.literal(R"(","senderId":")");
            out.text(e.from);
            out.literal(R"(","receiverId":")");
            out.text(e.to);
            out.literal(R"("})");
        }
        return out.size();
    }
    /// Writes nothing.
    std::size_t encode(const event::reply&, const state&, char*) const noexcept { return 0; }

    /// The sender's mark; text for messages of the hub.
    message_type type(const event::send& e, const state&) const noexcept {
        return is_own(e) ? e.whole.type : message_type::text;
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

private:
    struct members {
        std::string_view receiver, peer, type, sdp, candidate;

        std::string_view* find(std::string_view name) noexcept {
            if (name == "receiverId") return &receiver;
            if (name == "peerId") return &peer;
            if (name == "type") return &type;
            if (name == "sdp") return &sdp;
            if (name == "candidate") return &candidate;
            return nullptr;
        }
    };

    static constexpr wire_id own = wire_id::signal_fire_2016;

    static bool is_own(const event::send& e) noexcept { return e.data.wire == own; }

    // The bytes to forward: the whole message as received, or the object that a hook has put in its place.
    static std::string_view original(const event::send& e) noexcept {
        return detail::has_own_payload(e) && !e.data.bytes.empty() ? e.whole.view() : e.data.bytes;
    }

    // Checked at delivery, because the hub sets the sender only then.
    bool is_spoofed(const event::send& e) const noexcept {
        if (!options_.check_sender) return false;
        const auto said = detail::json_member(e.data.bytes, "senderId");
        if (said.empty()) return false;
        char buffer[detail::json_name_room];
        return !detail::is_json_string(said) ||
               detail::json_unescape(detail::json_contents(said), buffer, sizeof buffer) != e.from;
    }

    static bool is_signal(const event::send& e) noexcept {
        return (e.signal.kind == signal_kind::offer || e.signal.kind == signal_kind::answer ||
                e.signal.kind == signal_kind::candidate) &&
               !e.signal.body.empty() && !e.from.empty() && !e.to.empty() &&
               format_of(e.data.wire) == wire_id::json;
    }

    // Digits that JavaScript writes in the same way; 0 is false.
    static bool is_whole_number(std::string_view raw) noexcept {
        const auto digits = raw.substr(raw.starts_with('-') ? 1 : 0);
        return !digits.empty() && digits.size() <= 15 && digits[0] != '0' &&
               digits.find_first_not_of("0123456789") == digits.npos;
    }

    signal_fire_2016_options options_;
};

static_assert(Codec<signal_fire_2016>, "sigfire: Codec requirements not met");

} // namespace sigfire::inline v0_1::dialect
