// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/msgpack/scan.hpp>
#include <sigfire/text/utf8.hpp>

#include <string_view>

namespace sigfire::detail {

/** The members of a message that mean something to a client, as they stand in the message: the last of each
 * name. `data` is looked into as far as the client reads it. */
struct server_members {
    std::string_view id, cmd, ok, origin, data, topic, request, polite;
    struct {
        std::string_view id, configuration, resume, message, cause, polite;
    } inside; // of data, if that is an object

    std::string_view* find(std::string_view name) noexcept {
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
    std::string_view* find_inside(std::string_view name) noexcept {
        if (is(name, "id")) return &inside.id;
        if (is(name, "configuration")) return &inside.configuration;
        if (is(name, "resume")) return &inside.resume;
        if (is(name, "message")) return &inside.message;
        if (is(name, "cause")) return &inside.cause;
        if (is(name, "polite")) return &inside.polite;
        return nullptr;
    }
};

/// Reads the object that comes next, which is the whole text, into `m`; false if the text is not valid.
inline bool read_json_members(json_scanner& text, server_members& m) noexcept {
    const auto plain = [](std::string_view name, char(&buffer)[24]) {
        return json_unescape(name, buffer, sizeof buffer);
    };
    const auto whole = text.object([&](std::string_view name) {
        char buffer[24];
        const auto view = m.find(plain(name, buffer));
        if (view == &m.data) {
            m.inside = {};
            if (text.member_first() == '{') {
                m.data = text.object([&](std::string_view inner_name) {
                    char inner_buffer[24];
                    const auto inner_view = m.find_inside(plain(inner_name, inner_buffer));
                    const auto value = text.value();
                    if (inner_view) *inner_view = value;
                    return !value.empty();
                });
                return !m.data.empty();
            }
        }
        const auto value = text.value();
        if (view) *view = value;
        return !value.empty();
    });
    return !whole.empty() && text.finished();
}

/// The same for a map that is MessagePack.
inline bool read_msgpack_members(msgpack_scanner& text, server_members& m) noexcept {
    const auto whole = text.map([&](std::string_view name) {
        const auto view = m.find(name);
        if (view == &m.data) {
            m.inside = {};
            if (text.at_map()) {
                m.data = text.map([&](std::string_view inner_name) {
                    const auto inner_view = m.find_inside(inner_name);
                    const auto value = text.value();
                    if (inner_view) *inner_view = value;
                    return !value.empty();
                });
                return !m.data.empty();
            }
        }
        const auto value = text.value();
        if (view) *view = value;
        return !value.empty();
    });
    return !whole.empty() && text.finished();
}

/// Whether `command` is one of Signal-Fire with a map, or nothing, as data.
constexpr bool wants_map(std::string_view command) noexcept {
    for (const std::string_view known : {"ice", "offer", "answer", "session-reject", "session-cancel"})
        if (command == known) return true;
    return false;
}

/// The fault of a message that is not JSON.
inline errc not_json_of(message m) noexcept {
    return m.type == message_type::text && !is_utf8(m.view()) ? errc::bad_utf8 : errc::malformed;
}

} // namespace sigfire::detail
