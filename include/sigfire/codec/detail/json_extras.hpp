// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/** What peers say and hear beyond the wire of Signal-Fire 2021. Off the path of relayed messages. */
namespace sigfire::detail {

/// The whole number `raw`, or nothing.
inline std::optional<std::uint64_t> json_uint(std::string_view raw) noexcept {
    std::uint64_t n = 0;
    const auto [at, failed] = std::from_chars(raw.data(), raw.data() + raw.size(), n);
    if (failed != std::errc{} || at != raw.data() + raw.size()) return {};
    return n;
}

/// What the string `raw` says, or nothing: no string, or over 256 bytes.
inline std::optional<std::string> json_name(std::string_view raw) {
    char buffer[json_name_room];
    if (!is_json_string(raw)) return {};
    const auto inside = json_contents(raw);
    const auto text = json_unescape(inside, buffer, sizeof buffer);
    if (text.size() > 256 || (text.empty() && !inside.empty())) return {};
    return std::string{text};
}

/// One member that `json_fields` looks for, and where its value goes.
struct json_field {
    std::string_view name;
    std::string_view* value;
};

/** Members of the JSON object `text`, as they stand there; what is not there stays as it is. `text` may be
 * empty: an object without members. False if it is no object. */
inline bool json_fields(std::string_view text, std::initializer_list<json_field> wanted) {
    if (text.empty()) return true;
    json_scanner scan{text};
    if (scan.first() != '{') return false;
    const auto whole = scan.object([&](std::string_view raw_name) {
        char buffer[24];
        const auto name = json_unescape(raw_name, buffer, sizeof buffer);
        const auto value = scan.value();
        for (const auto& f : wanted)
            if (f.name == name) *f.value = value;
        return !value.empty();
    });
    return !whole.empty() && scan.finished();
}

/// How `decode_extra` reads members that are JSON.
struct json_values {
    /// For what stands behind escapes.
    struct room {
        char topic[json_name_room], token[json_name_room];
    };

    static bool truthy(std::string_view raw) noexcept { return json_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_json_string(raw); }
    static bool is_false(std::string_view raw) noexcept { return raw == "false"; }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return json_uint(raw); }
    /// What it says; empty if it is no text, or none that could be a name.
    static std::string_view text(std::string_view raw, char (&buffer)[json_name_room]) noexcept {
        return is_json_string(raw) ? json_unescape(json_contents(raw), buffer, sizeof buffer)
                                   : std::string_view{};
    }
};

/// Fills `e.topic`; the status is `malformed` if it is there but no name.
template <class Values>
inline void decode_topic(const json_request_members& in, typename Values::room& room, envelope& e) noexcept {
    if (!in.extra || in.extra->topic.empty()) return;
    e.topic = Values::text(in.extra->topic, room.topic);
    if (e.topic.empty()) e.status = errc::malformed;
}

/** Fills `e`, which has its id, command, target and data, from a request with extras, of whatever format
 *  `Values` reads.
 *  @returns `ok`, and `e.what` is still `other` if the command is none of ours; or `missing_id` */
template <class Values>
inline errc decode_extra(const json_request_members& in, typename Values::room& room, envelope& e) noexcept {
    const auto* const known = find_extra_command(e.command);
    decode_topic<Values>(in, room, e);
    if (!known) return errc::ok;
    const bool answered = Values::truthy(in.id);
    if (!answered && known->what != verb::ack && known->what != verb::respond) return errc::missing_id;
    if (!answered) e.id = {};
    e.what = known->what;
    e.data.kind = known->kind;
    if (known->what != verb::send) {
        if (Values::truthy(in.target) && (e.to.empty() || e.to.size() > 256)) e.status = errc::malformed;
    } else if (e.to.empty() && e.topic.empty() && e.status == errc::ok) {
        e.status = Values::truthy(in.target) ? errc::unknown : errc::missing_target;
    }
    if (known->what == verb::join || known->what == verb::leave) {
        e.to = {}; // ids are given by the hub
        if (e.topic.empty() && e.status == errc::ok) e.status = errc::malformed;
    }
    if (!in.extra) {
        if (known->what == verb::resume) e.data.bytes = {};
        return errc::ok;
    }
    const auto& extra = *in.extra;
    switch (known->what) {
    case verb::publish:
        e.echo = Values::truthy(extra.echo);
        e.droppable = Values::truthy(extra.droppable);
        break;
    case verb::respond:
        e.number = Values::number(extra.request).value_or(0);
        e.status =
            Values::is_false(extra.ok) ? errc::denied : errc::ok; // the answer's, whatever else it says
        break;
    case verb::resume:
        e.data.bytes = Values::text(extra.token, room.token);
        if (e.data.bytes.empty() && (Values::is_text(extra.token) || Values::truthy(extra.token)))
            e.data.bytes = "?"; // one was shown, but none of ours
        [[fallthrough]];
    case verb::ack: e.number = Values::number(extra.received).value_or(0); break;
    default: break;
    }
    return errc::ok;
}

/// Whether `e` is a question of one peer to another: only there the number is said.
constexpr bool asks(const envelope& e) noexcept {
    return e.what == verb::request && e.number != 0;
}

/// Whether `e` has more to say than Signal-Fire 2021 has words for.
constexpr bool says_extra(const envelope& e) noexcept {
    return !e.topic.empty() || asks(e) || e.role != politeness::none;
}

/// Most bytes that `write_extra` will write.
inline std::size_t extra_bound(const envelope& e) noexcept {
    return length(R"(,"topic":"","request":,"polite":false)") + json_number_room + json_text_bound(e.topic);
}

/// Writes the extra members of a message to a peer.
inline void write_extra(json_writer& out, const envelope& e) noexcept {
    if (!e.topic.empty()) {
        out.literal(R"(,"topic":")");
        out.text(e.topic);
        out.literal("\"");
    }
    if (asks(e)) {
        char digits[json_number_room];
        const auto end = std::to_chars(digits, digits + sizeof digits, e.number).ptr;
        out.literal(R"(,"request":)");
        out.raw({digits, end});
    }
    if (e.role == politeness::polite) out.literal(R"(,"polite":true)");
    if (e.role == politeness::impolite) out.literal(R"(,"polite":false)");
}

} // namespace sigfire::detail
