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

namespace sigfire {

namespace codec {

/// How much of a message `json` checks.
enum class json_check : unsigned char {
    full,    ///< all of it: grammar (RFC 8259), UTF-8, nesting of at most 512
    trusted, ///< not the inside of the values in `data`, only that brackets are balanced: for senders that
             ///< are trusted to write valid JSON, since all that they write is forwarded
};

/// Options of `json`.
struct json_options {
    json_check check = json_check::full; ///< how much of a message is checked
    std::string rtc_configuration = {};  ///< JSON object sent to each peer in its welcome, unless it has one
                                         ///< of its own; empty = none
    bool answer_copy = true; ///< send an answer in `data.offer` too, to peers without the extras: the
                             ///< published Signal-Fire client looks for it there
};

/// The sub-protocol by which a peer asks for the extras.
inline constexpr std::string_view json_subprotocol = "sigfire.v1.json";

/** sigfire's own JSON, server side: Signal-Fire 2021, one JSON object a message, plus extras for peers that
 *  ask for them by the sub-protocol `sigfire.v1.json` or come without HTTP.
 *
 *  Extras: an error reply also names its cause (`data.cause`), close codes tell why (4600-4999: do not come
 *  back), and an answer is not copied. Requests are the same for all.
 *
 *  Text and binary messages are read alike; the codec writes text. Neither direction allocates. Member names
 *  and the values of `cmd` and `target` may hold escapes; the last of equal members counts. Numbers count as
 *  true unless all digits before the exponent are zero. */
class json {
public:
    /// The state of a connection.
    struct state {
        bool extras = false; ///< the peer asked for more than Signal-Fire 2021
    };

    static constexpr wire_id format = wire_id::json; ///< of the payloads that it reads and writes
    static constexpr bool checks_utf8 = true;

    json() = default;

    /** Throws `std::invalid_argument`, with the offset in bytes, if `rtc_configuration` is not empty and not
     *  a JSON object. */
    explicit json(json_options options) : options_(std::move(options)) {
        const std::string_view configuration = options_.rtc_configuration;
        detail::json_scanner text{configuration};
        if (configuration.empty() || (text.first() == '{' && !text.value().empty() && text.finished()))
            return;
        throw std::invalid_argument("sigfire: rtc_configuration is not a JSON object: see offset " +
                                    std::to_string(text.offset()));
    }

    /** Prefers a sub-protocol it knows wherever it stands in the list, else echoes the first. Never refuses.
     *  The id is left to the hub. */
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

    /** Emits at most one event: `event::say` for a command that is relayed, with extras that of one of
     * theirs, `event::custom` for an unknown one with an `id`. Other valid JSON is ignored. The `data` of
     * requests to the hub itself is read here; where it is wrong, the event says so by `fault`.
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

    /// The most bytes that `encode` will write: as if each character of a name had to be escaped.
    std::size_t bound(const event::say& e, const state& st) const noexcept {
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

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const event::say& e, const state& st, char* p) const noexcept {
        if (e.command.empty() || detail::is_foreign(e.data, format)) return 0;
        if (st.extras && (!e.topic.empty() || e.role != politeness::none)) [[unlikely]]
            return detail::put_word<detail::json_document>(e, manner(st), p);
        detail::json_writer out{p};
        out.literal(R"({"id":")");
        out.raw(e.id); // drawn by the hub: plain
        out.literal(R"(","cmd":")");
        out.text(e.command);
        if (!e.from.empty()) [[likely]] { // a message of the server itself comes from nobody
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

    std::size_t bound(const event::reply& e, const state& st) const noexcept {
        if (!is_bare(e, st)) [[unlikely]]
            return detail::word_size<detail::json_document>(e, manner(st));
        return detail::length(R"({"id":,"ok":true})") + e.token.bytes.size();
    }

    std::size_t encode(const event::reply& e, const state& st, char* p) const noexcept {
        if (!is_bare(e, st)) [[unlikely]]
            return detail::put_word<detail::json_document>(e, manner(st), p);
        detail::json_writer out{p};
        out.literal(R"({"id":)");
        out.raw(e.token.bytes);
        out.literal(R"(,"ok":true})");
        return out.size();
    }

    /// The same for all other words of this wire. The exact size that `encode` will write.
    template <detail::own_word E>
    std::size_t bound(const E& e, const state& st) const noexcept {
        return detail::word_size<detail::json_document>(e, manner(st));
    }

    template <detail::own_word E>
    std::size_t encode(const E& e, const state& st, char* p) const noexcept {
        return detail::put_word<detail::json_document>(e, manner(st), p);
    }

    template <detail::own_word E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::text;
    }

    /// One text for all peers with extras, one for all without.
    int share_key(const state& st) const noexcept { return st.extras; }

    /// See `detail::own_ending`: 4001-4399 ask to reconnect, 4600 and above to stay away.
    ending end(errc why, const state& st) const noexcept { return detail::own_ending(why, st.extras); }

private:
    detail::own_manner manner(const state& st) const noexcept {
        return {st.extras, options_.rtc_configuration};
    }

    // A command that is none as it stands: it may be one behind its escapes.
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

    // A reply that says no more than that all is well.
    static bool is_bare(const event::reply& e, const state& st) noexcept {
        return is_verdict(e.cause) && e.data.empty() && !e.token.empty() &&
               format_of(e.token.wire) == format &&
               (!st.extras || (e.cause != errc::held && e.role == politeness::none));
    }

    // Nothing but blanks between the braces.
    static bool is_bare(std::string_view object) noexcept {
        auto i = object.rfind('}');
        while (i != 0 && detail::is_json_blank(object[i - 1])) --i;
        return i == 1;
    }

    // Whether the payload of an answer has a member `offer` too. `body`, the answer itself, was read before.
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

    bool copies_answer(const event::say& e, const state& st) const noexcept {
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

} // namespace sigfire
