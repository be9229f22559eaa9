// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>

#include <cstddef>
#include <string_view>

namespace sigfire::dialect {

/// Options of `signal_fire_2016`.
struct signal_fire_2016_options {
    bool number_ids = false;      ///< a whole number as `receiverId` is the id that its digits spell
    bool peer_id_routing = false; ///< 0.1: `peerId` names the receiver where there is no `receiverId`
    bool check_sender = false;    ///< drop what says a `senderId` that is not its sender's
};

/** The wire of npm signal-fire 0.5.3 and signal-fire-client 0.2.1 (2016), server side.
 *
 *  The first message to each peer is `{"type":"id","peerId":...}`. From then on any JSON object that has a
 *  string `receiverId` goes to that peer, the sender included, byte for byte and marked as it came, text or
 *  binary. Nothing is ever answered: what is no JSON, names nobody, or names somebody who is not there, is
 *  dropped. The last of equal members counts, names and ids may hold escapes; ids of over 256 bytes and
 *  objects nested over 512 deep are no one's.
 *
 *  To other codecs a message is the command `offer`, `answer` or `ice` if its `type` says so and the `sdp` or
 *  `candidate` is there, else `message`, with the whole object as payload. Of what comes from them, this wire
 * has words for offers, answers and candidates of a peer, and nothing else.
 *
 *  Its server refuses plain HTTP requests with 426, as a listener does by itself. Models Codec; no allocation
 *  in either direction. */
class signal_fire_2016 {
public:
    /// Nothing is kept for a connection.
    struct state {};

    static constexpr bool checks_utf8 = true;

    explicit signal_fire_2016(signal_fire_2016_options options = {}) noexcept : options_(options) {}

    /// Takes any path, and the first sub-protocol. Never refuses. The id is left to hooks and the hub.
    errc open(const request& rq, state&, admission& ad) const {
        ad.subprotocol = detail::first_subprotocol(rq);
        return errc::ok;
    }

    /// Emits at most one envelope, a `verb::send` without an id. Errors: `bad_utf8` (text messages only).
    template <class Emit>
    errc decode(message m, state&, Emit&& emit) const {
        detail::json_scanner text{m.view()};
        members in;
        std::string_view object;
        if (text.first() == '{') {
            object = text.object([&](std::string_view name) {
                char buffer[24];
                auto* const view = in.find(detail::json_unescape(name, buffer, sizeof buffer));
                const auto value = text.value();
                if (view != nullptr) *view = value;
                return !value.empty();
            });
            if (!text.finished()) object = {};
        }
        if (object.empty()) // a scalar names nobody
            return detail::not_json(m) == errc::bad_utf8 ? errc::bad_utf8 : errc::ok;

        auto receiver = in.receiver;
        if (receiver.empty() && options_.peer_id_routing) receiver = in.peer;
        char id_buffer[detail::json_name_room], type_buffer[24];
        envelope e;
        if (detail::is_json_string(receiver))
            e.to = detail::json_unescape(detail::json_contents(receiver), id_buffer, sizeof id_buffer);
        else if (options_.number_ids && is_whole_number(receiver))
            e.to = receiver;
        if (e.to.empty()) return errc::ok;

        e.what = verb::send;
        e.echo = true;
        e.whole = m;
        e.wire = &wire;
        e.data.bytes = object;
        e.command = "message";
        std::string_view type;
        if (detail::is_json_string(in.type))
            type = detail::json_unescape(detail::json_contents(in.type), type_buffer, sizeof type_buffer);
        const auto signal = [&](std::string_view command, signal_kind kind, std::string_view value) {
            if (type != command || !detail::json_truthy(value)) return;
            e.command = command;
            e.data.kind = kind;
            e.data.signal = value;
        };
        signal("offer", signal_kind::offer, in.sdp);
        signal("answer", signal_kind::answer, in.sdp);
        signal("ice", signal_kind::candidate, in.candidate);
        emit(e);
        return errc::ok;
    }

    /// At most what `encode` will write.
    std::size_t bound(const envelope& e, const state&) const noexcept {
        if (e.what == verb::welcome)
            return detail::length(R"({"type":"id","peerId":""})") + detail::json_text_bound(e.to);
        if (e.what != verb::send) return 0;
        if (is_own(e)) return is_spoofed(e) ? 0 : original(e).size();
        if (!is_signal(e)) return 0;
        return detail::length(R"({"candidate":,"type":"answer","senderId":"","receiverId":""})") +
               e.data.signal.size() + detail::json_text_bound(e.from) + detail::json_text_bound(e.to);
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state&, char* p) const noexcept {
        detail::json_writer out{p};
        if (e.what == verb::welcome) {
            out.literal(R"({"type":"id","peerId":")");
            out.text(e.to);
            out.literal(R"("})");
        } else if (e.what == verb::send && is_own(e)) {
            if (!is_spoofed(e)) out.raw(original(e));
        } else if (e.what == verb::send && is_signal(e)) {
            const bool ice = e.data.kind == signal_kind::candidate;
            out.raw(ice ? R"({"candidate":)" : R"({"sdp":)");
            out.raw(e.data.signal);
            out.literal(R"(,"type":")");
            out.raw(ice ? "ice" : e.data.kind == signal_kind::offer ? "offer" : "answer");
            out.literal(R"(","senderId":")");
            out.text(e.from);
            out.literal(R"(","receiverId":")");
            out.text(e.to);
            out.literal(R"("})");
        }
        return out.size();
    }

    /// As the sender marked it.
    message_type type(const envelope& e, const state&) const noexcept {
        return e.what == verb::send && is_own(e) ? e.whole.type : message_type::text;
    }

    /// One text for all.
    int share_key(const envelope&, const state&) const noexcept { return 0; }

    /// Close codes of RFC 6455; the clients know no other.
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

    // Its address marks the envelopes that this class has made.
    static constexpr char wire = 0;

    static bool is_own(const envelope& e) noexcept { return e.wire == &wire; }

    // The bytes to forward: all that came, unless a hook has put another object in place of it.
    static std::string_view original(const envelope& e) noexcept {
        return detail::has_own_payload(e) && !e.data.bytes.empty() ? e.whole.view() : e.data.bytes;
    }

    // Looked for when it is delivered: only then the hub has said who the sender is.
    bool is_spoofed(const envelope& e) const noexcept {
        if (!options_.check_sender) return false;
        const auto said = detail::json_member(e.data.bytes, "senderId");
        if (said.empty()) return false;
        char buffer[detail::json_name_room];
        return !detail::is_json_string(said) ||
               detail::json_unescape(detail::json_contents(said), buffer, sizeof buffer) != e.from;
    }

    static bool is_signal(const envelope& e) noexcept {
        return (e.data.kind == signal_kind::offer || e.data.kind == signal_kind::answer ||
                e.data.kind == signal_kind::candidate) &&
               !e.data.signal.empty() && !e.from.empty() && !e.to.empty() &&
               e.data.format == payload_format::json;
    }

    // Digits that JavaScript spells the same way; 0 is falsy.
    static bool is_whole_number(std::string_view raw) noexcept {
        const auto digits = raw.substr(raw.starts_with('-') ? 1 : 0);
        return !digits.empty() && digits.size() <= 15 && digits[0] != '0' &&
               digits.find_first_not_of("0123456789") == digits.npos;
    }

    signal_fire_2016_options options_;
};

static_assert(Codec<signal_fire_2016>, "sigfire: Codec requirements not met");

} // namespace sigfire::dialect
