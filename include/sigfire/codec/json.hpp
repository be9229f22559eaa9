// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/document.hpp>
#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/codec/detail/own_requests.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/codec/detail/own_words.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

namespace codec {

/// How much of a message `json` checks.
enum class json_check : unsigned char {
    full,    ///< everything: grammar (RFC 8259), UTF-8, nesting of at most 512
    trusted, ///< Everything but the inside of the values in `data`, where only brackets must balance. For
             ///< senders trusted to write valid JSON, because the hub forwards all that they write.
};

/// Options of `json`.
struct json_options {
    json_check check = json_check::full; ///< how much of a message the codec checks
    std::string rtc_configuration = {};  ///< JSON object for the welcome of each peer without a configuration
                                         ///< of its own; empty = none
    bool answer_copy = true; ///< whether peers without the extras get an answer in `data.offer` too: the
                             ///< published Signal-Fire client reads the answer there
};

/// The sub-protocol by which a peer asks for the extras.
inline constexpr std::string_view json_subprotocol = "sigfire.v1.json";

/** sigfire's own wire in JSON, server side: Signal-Fire 2021, one JSON object per message, plus extras. A
 *  peer gets the extras if it asks for the sub-protocol `sigfire.v1.json` or connects without HTTP.
 *
 *  Extras: an error reply has its cause in `data.cause`, close codes show the cause (4600-4999: do not
 *  reconnect), and answers are not copied. Requests are the same for all peers.
 *
 *  Text and binary messages are read alike; the codec writes text. Neither direction allocates. Member names
 *  and the values of `cmd` and `target` may have escapes; the last of equal members counts. A number is true
 *  unless all digits before its exponent are zero. */
class json {
public:
    /// The state of a connection.
    struct state {
        bool extras = false; ///< whether the peer gets the extras
    };

    static constexpr wire_id format = wire_id::json; ///< format of payloads on this wire
    /// `decode` checks messages for UTF-8.
    static constexpr bool checks_utf8 = true;

    /// A codec with default options.
    json() = default;

    /** Throws `std::invalid_argument` if `rtc_configuration` is neither empty nor a JSON object. The message
     *  of the exception has the offset of the error in bytes. */
    explicit json(json_options options) : options_(std::move(options)) {
        const std::string_view configuration = options_.rtc_configuration;
        detail::json_scanner text{configuration};
        if (configuration.empty() || (text.first() == '{' && !text.value().empty() && text.finished()))
            return;
        throw std::invalid_argument("sigfire: rtc_configuration is not a JSON object: see offset " +
                                    std::to_string(text.offset()));
    }

    /** Chooses a known sub-protocol at any place of the offered list, else echoes the first. Never refuses.
     *  Leaves the id to the hub. */
    errc open(const request& rq, state& st, admission& ad) const {
        std::string_view chosen;
        const bool found = rq.any_subprotocol([&](std::string_view offered) {
            if (offered == json_subprotocol) return true;
            if (chosen.empty() || (offered == "Signal-Fire@3" && chosen != offered)) chosen = offered;
            return false;
        });
        ad.subprotocol = found ? json_subprotocol : chosen;
        st.extras = found || rq.method.empty();
        if (st.extras) detail::read_resume_query(rq, ad);
        return errc::ok;
    }

    /** Emits at most one event. A relayed command becomes an `event::send`, and a command of the extras
     *  becomes its own event. An unknown command with an `id` becomes an `event::custom`. Ignores other valid
     *  JSON. Reads the `data` of requests to the hub; if `data` is wrong, the event has a `fault`.
     *
     *  Errors: `malformed`, `bad_utf8` (text messages only), `internal_error`, `missing_id`. */
    template <class Handler>
    errc decode(message m, state& st, Handler&& handler) const {
        const bool trusted = options_.check == json_check::trusted;
        detail::json_scanner text{m.view(), trusted};
        if (text.first() != '{') [[unlikely]]
            return detail::decode_scalar(m, trusted);
        detail::json_request_members in;
        if (!detail::read_members(text, in)) [[unlikely]]
            return detail::not_json(m);
        const auto command =
            detail::is_json_string(in.cmd) ? detail::json_contents(in.cmd) : std::string_view{};
        const auto* const known = detail::find_command(command);
        if (!known) [[unlikely]]
            return decode_others(in, command, m, st.extras, handler);
        if (!detail::json_truthy(in.id)) return errc::missing_id;
        return detail::decode_relayed<detail::json_values>(in, *known, command, m, st.extras, handler);
    }

