// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/string.hpp>

#include <string_view>

namespace sigfire::inline v0_1::detail {

/// The members of a message that a client reads, for `read_members`. Of `data`, only the listed members are
/// read.
struct server_members {
    std::string_view id, cmd, ok, origin, data, topic, request, polite;
    struct {
        std::string_view id, configuration, resume, message, cause, polite;
    } inner; // members of data, if data is an object
    bool plain = false;

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
        if (is(name, "id")) return &inner.id;
        if (is(name, "configuration")) return &inner.configuration;
        if (is(name, "resume")) return &inner.resume;
        if (is(name, "message")) return &inner.message;
        if (is(name, "cause")) return &inner.cause;
        if (is(name, "polite")) return &inner.polite;
        return nullptr;
    }
    // A client gets too few messages for guesses to pay off.
    static known_name guess_top(const char*) noexcept { return {}; }
    static known_name guess_inner(const char*) noexcept { return {}; }
};

/// Whether `command` is one of Signal-Fire's commands with a map, or nothing, as data.
constexpr bool wants_map(std::string_view command) noexcept {
    for (const std::string_view known : {"ice", "offer", "answer", "session-reject", "session-cancel"})
        if (command == known) return true;
    return false;
}

} // namespace sigfire::inline v0_1::detail
