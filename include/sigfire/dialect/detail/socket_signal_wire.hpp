// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/json_wire.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/dialect/detail/nanomessage.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/utf8.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

/** What peers of the socket-signal wire ask for, and how that is answered. */
namespace sigfire::detail::socket_signal {

// What is asked, and how it is answered: `kind` begins the token.
struct method {
    char kind;
    verb what;
    std::string_view command;
};

inline method method_of(std::string_view name, bool event) noexcept {
    constexpr std::string_view prefix = "socket-signal-";
    const bool v10 = name.starts_with(prefix);
    const auto rest = name.substr(v10 ? prefix.size() : 0);
    if (event) {
        if (rest == (v10 ? "onsignal" : "signal")) return {'s', verb::send, "signal"};
        return {'e', verb::ping, {}}; // is acknowledged, too
    }
    if (rest == "join") return {'j', verb::join, "join"};
    if (rest == "leave") return {'v', verb::leave, "leave"};
    if (rest == "lookup") return {'l', verb::lookup, "lookup"};
    if (rest == "offer") return {'o', verb::request, "offer"};
    if (v10 && rest == "remote-connect") return {'o', verb::request, "remoteConnect"};
    if (name == "__ping__") return {'p', verb::ping, {}};
    return {'x', verb::other, {}};
}

// A token has all that the response needs: its kind, the packet's id, and what it is about.
struct token_room {
    char text[1 + 10 + 1 + 256];
};
struct token {
    char kind;
    std::uint32_t id = 0;
    std::string_view about;

    explicit token(std::string_view text) noexcept : kind(text[0]) {
        const auto end = text.data() + text.size();
        const auto colon = std::from_chars(text.data() + 1, end, id).ptr;
        if (colon != end) about = {colon + 1, end};
    }
};

inline std::string_view make_token(token_room& room, char kind, std::uint32_t id,
                                   std::string_view about) noexcept {
    char* p = room.text;
    *p++ = kind;
    p = std::to_chars(p, p + 10, id).ptr;
    *p++ = ':';
    about = about.substr(0, 256);
    // Characters of two bytes and more are not cut in half, nor is what is no text told.
    while (!is_utf8(about)) about.remove_suffix(1);
    return {room.text, p + about.copy(p, about.size())};
}

inline std::size_t write_value(char* p, std::string_view value) noexcept {
    json_writer out{p};
    out.literal("{");
    if (!value.empty()) out.literal(R"("data":)");
    out.raw(value);
    out.literal("}");
    return out.size();
}

// The ids in what `topics` says of the members.
inline std::size_t write_ids(char* p, std::string_view data) noexcept {
    json_writer out{p};
    out.literal(R"({"data":[)");
    bool first = true;
    json_elements(json_member(data, "members"), [&](std::string_view member) {
        if (!first) out.literal(",");
        first = false;
        out.raw(json_member(member, "id"));
    });
    out.literal("]}");
    return out.size();
}

// Whether clients can read it.
inline bool is_error_object(std::string_view data) noexcept {
    return is_json_string(json_member(data, "code")) &&
           is_json_string(json_member(data, "unformatMessage")) && json_member(data, "args").starts_with('[');
}

inline std::size_t write_error(char* p, const envelope& e, const token& t) noexcept {
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
    if (is_error_object(e.data.bytes)) return write_value(p, e.data.bytes);
    if (!e.data.bytes.empty()) { // readers need the arguments
        begin("NRPC_ERR_RESPONSE_ERROR", "%s");
        auto said = json_member(e.data.bytes, "unformatMessage");
        if (!is_json_string(said)) said = json_member(e.data.bytes, "message");
        if (is_json_string(said))
            out.raw(said);
        else
            string(to_string(e.status));
    } else if (t.kind == 'x' && e.status == errc::unknown_command && e.command.empty()) {
        begin("NRPC_ERR_NAME_MISSING", "missing action handler for: %s");
        string(t.about);
    } else if (t.kind == 'o' && (e.status == errc::unknown || (e.status == errc::offline && e.number == 0))) {
        begin("ERR_PEER_NOT_FOUND", "peer not found: %s");
        spelled(t.about);
    } else if (t.kind == 'o' && e.status == errc::offline) {
        begin("NMSG_ERR_CLOSE", "nanomessage was closed");
    } else if (t.kind == 'o' && e.status == errc::expired) {
        begin("NMSG_ERR_TIMEOUT", "timeout on request: %s");
        char number[json_number_room];
        out.raw({number, std::to_chars(number, number + sizeof number, e.number).ptr});
    } else if (t.kind == 'j' && e.status == errc::id_in_use) {
        begin("ERR_ID_IN_USE", "id in use: %s");
        spelled(t.about);
    } else {
        begin("NRPC_ERR_RESPONSE_ERROR", "%s");
        string(!e.command.empty()            ? e.command
               : e.status == errc::malformed ? "topic, id or remoteId is missing or no name of 1-256 bytes"
                                             : to_string(e.status));
    }
    out.literal("]}}");
    return out.size();
}

} // namespace sigfire::detail::socket_signal