    /// Most bytes that `encode` will write, as if each character of a name needed an escape.
    std::size_t bound(const event::send& e, const state& st) const noexcept {
        using detail::json_text_bound, detail::length;
        if (e.command.empty() || detail::is_foreign(e.data, format)) return 0;
        auto size = length(R"({"id":"","cmd":"","origin":"","data":})") + e.id.size() +
                    json_text_bound(e.command) + json_text_bound(e.from) + e.data.bytes.size();
        if (st.extras)
            size += length(R"(,"topic":"","polite":false)") + json_text_bound(e.topic);
        else if (e.signal.kind == signal_kind::answer && options_.answer_copy)
            size += length(R"(,"offer":)") + e.signal.body.size();
        return size;
    }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::send& e, const state& st, char* p) const noexcept {
        if (e.command.empty() || detail::is_foreign(e.data, format)) return 0;
        if (st.extras && (!e.topic.empty() || e.role != politeness::none)) [[unlikely]]
            return detail::put_word<detail::json_document>(e, manner(st), p);
        detail::json_writer out{p};
        out.literal(R"({"id":")");
        out.raw(e.id); // drawn by the hub: no escapes
        out.literal(R"(","cmd":")");
        out.text(e.command);
        if (!e.from.empty()) [[likely]] { // a message of the server itself has no sender
            out.literal(R"(","origin":")");
            out.text(e.from);
        }
        if (e.data.empty()) {
            out.literal(R"("})");
            return out.size();
        }
        out.literal(R"(","data":)");
        if (e.signal.kind == signal_kind::answer && copies_answer(e, st)) {
            const auto brace = e.data.bytes.rfind('}');
            out.raw(e.data.bytes.substr(0, brace));
            if (!is_bare(e.data.bytes)) out.literal(",");
            out.literal(R"("offer":)");
            out.raw(e.signal.body);
            out.raw(e.data.bytes.substr(brace));
        } else {
            out.raw(e.data.bytes);
        }
        out.literal("}");
        return out.size();
    }

    /// The exact number of bytes that `encode` will write.
    std::size_t bound(const event::reply& e, const state& st) const noexcept {
        if (!is_bare(e, st)) [[unlikely]]
            return detail::word_size<detail::json_document>(e, manner(st));
        return detail::length(R"({"id":,"ok":true})") + e.token.bytes.size();
    }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::reply& e, const state& st, char* p) const noexcept {
        if (!is_bare(e, st)) [[unlikely]]
            return detail::put_word<detail::json_document>(e, manner(st), p);
        detail::json_writer out{p};
        out.literal(R"({"id":)");
        out.raw(e.token.bytes);
        out.literal(R"(,"ok":true})");
        return out.size();
    }

    /// For all other events: the exact number of bytes that `encode` will write.
    template <detail::own_word E>
    std::size_t bound(const E& e, const state& st) const noexcept {
        return detail::word_size<detail::json_document>(e, manner(st));
    }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    template <detail::own_word E>
    std::size_t encode(const E& e, const state& st, char* p) const noexcept {
        return detail::put_word<detail::json_document>(e, manner(st), p);
    }

    /// Always text.
    template <detail::own_word E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::text;
    }

    /// One key for all peers with the extras, another for all without.
    int share_key(const state& st) const noexcept { return st.extras; }

    /// See `detail::own_ending`: 4001-4399 = reconnect; 4600 and above = stay away.
    ending end(errc why, const state& st) const noexcept { return detail::own_ending(why, st.extras); }

private:
    detail::own_manner manner(const state& st) const noexcept {
        return {st.extras, options_.rtc_configuration};
    }

    // An unknown command may be a known one with escapes.
    template <class Handler>
    [[gnu::noinline]] static errc decode_others(const detail::json_request_members& in,
                                                std::string_view command, message m, bool extras,
                                                Handler&& handler) {
        char room[detail::json_name_room];
        command = detail::json_unescape(command, room, sizeof room);
        const auto* const known = detail::find_command(command);
        if (!known) return detail::decode_others<detail::json_values>(in, command, m, extras, handler);
        if (!detail::json_truthy(in.id)) return errc::missing_id;
        return detail::decode_relayed<detail::json_values>(in, *known, command, m, extras, handler);
    }

    // Whether a reply has no content but success.
    static bool is_bare(const event::reply& e, const state& st) noexcept {
        return is_verdict(e.cause) && e.data.empty() && !e.token.empty() &&
               format_of(e.token.wire) == format &&
               (!st.extras || (e.cause != errc::held && e.role == politeness::none));
    }

    // Whether there are only blanks between the braces.
    static bool is_bare(std::string_view object) noexcept {
        auto i = object.rfind('}');
        while (i != 0 && detail::is_json_blank(object[i - 1])) --i;
        return i == 1;
    }

    // Whether the payload of an answer has a member `offer` too. `body` is the answer itself, which was read
    // before.
    static bool has_offer(std::string_view payload, std::string_view body) noexcept {
        detail::json_scanner text{payload, true};
        bool found = false;
        text.object([&](std::string_view name) {
            char buffer[24];
            found = found || detail::json_unescape(name, buffer, sizeof buffer) == "offer";
            return text.passes(body) || !text.value().empty();
        });
        return found;
    }

    bool copies_answer(const event::send& e, const state& st) const noexcept {
        if (st.extras || !options_.answer_copy || e.signal.body.empty() || !e.data.bytes.starts_with('{') ||
            e.data.bytes.find('}') == std::string_view::npos)
            return false;
        return !has_offer(e.data.bytes, e.signal.body);
    }

    json_options options_;
};

static_assert(Codec<json>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::json;

} // namespace sigfire::inline v0_1
