// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/string.hpp>
#include <sigfire/text/utf8.hpp>

#include <string_view>

namespace sigfire::detail {

/** Reads the object that comes next (`first` says so), which is the whole text, into `m`; false if the text
 * is not valid.
 *
 *  `M` has views of the members that mean something, as they stand in the text (the last of each name), and
 *  `find_top(name)` and `find_inner(name)`, which return the view for a member of the message or of its
 *  `data`, or null. Those of `data` are together in `inner`. By `guess_top(p)` and `guess_inner(p)` it tells
 * the names that are not rare, or none. `plain` is set to whether no value holds an escape. */
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

/// The fault of a message that is not JSON.
inline errc not_json(message m) noexcept {
    return m.type == message_type::text && !is_utf8(m.view()) ? errc::bad_utf8 : errc::malformed;
}

} // namespace sigfire::detail
