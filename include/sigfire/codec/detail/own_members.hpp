// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/string.hpp>
#include <sigfire/text/json/write.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

/** The known members and commands of sigfire's own wires: the same in JSON and in MessagePack. A member is a
 *  view of its value in the message. */
namespace sigfire::inline v0_1::detail {

/// The signals in `data`.
struct json_signals {
    std::string_view candidate, offer, answer, sdp;

    std::string_view* find(std::string_view name) noexcept {
        if (is(name, "candidate")) return &candidate;
        if (is(name, "offer")) return &offer;
        if (is(name, "answer")) return &answer;
        if (is(name, "sdp")) return &sdp;
        return nullptr;
    }
    known_name guess(const char* p) noexcept {
        if (begins(p, R"(candidate":)")) return {&candidate, length(R"(candidate":)")};
        if (begins(p, R"(offer":)")) return {&offer, length(R"(offer":)")};
        if (begins(p, R"(answer":)")) return {&answer, length(R"(answer":)")};
        return {};
    }
};

/// Members that only requests of the extras have.
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
    std::optional<json_extra_members> extra; // rare, so that most messages only pay for a flag
    bool plain = false;                      // whether no value has an escape

    // The implicit constructor would also clear the room for the extras.
    json_request_members() noexcept {}

    std::string_view* find_top(std::string_view name) noexcept {
        if (is(name, "id")) return &id;
        if (is(name, "cmd")) return &cmd;
        if (is(name, "data")) return &data;
        if (is(name, "target")) return &target;
        return find_extra(name);
    }
    std::string_view* find_inner(std::string_view name) noexcept { return inner.find(name); }

    // For JSON: recognizes a name by its bytes and the bytes after it, without a search for its end.
    known_name guess_top(const char* p) noexcept {
        if (begins(p, R"(id":)")) return {&id, length(R"(id":)")};
        if (begins(p, R"(cmd":)")) return {&cmd, length(R"(cmd":)")};
        if (begins(p, R"(data":)")) return {&data, length(R"(data":)")};
        if (begins(p, R"(target":)")) return {&target, length(R"(target":)")};
        return {};
    }
    known_name guess_inner(const char* p) noexcept { return inner.guess(p); }

private:
    [[gnu::noinline]] std::string_view* find_extra(std::string_view name) noexcept {
        if (!extra) extra.emplace();
        return extra->find(name);
    }
};

/// A relayed command of Signal-Fire 2021.
struct json_command {
    std::string_view name;
    signal_kind kind;
    errc missing; // cause if its payload is missing; ok = needs none
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

[[gnu::always_inline]] inline const json_command* find_command(std::string_view name) noexcept {
    // By constants: faster than a loop over the table.
    const auto at = [](int i) { return &json_commands[i]; };
    switch (name.size()) {
    case 3: return is(name, "ice") ? at(0) : nullptr;
    case 5: return is(name, "offer") ? at(1) : nullptr;
    case 6: return is(name, "answer") ? at(2) : nullptr;
    case 13: return is(name, "session-start") ? at(3) : nullptr;
    case 14:
        if (is(name, "session-accept")) return at(4);
        if (is(name, "session-reject")) return at(5);
        return is(name, "session-cancel") ? at(6) : nullptr;
    default: return nullptr;
    }
}

/// The commands of a peer with the extras.
enum class own_request : unsigned char {
    say,
    publish,
    request,
    respond,
    join,
    leave,
    lookup,
    set,
    unset,
    watch,
    unwatch,
    create,
    update,
    erase,
    info,
    exists,
    resume,
    ack,
    authenticate,
};

/// A command of the extras.
struct json_extra_command {
    std::string_view name;
    own_request what;
    signal_kind kind = signal_kind::none;
};

inline constexpr json_extra_command json_extra_commands[] = {
    {"publish", own_request::publish},
    {"request", own_request::request},
    {"respond", own_request::respond},
    {"ack", own_request::ack},
    {"join", own_request::join},
    {"leave", own_request::leave},
    {"lookup", own_request::lookup},
    {"set", own_request::set},
    {"unset", own_request::unset},
    {"watch", own_request::watch},
    {"unwatch", own_request::unwatch},
    {"resume", own_request::resume},
    {"renegotiate", own_request::say, signal_kind::other},
    {"bye", own_request::say, signal_kind::bye},
    {"session-end", own_request::say, signal_kind::session_end},
    {"create", own_request::create},
    {"update", own_request::update},
    {"info", own_request::info},
    {"exists", own_request::exists},
    {"delete", own_request::erase},
    {"authenticate", own_request::authenticate},
};

inline const json_extra_command* find_extra_command(std::string_view name) noexcept {
    for (const auto& c : json_extra_commands)
        if (c.name.size() == name.size() && c.name[0] == name[0] && c.name == name) return &c;
    return nullptr;
}

/** Reads `raw`, the member `data` of a command, into `data` and `signal`. `Values` reads the format:
 *  `json_values` or `msgpack_values`. */
template <class Values>
[[gnu::always_inline]] inline void read_payload(std::string_view raw, const json_signals& in,
                                                const json_command& c, payload& data,
                                                call_signal& signal) noexcept {
    if (!Values::is_map(raw)) return;
    data.bytes = raw;
    if (c.kind == signal_kind::candidate) {
        signal.body = in.candidate;
    } else if (c.kind == signal_kind::offer || c.kind == signal_kind::answer) {
        signal.body = c.kind == signal_kind::offer ? in.offer : in.answer;
        if (!Values::truthy(signal.body)) signal.body = in.sdp; // signal-Fire@2
    }
    if (!Values::truthy(signal.body)) signal.body = {};
}

} // namespace sigfire::inline v0_1::detail
