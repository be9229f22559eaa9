// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

/** What both sides of sigfire's JSON have in common: the members that mean something, the commands, and the
 *  writing of strings. */
namespace sigfire::detail {

/** Reads the object that comes next, which is the whole text, into `m`; false if the text is not valid.
 *
 *  `M` has views of the members that mean something, as they stand in the text (the last of each name), and
 *  `find_top(name)` and `find_inner(name)`, which return the view for a member of the message or of its
 *  `data`, or null. */
template <class M>
bool read_members(json_scanner& text, M& m) noexcept {
    // A name that is none of ours as it stands may still be one behind its escapes.
    const auto view_for = [&m](std::string_view name, auto find) {
        auto view = (m.*find)(name);
        if (!view) [[unlikely]] {
            char buffer[24];
            view = (m.*find)(json_unescape(name, buffer, sizeof buffer));
        }
        return view;
    };
    const auto whole = text.object([&](std::string_view name) {
        const auto view = view_for(name, &M::find_top);
        if (view == &m.data && !m.data.empty()) [[unlikely]]
            m.inner = {};
        if (view == &m.data && text.member_first() == '{') {
            m.data = text.object([&](std::string_view inner_name) {
                const auto inner_view = view_for(inner_name, &M::find_inner);
                const auto value = text.value();
                if (inner_view) *inner_view = value;
                return !value.empty();
            });
            return !m.data.empty();
        }
        const auto value = text.value();
        if (view) *view = value;
        return !value.empty();
    });
    return !whole.empty() && text.finished();
}

/// What can be said in `data` by either side.
struct json_signals {
    std::string_view candidate, offer, answer, sdp;

    std::string_view* find(std::string_view name) noexcept {
        if (is(name, "candidate")) return &candidate;
        if (is(name, "offer")) return &offer;
        if (is(name, "answer")) return &answer;
        if (is(name, "sdp")) return &sdp;
        return nullptr;
    }
};

/// What only requests with extras say.
struct json_extra_members {
    std::string_view topic, request, ok, echo, droppable, token, received;

    std::string_view* find(std::string_view name) noexcept {
        if (is(name, "topic")) return &topic;
        if (is(name, "request")) return &request;
        if (is(name, "ok")) return &ok;
        if (is(name, "echo")) return &echo;
        if (is(name, "volatile")) return &droppable;
        if (is(name, "token")) return &token;
        if (is(name, "received")) return &received;
        return nullptr;
    }
};

/// The members of a request.
struct json_request_members {
    std::string_view id, cmd, target, data;
    json_signals inner;
    std::optional<json_extra_members> extra; // most messages have none, and pay for a flag

    std::string_view* find_top(std::string_view name) noexcept {
        if (is(name, "id")) return &id;
        if (is(name, "cmd")) return &cmd;
        if (is(name, "data")) return &data;
        if (is(name, "target")) return &target;
        return find_extra(name);
    }
    std::string_view* find_inner(std::string_view name) noexcept { return inner.find(name); }

private:
    [[gnu::noinline]] std::string_view* find_extra(std::string_view name) noexcept {
        if (!extra) extra.emplace();
        return extra->find(name);
    }
};

/// The members of what a server says.
struct json_response_members {
    std::string_view id, cmd, ok, origin, data, topic, request, polite;
    struct : json_signals {
        std::string_view own_id, configuration, message, cause;
    } inner;

