// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/utf8.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

/// The common part of the wires of other systems.
namespace sigfire::inline v0_1::detail {

/// The first offered sub-protocol, or empty. The `ws` library for Node.js echoes the same one.
inline std::string first_subprotocol(const request& rq) {
    std::string first;
    rq.any_subprotocol([&first](std::string_view offered) {
        first = offered;
        return true;
    });
    return first;
}

/// How to end a connection of a client that only knows the close codes of RFC 6455.
inline ending plain_ending(errc why) noexcept {
    const std::string_view text = to_string(why);
    switch (why) {
    case errc::closed: return {400, 1000, {}};
    case errc::lost:
    case errc::pong_timeout: return {408, 0, text}; // the other side can no longer read
    case errc::stopping: return {503, 1001, text};
    case errc::protocol_violation: return {400, 1002, text};
    case errc::bad_utf8: return {400, 1007, text};
    case errc::too_large: return {413, 1009, text};
    case errc::overloaded:
    case errc::slow_consumer: return {503, 1013, text};
    case errc::handshake_timeout: return {503, 1013, text};
    case errc::internal_error: return {500, 1011, text};
    case errc::denied:
    case errc::forbidden_origin: return {403, 1008, text};
    case errc::id_in_use: return {409, 1008, text};
    case errc::version_not_supported:
    case errc::upgrade_required: return {426, 1008, text};
    case errc::header_too_large: return {431, 1008, text};
    case errc::rate:
    case errc::flood: return {429, 1008, text};
    default: return {400, 1008, text};
    }
}

/** Whether `e`, an event with `data` and `whole`, still has its original payload: the payload lies in the
 *  message. A hook may have replaced the payload. */
template <class E>
bool has_own_payload(const E& e) noexcept {
    const std::string_view whole = e.whole.view(), part = e.data.bytes;
    return part.empty() || (std::less_equal<>{}(whole.data(), part.data()) &&
                            std::less_equal<>{}(part.data() + part.size(), whole.data() + whole.size()));
}

/** The error for a message that is not a JSON object, on a wire that ignores such messages: `bad_utf8` for
 *  text that is not UTF-8, else `ok`. */
inline errc ignored(message m) noexcept {
    return m.type == message_type::text && !is_utf8(m.view()) ? errc::bad_utf8 : errc::ok;
}

/// Reads the next value, a member's, into `view`. Returns false if the value is not valid.
inline bool read_value(json_scanner& text, std::string_view& view) noexcept {
    view = text.value();
    return !view.empty();
}

/** Reads the next value of `text`, an object. `find(name)` returns a pointer for a known member, or null. For
 *  a known member, `read(pointer)` reads the value from `text` and returns whether it is valid. Names may
 *  have escapes.
 *  @return the JSON of the object; empty if it is not valid */
template <class Find, class Read>
std::string_view read_object(json_scanner& text, Find find, Read read) noexcept {
    return text.object([&](std::string_view name) {
        auto* member = find(name);
        if (member == nullptr) [[unlikely]] {
            char buffer[24];
            member = find(json_unescape(name, buffer, sizeof buffer));
        }
        return member != nullptr ? read(member) : !text.value().empty();
    });
}

/** The decoded text of the string `raw`; empty if `raw` is not a string, or the text does not fit in
 *  `buffer`. */
template <std::size_t N>
std::string_view text_of(std::string_view raw, char (&buffer)[N]) noexcept {
    return is_json_string(raw) ? json_unescape(json_contents(raw), buffer, N) : std::string_view{};
}

/// The same for a string that can be a name: at most 256 bytes.
inline std::string_view name_of(std::string_view raw, char (&buffer)[json_name_room]) noexcept {
    const auto text = text_of(raw, buffer);
    return text.size() <= 256 ? text : std::string_view{};
}

/** Calls `f(element)` for each element of the checked `array`, until `f` returns false. Does nothing if
 *  `array` is not an array. */
template <class F>
void each_element(std::string_view array, F f) {
    if (array.empty() || array[0] != '[') return;
    for (auto rest = array.substr(1);;) { // ends in a bracket, as the scanner needs
        json_scanner text{rest, true};
        if (text.first() == ',') {
            rest.remove_prefix(text.offset() + 1);
            continue;
        }
        if (text.first() == ']' || text.first() == '\0') return;
        const auto value = text.value();
        if (value.empty() || !f(value)) return;
        rest.remove_prefix(text.offset());
    }
}

} // namespace sigfire::inline v0_1::detail
