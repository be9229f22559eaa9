// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace sigfire::inline v0_1::test {

/// Calls `f(name, value)` for each member of a JSON object, both as they stand in the text.
template <class F>
void json_members(std::string_view object, F f) {
    if (detail::json_scanner text{object}; text.first() == '{')
        text.object([&](std::string_view name) {
            const auto value = text.value();
            f(name, value);
            return !value.empty();
        });
}

/// The value of a member of a JSON object as it stands in the text, or empty.
inline std::string_view json_member(std::string_view object, std::string_view name) {
    std::string_view found;
    json_members(object, [&](std::string_view n, std::string_view value) {
        if (n == name) found = value;
    });
    return found;
}

/// The text between the quotes of a JSON string; of anything else, the text itself.
inline std::string_view json_unquoted(std::string_view raw) {
    return detail::is_json_string(raw) ? detail::json_contents(raw) : raw;
}

/// The number that a JSON text is, or 0.
inline std::uint32_t json_number(std::string_view raw) {
    std::uint32_t n = 0;
    std::from_chars(raw.data(), raw.data() + raw.size(), n);
    return n;
}

/// What a message of sigfire's JSON wire says, in either direction; strings without their quotes. Views of
/// the text.
struct wire_text {
    std::string_view cmd, id, ok, origin, target, topic, request, token, received, data;

    explicit wire_text(std::string_view text) {
        json_members(text, [this](std::string_view name, std::string_view value) {
            for (const auto& [known, view] :
                 {member{"cmd", &cmd}, member{"id", &id}, member{"ok", &ok}, member{"origin", &origin},
                  member{"target", &target}, member{"topic", &topic}, member{"request", &request},
                  member{"token", &token}, member{"received", &received}, member{"data", &data}})
                if (name == known) *view = json_unquoted(value);
        });
    }

    /// A member of `data`.
    std::string_view inner(std::string_view name) const { return json_unquoted(json_member(data, name)); }

private:
    struct member {
        std::string_view name;
        std::string_view* view;
    };
};

} // namespace sigfire::inline v0_1::test
