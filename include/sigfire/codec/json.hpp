// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/concepts.hpp>
#include <sigfire/detail/json_extras.hpp>
#include <sigfire/detail/json_scan.hpp>
#include <sigfire/detail/json_wire.hpp>
#include <sigfire/detail/own_wire.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

namespace codec {

/// How much of a message `json` checks.
enum class json_check : unsigned char {
    full,    ///< all of it: grammar (RFC 8259), UTF-8, nesting of at most 512
    trusted, ///< not what is inside the values in `data`, only that brackets are balanced: for senders that
             ///< are trusted to write valid JSON, since whatever they write is forwarded
};

/// Options of `json`.
struct json_options {
    json_check check = json_check::full; ///< how much of a message is checked
    std::string rtc_configuration = {};  ///< JSON object sent to each peer in its welcome; empty = none
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
 *  Text and binary messages are read alike; what is written is text. Neither direction allocates. Member
 *  names and the values of `cmd` and `target` may hold escapes; the last of equal members counts. Numbers
 *  count as true unless all digits before the exponent are zero. */
class json {
public:
    /// What is kept for each connection.
    struct state {
        bool extras = false; ///< the peer asked for more than Signal-Fire 2021
    };

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

    /** Emits at most one envelope: `verb::send` for a command that is relayed, with extras the verb of one of
     *  theirs, `verb::other` for an unknown one with an `id`, with the target and data that it has. What else
     *  is valid JSON is ignored.
     *
     *  Errors: `malformed`, `bad_utf8` (text messages only), `null_message`, `missing_id`. */
    template <class Emit>
    errc decode(message m, state& st, Emit&& emit) const {
        detail::json_scanner text{m.view(), options_.check == json_check::trusted};
        if (text.first() != '{') [[unlikely]]
            return detail::decode_scalar(m, text);
        detail::json_request_members in;
        if (!detail::read_members(text, in)) [[unlikely]]
            return detail::not_json(m);

        char command_buffer[detail::json_name_room], target_buffer[detail::json_name_room];
        std::string_view command;
        if (detail::is_json_string(in.cmd)) command = detail::json_contents(in.cmd);
        auto known = detail::find_command(command);
        if (!known) {
            command = detail::json_unescape(command, command_buffer, sizeof command_buffer);
            known = detail::find_command(command);
        }
        if (!detail::json_truthy(in.id) && (known || !st.extras)) return known ? errc::missing_id : errc::ok;

        envelope e;
        e.id = in.id;
        e.whole = m;
        e.command = command;
        detail::json_values::room room;
        if (known) {
            e.what = verb::send;
            e.data = detail::json_payload(in.data, in.inner, *known, st.extras);
            if (!detail::json_truthy(in.target)) {
                if (st.extras) detail::decode_topic<detail::json_values>(in, room, e);
                if (e.topic.empty()) e.status = errc::missing_target;
                if (e.status == errc::ok && e.data.signal.empty()) e.status = known->missing;
            } else {
                if (detail::is_json_string(in.target))
                    e.to = detail::json_unescape(detail::json_contents(in.target), target_buffer,
                                                 sizeof target_buffer);
                if (e.to.empty())
                    e.status = errc::unknown;
                else if (e.data.signal.empty())
                    e.status = known->missing;
            }
        } else { // for features, or for hooks that know it
            e.data.bytes = in.data;
            if (detail::is_json_string(in.target))
                e.to = detail::json_unescape(detail::json_contents(in.target), target_buffer,
                                             sizeof target_buffer);
            if (st.extras) {
                const errc cause = detail::decode_extra<detail::json_values>(in, room, e);
                if (cause != errc::ok) return cause;
                if (e.what == verb::other && !detail::json_truthy(in.id)) return errc::ok;
            }
        }
        emit(e);
        return errc::ok;
    }

    /// At most what `encode` will write: as if each character of a name had to be escaped.
    std::size_t bound(const envelope& e, const state& st) const noexcept {
        using detail::json_text_bound, detail::length;
        switch (e.what) {
        case verb::welcome: {
            const auto& configuration = options_.rtc_configuration;
            return length(R"({"id":"","cmd":"welcome","data":{"id":""}})") + e.id.size() +
                   json_text_bound(e.to) +
                   (configuration.empty() ? 0 : length(R"(,"configuration":)") + configuration.size()) +
                   (e.data.bytes.empty() ? 0 : length(R"(,"resume":)") + e.data.bytes.size());
        }
        case verb::reply:
            if (is_verdict(e.status))
                return length(R"({"id":,"ok":true,"data":{"polite":false}})") + e.id.size() +
                       e.data.bytes.size();
            return length(R"({"id":,"ok":false,"data":{"message":""}})") + e.id.size() + e.data.bytes.size() +
                   json_text_bound(e.command) + to_string(e.status).size() +
                   (st.extras ? length(R"(,"cause":"")") + cause_name(e.status).size() : 0);
        case verb::publish:
        case verb::request:
        case verb::notice:
            if (!st.extras) return 0;
            [[fallthrough]];
        case verb::send:
            if (e.command.empty() || e.data.format != payload_format::json) return 0;
            return length(R"({"id":"","cmd":"","origin":""})") + e.id.size() + json_text_bound(e.command) +
                   json_text_bound(e.from) + (st.extras ? detail::extra_bound(e) : 0) +
                   (e.data.bytes.empty() ? 0 : length(R"(,"data":)") + e.data.bytes.size()) +
                   (copies_answer(e, st) ? copy_size(e.data) : 0);
        default: return 0;
        }
    }

