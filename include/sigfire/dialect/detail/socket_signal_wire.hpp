// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/dialect/detail/nanomessage.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/utf8.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

/// Requests of peers on the socket-signal wire, and the replies to them.
namespace sigfire::inline v0_1::detail::socket_signal {

// The kind of a request, which decides the form of its reply. The first byte of a token.
enum class method_kind : char {
    join = 'j',
    leave = 'v',
    lookup = 'l',
    offer = 'o',  // a request to a peer
    signal = 's', // an event for a peer
    event = 'e',  // an event without effect
    ping = 'p',
    other = 'x',
};

struct method {
    method_kind kind;
    std::string_view command; // empty = as in the packet
};

inline method method_of(std::string_view name, bool event) noexcept {
    constexpr std::string_view prefix = "socket-signal-";
    const bool v10 = name.starts_with(prefix);
    const auto rest = name.substr(v10 ? prefix.size() : 0);
    if (event) {
        if (rest == (v10 ? "onsignal" : "signal")) return {method_kind::signal, "signal"};
        return {method_kind::event, {}}; // is acknowledged too
    }
    if (rest == "join") return {method_kind::join, "join"};
    if (rest == "leave") return {method_kind::leave, "leave"};
    if (rest == "lookup") return {method_kind::lookup, "lookup"};
    if (rest == "offer") return {method_kind::offer, "offer"};
    if (v10 && rest == "remote-connect") return {method_kind::offer, "remoteConnect"};
    if (name == "__ping__") return {method_kind::ping, {}};
    return {method_kind::other, {}};
}

// A token has all that a response needs: the kind, the packet's id, and its subject.
using token_room = char[longest_token];
struct token {
    method_kind kind{};
    std::uint32_t id = 0;
    std::string_view about{};

    // Returns false for a token of another wire.
    bool read(request_token from) noexcept {
        if (from.wire != wire_id::socket_signal || from.empty()) return false;
        kind = static_cast<method_kind>(from.bytes[0]);
        about = from.bytes.substr(1);
        return take_varint(about, id);
    }
};

inline std::string_view make_token(token_room& room, method_kind kind, std::uint32_t id,
                                   std::string_view about) noexcept {
    room[0] = static_cast<char>(kind);
    char* const p = put_varint(room + 1, id);
    about = about.substr(0, static_cast<std::size_t>(room + sizeof room - p));
    // Neither cuts a character of several bytes, nor keeps bytes that are not text.
    while (!is_utf8(about)) about.remove_suffix(1);
    return {room, p + about.copy(p, about.size())};
}

// A peer's message with all its known members, read once.
struct document {
    std::string_view data; // empty = no value
    struct {
        std::string_view topic, id, remote_id, session_id, batch;

        std::string_view* find(std::string_view name) noexcept {
            if (is(name, "topic")) return &topic;
            if (is(name, "id")) return &id;
            if (is(name, "remoteId")) return &remote_id;
            if (is(name, "sessionId")) return &session_id;
            if (is(name, "data")) return &batch;
            return nullptr;
        }
    } in{}; // of `data`

