// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_extras.hpp>
#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/codec/detail/own_wire.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/text/json/scan.hpp>

#include <cstddef>
#include <cstdint>
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

static_assert(Codec<json>, "sigfire: Codec requirements not met");

} // namespace codec

using codec::json;

} // namespace sigfire
