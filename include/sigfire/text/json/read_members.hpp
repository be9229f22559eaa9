// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/string.hpp>
#include <sigfire/text/utf8.hpp>

#include <string_view>

namespace sigfire::inline v0_1::detail {

/** Reads an object that is the whole text into `m`. The caller has checked that `first` is `{`. Returns false
 *  if the text is not valid.
 *
 *  `M` has a view of each known member, as the text has it; the last of equal names counts. `find_top(name)`
 *  returns the view for a member of the message, and `find_inner(name)` for a member of its `data`, or null.
 *  `inner` holds all views for members of `data`. `guess_top(p)` and `guess_inner(p)` recognize the common
 *  names by their first bytes. `read_members` sets `plain` to whether no value has an escape. */
template <class M>
[[gnu::always_inline]] inline bool read_members(json_scanner& text, M& m) noexcept {
    // An unknown name may be a known name with escapes.
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

} // namespace sigfire::inline v0_1::detail