    // Returns false if `json` is not an object. The last of equal members counts, with its contents.
    bool read(std::string_view json) noexcept {
        json_scanner text{json};
        if (text.first() != '{') return false;
        const auto whole = read_object(
            text, [this](std::string_view name) { return is(name, "data") ? &data : nullptr; },
            [&](std::string_view*) {
                in = {};
                if (text.member_first() != '{') return read_value(text, data);
                data = read_object(
                    text, [this](std::string_view name) { return in.find(name); },
                    [&text](std::string_view* view) { return read_value(text, *view); });
                return !data.empty();
            });
        return !whole.empty() && text.finished();
    }
};

// The first signal of a checked batch; its kind stands for the batch.
inline call_signal first_signal(std::string_view batch) noexcept {
    call_signal first;
    if (batch.empty() || batch[0] != '[') return first;
    json_scanner text{batch.substr(1), true};
    if (text.first() == ']' || text.first() == '\0') return first;
    struct {
        std::string_view type, candidate;
    } in;
    if (text.first() == '{')
        first.body = read_object(
            text,
            [&in](std::string_view name) {
                return is(name, "type") ? &in.type : is(name, "candidate") ? &in.candidate : nullptr;
            },
            [&text](std::string_view* view) { return read_value(text, *view); });
    else
        first.body = text.value();
    first.kind = signal_kind::other;
    if (in.type == R"("offer")") first.kind = signal_kind::offer;
    if (in.type == R"("answer")") first.kind = signal_kind::answer;
    if (in.type == R"("candidate")" && !in.candidate.empty()) {
        first.kind = signal_kind::candidate;
        first.body = in.candidate;
    }
    return first;
}

inline std::size_t write_value(char* p, std::string_view value) noexcept {
    json_writer out{p};
    out.literal("{");
    if (!value.empty()) out.literal(R"("data":)");
    out.raw(value);
    out.literal("}");
    return out.size();
}

inline std::size_t write_ids(char* p, std::span<const event::member> members) noexcept {
    json_writer out{p};
    out.literal(R"({"data":[)");
    bool first = true;
    for (const auto& m : members) {
        if (!std::exchange(first, false)) out.literal(",");
        out.literal("\"");
        out.text(m.id);
        out.literal("\"");
    }
    out.literal("]}");
    return out.size();
}

// Whether clients can read the object as an error.
inline bool is_error_object(std::string_view data) noexcept {
    return is_json_string(json_member(data, "code")) &&
           is_json_string(json_member(data, "unformatMessage")) && json_member(data, "args").starts_with('[');
}

// `data` is the other peer's text about the failure, if it is JSON.
inline std::size_t write_error(char* p, const event::reply& e, std::string_view data,
                               const token& t) noexcept {
    json_writer out{p};
    const auto begin = [&](std::string_view code, std::string_view text) {
        out.literal(R"({"data":{"code":")");
        out.raw(code);
        out.literal(R"(","unformatMessage":")");
        out.raw(text);
        out.literal(R"(","args":[)");
    };
    const auto string = [&out](std::string_view text) {
        out.literal("\"");
        out.text(text);
        out.literal("\"");
    };
    const auto spelled = [&out](std::string_view name) {
        out.literal("\"");
        spell_bytes(name, [&](char c) { out.text({&c, 1}); });
        out.literal("\"");
    };
    if (is_error_object(data)) return write_value(p, data);
    if (!data.empty()) { // readers need the arguments
        begin("NRPC_ERR_RESPONSE_ERROR", "%s");
        auto said = json_member(data, "unformatMessage");
        if (!is_json_string(said)) said = json_member(data, "message");
        if (is_json_string(said))
            out.raw(said);
        else
            string(to_string(e.cause));
    } else if (t.kind == method_kind::other && e.cause == errc::unknown_command && e.text.empty()) {
        begin("NRPC_ERR_NAME_MISSING", "missing action handler for: %s");
        string(t.about);
    } else if (t.kind == method_kind::offer &&
               (e.cause == errc::unknown || (e.cause == errc::offline && e.number == 0))) {
        begin("ERR_PEER_NOT_FOUND", "peer not found: %s");
        spelled(t.about);
    } else if (t.kind == method_kind::offer && e.cause == errc::offline) {
        begin("NMSG_ERR_CLOSE", "nanomessage was closed");
    } else if (t.kind == method_kind::offer && e.cause == errc::expired) {
        begin("NMSG_ERR_TIMEOUT", "timeout on request: %s");
        char number[json_number_room];
        out.raw({number, std::to_chars(number, number + sizeof number, e.number).ptr});
    } else if (t.kind == method_kind::join && e.cause == errc::id_in_use) {
        begin("ERR_ID_IN_USE", "id in use: %s");
        spelled(t.about);
    } else {
        begin("NRPC_ERR_RESPONSE_ERROR", "%s");
        string(!e.text.empty()              ? e.text
               : e.cause == errc::malformed ? "topic, id or remoteId is missing or no name of 1-256 bytes"
                                            : to_string(e.cause));
    }
    out.literal("]}}");
    return out.size();
}

} // namespace sigfire::inline v0_1::detail::socket_signal
