// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/member.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <initializer_list>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/// As `json_members`, in the MessagePack map `bytes`. A key that is not text matches no wanted member.
inline bool msgpack_members(std::string_view bytes, std::initializer_list<wanted_member> wanted) noexcept {
    if (bytes.empty()) return true;
    msgpack_scanner scan{bytes};
    if (!scan.at_map()) return false;
    const auto whole = scan.map([&](std::string_view name) {
        const auto value = scan.value();
        for (const auto& w : wanted)
            if (w.name == name) *w.value = value;
        return !value.empty();
    });
    return !whole.empty() && scan.finished();
}

} // namespace sigfire::inline v0_1::detail
