// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/detail/own_members.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/utf8.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

/** Reading messages that are JSON objects. */
namespace sigfire::detail {

/** Reads the object that comes next, which is the whole text, into `m`; false if the text is not valid.
 *
 *  `M` has views of the members that mean something, as they stand in the text (the last of each name), and
 *  `find_top(name)` and `find_inner(name)`, which return the view for a member of the message or of its
 *  `data`, or null. By `guess_top(p)` and `guess_inner(p)` it tells the names that are not rare. */
template <class M>
[[gnu::always_inline]] inline bool read_members(json_scanner& text, M& m) noexcept {
    // A name that is none of ours as it stands may still be one behind its escapes.
    const auto view_for = [&m](std::string_view name, auto find) {
        auto view = (m.*find)(name);
        if (!view) [[unlikely]] {
            char buffer[24];
            view = (m.*find)(json_unescape(name, buffer, sizeof buffer));
        }
        return view;
    };
    const auto whole = text.object(
        [&m](const char* p) __attribute__((always_inline)) { return m.guess_top(p); },
        [&](std::string_view name) { return view_for(name, &M::find_top); },
        [&](std::string_view* view) __attribute__((always_inline)) {
            if (view == &m.data) {
                if (!m.data.empty()) [[unlikely]]
                    m.inner = {};
                if (text.member_first() == '{') {
                    m.data = text.object(
                        [&m](const char* p) __attribute__((always_inline)) { return m.guess_inner(p); },
                        [&](std::string_view name) { return view_for(name, &M::find_inner); },
                        [&](std::string_view* inner) __attribute__((always_inline)) {
                            const auto value = text.value();
                            if (inner) *inner = value;
                            return !value.empty();
                        });
                    return !m.data.empty();
                }
            }
            const auto value = text.value();
            if (view) *view = value;
            return !value.empty();
        });
    m.plain = text.plain();
    return !whole.empty() && text.finished();
}

constexpr bool is_json_object(std::string_view raw) noexcept {
    return !raw.empty() && raw[0] == '{';
}

inline errc not_json(message m) noexcept {
    return m.type == message_type::text && !is_utf8(m.view()) ? errc::bad_utf8 : errc::malformed;
}

/// Checks a message that is no object: none of those says anything.
inline errc decode_scalar(message m, bool trusted) noexcept {
    json_scanner text{m.view(), trusted};
    const auto value = text.first() == '\0' ? std::string_view{} : text.value();
    if (value.empty() || !text.finished()) return not_json(m);
    return value == "null" ? errc::internal_error : errc::ok;
}

/// How values that are JSON are read.
struct json_values {
    static constexpr wire_id wire = wire_id::json;

    /// For the text behind escapes.
    using buffer = char[json_name_room];

    [[gnu::always_inline]] static bool truthy(std::string_view raw) noexcept { return json_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_json_string(raw); }
    static bool is_map(std::string_view raw) noexcept { return is_json_object(raw); }
    static bool is_false(std::string_view raw) noexcept { return raw == "false"; }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return json_unsigned(raw); }
    /// Its text; empty if it is no text, or none that could be a name. `plain`: there is no escape in it.
    [[gnu::always_inline]] static std::string_view text(std::string_view raw, buffer& room,
                                                        bool plain = false) noexcept {
        return plain && is_json_string(raw) ? json_contents(raw) : json_name(raw, room);
    }
    static bool members(std::string_view raw, std::initializer_list<wanted_member> wanted) noexcept {
        return json_members(raw, wanted);
    }
};

} // namespace sigfire::detail
