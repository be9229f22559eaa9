// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/text/msgpack/member.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

/** Reading messages that are MessagePack maps. */
namespace sigfire::detail {

/// Reads the map that comes next, which is the whole message, into `m`; false if it is not valid. `M` as
/// for `read_members`; a member's view shows its MessagePack as it stands.
template <class M>
bool read_msgpack_members(msgpack_scanner& text, M& m) noexcept {
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

/// Checks a message that is no map: none of those says anything.
inline errc decode_msgpack_scalar(msgpack_scanner& text) noexcept {
    const auto value = text.value();
    if (value.empty() || !text.finished()) return errc::malformed;
    return msgpack_at(value).is(msgpack_kind::nil) ? errc::internal_error : errc::ok;
}

/// How values that are MessagePack are read: as `json_values`.
struct msgpack_values {
    static constexpr wire_id wire = wire_id::msgpack;

    using buffer = char; // texts are read where they stand

    static bool truthy(std::string_view raw) noexcept { return msgpack_truthy(raw); }
    static bool is_text(std::string_view raw) noexcept { return is_msgpack_text(raw); }
    static bool is_map(std::string_view raw) noexcept { return is_msgpack_map(raw); }
    static bool is_false(std::string_view raw) noexcept {
        const auto v = msgpack_at(raw);
        return v.is(msgpack_kind::boolean) && v.number == 0;
    }
    static std::optional<std::uint64_t> number(std::string_view raw) noexcept { return msgpack_uint(raw); }
    static std::string_view text(std::string_view raw, buffer&, bool = true) noexcept {
        return msgpack_text(raw);
    }
    static bool members(std::string_view raw, std::initializer_list<wanted_member> wanted) noexcept {
        return msgpack_members(raw, wanted);
    }
};

} // namespace sigfire::detail
