// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/detail/json_scan.hpp>
#include <sigfire/detail/json_wire.hpp>
#include <sigfire/envelope.hpp>
#include <sigfire/error.hpp>

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

/// Room for what a request with extras says behind escapes.
struct json_extra_room {
    char topic[json_name_room], token[json_name_room];
};

/// Fills `e.topic`; the status is `malformed` if it is there but no name.
inline void decode_topic(const json_request_members& in, json_extra_room& room, envelope& e) noexcept {
    if (!in.extra || in.extra->topic.empty()) return;
    if (is_json_string(in.extra->topic))
        e.topic = json_unescape(json_contents(in.extra->topic), room.topic, sizeof room.topic);
    if (e.topic.empty()) e.status = errc::malformed;
}

/** Fills `e`, which has its id, command, target and data, from a request with extras.
 *  @returns `ok`, and `e.what` is still `other` if the command is none of ours; or `missing_id` */
inline errc decode_extra(const json_request_members& in, json_extra_room& room, envelope& e) noexcept {
    const auto* const known = find_extra_command(e.command);
    decode_topic(in, room, e);
    if (!known) return errc::ok;
    const bool answered = json_truthy(in.id);
    if (!answered && known->what != verb::ack && known->what != verb::respond) return errc::missing_id;
    if (!answered) e.id = {};
    e.what = known->what;
    e.data.kind = known->kind;
    if (known->what != verb::send) {
        if (json_truthy(in.target) && (e.to.empty() || e.to.size() > 256)) e.status = errc::malformed;
    } else if (e.to.empty() && e.topic.empty() && e.status == errc::ok) {
        e.status = json_truthy(in.target) ? errc::unknown : errc::missing_target;
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
        e.echo = json_truthy(extra.echo);
        e.droppable = json_truthy(extra.droppable);
        break;
    case verb::respond:
        e.number = json_uint(extra.request).value_or(0);
        e.status = extra.ok == "false" ? errc::denied : errc::ok; // the answer's, whatever else it says
        break;
    case verb::resume:
        e.data.bytes = {};
        if (is_json_string(extra.token))
            e.data.bytes = json_unescape(json_contents(extra.token), room.token, sizeof room.token);
        if (e.data.bytes.empty() && (is_json_string(extra.token) || json_truthy(extra.token)))
            e.data.bytes = "?"; // one was shown, but none of ours
        [[fallthrough]];
    case verb::ack: e.number = json_uint(extra.received).value_or(0); break;
    default: break;
    }
    return errc::ok;
}

/// Whether `e` has more to say than Signal-Fire 2021 has words for.
constexpr bool says_extra(const envelope& e) noexcept {
    return !e.topic.empty() || e.number != 0 || e.role != politeness::none;
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
    if (e.number != 0) {
        char digits[json_number_room];
        const auto end = std::to_chars(digits, digits + sizeof digits, e.number).ptr;
        out.literal(R"(,"request":)");
        out.raw({digits, end});
    }
    if (e.role == politeness::polite) out.literal(R"(,"polite":true)");
    if (e.role == politeness::impolite) out.literal(R"(,"polite":false)");
}

/** Composes JSON text in a string: for what the hub itself has to say. */
class json_text {
public:
    json_text() = default;

    /// Text as it is.
    json_text& raw(std::string_view s) {
        text_ += s;
        return *this;
    }
    /// A string: quoted and escaped.
    json_text& string(std::string_view s) {
        text_ += '"';
        json_escape(s, [this](char c) { text_ += c; });
        text_ += '"';
        return *this;
    }
    json_text& number(std::integral auto n) {
        text_ += std::to_string(n);
        return *this;
    }

    std::string_view view() const noexcept { return text_; }
    std::size_t size() const noexcept { return text_.size(); }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

} // namespace sigfire::detail