    std::string_view* find_top(std::string_view name) noexcept {
        if (is(name, "id")) return &id;
        if (is(name, "cmd")) return &cmd;
        if (is(name, "ok")) return &ok;
        if (is(name, "origin")) return &origin;
        if (is(name, "data")) return &data;
        if (is(name, "topic")) return &topic;
        if (is(name, "request")) return &request;
        if (is(name, "polite")) return &polite;
        return nullptr;
    }
    std::string_view* find_inner(std::string_view name) noexcept {
        if (is(name, "id")) return &inner.own_id;
        if (is(name, "configuration")) return &inner.configuration;
        if (is(name, "message")) return &inner.message;
        if (is(name, "cause")) return &inner.cause;
        return inner.find(name);
    }
};

constexpr bool is_json_object(std::string_view raw) noexcept {
    return !raw.empty() && raw[0] == '{';
}

struct json_command {
    std::string_view name;
    signal_kind kind;
    errc missing; // what to say when its payload is not there; ok = it needs none
    bool carries_data;
};

inline constexpr json_command json_commands[] = {
    {"ice", signal_kind::candidate, errc::missing_candidate, true},
    {"offer", signal_kind::offer, errc::missing_offer, true},
    {"answer", signal_kind::answer, errc::missing_answer, true},
    {"session-start", signal_kind::session_start, errc::ok, false},
    {"session-accept", signal_kind::session_accept, errc::ok, false},
    {"session-reject", signal_kind::session_reject, errc::ok, true},
    {"session-cancel", signal_kind::session_cancel, errc::ok, true},
};

/// What peers with extras can say too.
struct json_extra_command {
    std::string_view name;
    verb what;
    signal_kind kind = signal_kind::none;
};

inline constexpr json_extra_command json_extra_commands[] = {
    {"publish", verb::publish},
    {"request", verb::request},
    {"respond", verb::respond},
    {"ack", verb::ack},
    {"join", verb::join},
    {"leave", verb::leave},
    {"lookup", verb::lookup},
    {"set", verb::set},
    {"unset", verb::unset},
    {"watch", verb::watch},
    {"unwatch", verb::unwatch},
    {"resume", verb::resume},
    {"renegotiate", verb::send, signal_kind::other},
    {"bye", verb::send, signal_kind::bye},
    {"session-end", verb::send, signal_kind::session_end},
    {"create", verb::create},
    {"update", verb::update},
    {"info", verb::info},
    {"exists", verb::exists},
    {"delete", verb::erase},
};

inline const json_extra_command* find_extra_command(std::string_view name) noexcept {
    for (const auto& c : json_extra_commands)
        if (c.name == name) return &c;
    return nullptr;
}

inline const json_command* find_command(std::string_view name) noexcept {
    // Told by constants, not in a loop over the table.
    const auto at = [](int i) { return &json_commands[i]; };
    if (is(name, "ice")) return at(0);
    if (is(name, "offer")) return at(1);
    if (is(name, "answer")) return at(2);
    if (is(name, "session-start")) return at(3);
    if (is(name, "session-accept")) return at(4);
    if (is(name, "session-reject")) return at(5);
    if (is(name, "session-cancel")) return at(6);
    return nullptr;
}

/// What a command says, for either direction.
inline payload json_payload(std::string_view data, const json_signals& in, const json_command& c,
                            bool extras) noexcept {
    payload p;
    p.kind = c.kind;
    if (!c.carries_data && !extras) return p;
    if (!is_json_object(data)) return p;
    p.bytes = data;
    if (p.kind == signal_kind::candidate) {
        p.signal = in.candidate;
    } else if (p.kind == signal_kind::offer || p.kind == signal_kind::answer) {
        p.signal = p.kind == signal_kind::offer ? in.offer : in.answer;
        if (!json_truthy(p.signal)) p.signal = in.sdp; // Signal-Fire@2
        p.has_offer = p.kind == signal_kind::answer && !in.offer.empty();
    }
    if (!json_truthy(p.signal)) p.signal = {};
    return p;
}

inline errc not_json(message m) noexcept {
    return m.type == message_type::text && !is_utf8(m.view()) ? errc::bad_utf8 : errc::malformed;
}

/// Checks a message that is no object: none of those says anything.
inline errc decode_scalar(message m, json_scanner& text) noexcept {
    const auto value = text.first() == '\0' ? std::string_view{} : text.value();
    if (value.empty() || !text.finished()) return not_json(m);
    return value == "null" ? errc::null_message : errc::ok;
}

} // namespace sigfire::detail