    /// Writes `e` at `p`; nothing where `bound` is 0.
    std::size_t encode(const envelope& e, const state& st, char* p) const noexcept {
        detail::json_writer out{p};
        switch (e.what) {
        case verb::welcome:
            out.literal(R"({"id":")");
            out.raw(e.id); // drawn by the hub: plain
            out.literal(R"(","cmd":"welcome","data":{"id":")");
            out.text(e.to);
            out.literal(R"(")");
            if (!options_.rtc_configuration.empty()) {
                out.literal(R"(,"configuration":)");
                out.raw(options_.rtc_configuration);
            }
            if (!e.data.bytes.empty()) {
                out.literal(R"(,"resume":)");
                out.raw(e.data.bytes);
            }
            out.literal("}}");
            break;
        case verb::reply:
            out.literal(R"({"id":)");
            out.raw(e.id);
            if (is_verdict(e.status)) {
                if (e.data.bytes.empty()) [[likely]] {
                    if (st.extras && e.status == errc::held)
                        out.literal(R"(,"ok":true,"data":{"held":true}})");
                    else if (st.extras && e.role == politeness::polite)
                        out.literal(R"(,"ok":true,"data":{"polite":true}})");
                    else if (st.extras && e.role == politeness::impolite)
                        out.literal(R"(,"ok":true,"data":{"polite":false}})");
                    else [[likely]]
                        out.literal(R"(,"ok":true})");
                    break;
                }
                if (e.data.format != payload_format::json) { // what another format says is left out
                    out.literal(R"(,"ok":true})");
                    break;
                }
                out.literal(R"(,"ok":true,"data":)");
                out.raw(e.data.bytes);
                out.literal("}");
                break;
            }
            if (!e.data.bytes.empty() &&
                e.data.format == payload_format::json) { // in the words of whoever refused
                out.literal(R"(,"ok":false,"data":)");
                out.raw(e.data.bytes);
                out.literal("}");
                break;
            }
            out.literal(R"(,"ok":false,"data":{"message":")");
            if (e.command.empty())
                out.raw(to_string(e.status));
            else
                out.text(e.command);
            if (st.extras) {
                out.literal(R"(","cause":")");
                out.raw(cause_name(e.status));
            }
            out.literal(R"("}})");
            break;
        case verb::publish:
        case verb::request:
        case verb::notice:
            if (!st.extras) break;
            [[fallthrough]];
        case verb::send:
            if (e.command.empty() || e.data.format != payload_format::json) break;
            out.literal(R"({"id":")");
            out.raw(e.id); // drawn by the hub: plain
            out.literal(R"(","cmd":")");
            out.text(e.command);
            if (!e.from.empty()) [[likely]] { // what the server itself says comes from nobody
                out.literal(R"(","origin":")");
                out.text(e.from);
            }
            if (st.extras && detail::says_extra(e)) [[unlikely]] {
                out.literal(R"(")");
                detail::write_extra(out, e);
                if (e.data.bytes.empty()) {
                    out.literal("}");
                    break;
                }
                out.literal(R"(,"data":)");
            } else {
                if (e.data.bytes.empty()) {
                    out.literal(R"("})");
                    break;
                }
                out.literal(R"(","data":)");
            }
            if (copies_answer(e, st)) {
                const auto brace = e.data.bytes.rfind('}');
                out.raw(e.data.bytes.substr(0, brace));
                if (!is_bare(e.data.bytes)) out.literal(",");
                out.literal(R"("offer":)");
                out.raw(e.data.signal);
                out.raw(e.data.bytes.substr(brace));
            } else {
                out.raw(e.data.bytes);
            }
            out.literal("}");
            break;
        default: break;
        }
        return out.size();
    }

    message_type type(const envelope&, const state&) const noexcept { return message_type::text; }

    /// One text for all peers with extras, one for all without.
    int share_key(const envelope&, const state& st) const noexcept { return st.extras; }

    /// See `detail::own_ending`: 4001-4399 ask to reconnect, 4600 and above to stay away.
    ending end(errc why, const state& st) const noexcept { return detail::own_ending(why, st.extras); }

private:
    // Nothing but blanks between the braces.
    static bool is_bare(std::string_view object) noexcept {
        auto i = object.rfind('}');
        while (i != 0 && detail::is_json_blank(object[i - 1])) --i;
        return i == 1;
    }

    static std::size_t copy_size(const payload& data) noexcept {
        return detail::length(R"("offer":)") + data.signal.size() + (is_bare(data.bytes) ? 0 : 1);
    }

    bool copies_answer(const envelope& e, const state& st) const noexcept {
        return e.data.kind == signal_kind::answer && !st.extras && !e.data.has_offer &&
               options_.answer_copy && !e.data.signal.empty() && e.data.bytes.starts_with('{') &&
               e.data.bytes.find('}') != std::string_view::npos;
    }

    json_options options_;
};

/** The client side of the same wire: writes requests, reads welcomes, replies and what other peers send. It
 *  asks for the extras and understands servers without them.
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

static_assert(Codec<json>, "sigfire: Codec requirements not met");
static_assert(Codec<json_client>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::json;
using codec::json_client;

} // namespace sigfire
