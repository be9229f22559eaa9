// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/msgpack/scan.hpp>

#include <string_view>

namespace sigfire::inline v0_1::detail {

/** Reads a map that is the whole message into `m`. Returns false if the message is not valid. `M` is as for
 *  JSON; each view holds the MessagePack of a value. */
template <class M>
bool read_members(msgpack_scanner& text, M& m) noexcept {
    const auto whole = text.map([&](std::string_view name) {
        const auto view = m.find_top(name);
        if (view != &m.data) {
            const auto value = text.value();
            if (view != nullptr) *view = value;
            return !value.empty();
        }
        m.inner = {};
        m.data = !text.at_map() ? text.value() : text.map([&](std::string_view inner_name) {
            const auto inner_view = m.find_inner(inner_name);
            const auto value = text.value();
            if (inner_view != nullptr) *inner_view = value;
            return !value.empty();
        });
        return !m.data.empty();
    });
    return !whole.empty() && text.finished();
}

} // namespace sigfire::inline v0_1::detail
