// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/string.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The decoded text of the JSON string `raw`; nothing if `raw` is no string, or has half of a surrogate pair.
inline std::optional<std::string> json_text(std::string_view raw) {
    if (!is_json_string(raw)) return {};
    auto text = json_string(raw);
    if (text.empty() && raw.size() != 2) return {};
    return text;
}

/** The time `raw`, a NumericDate (RFC 7519, section 2): seconds since 1970 (UTC), perhaps with a fraction.
 *  Fractions of a millisecond are cut off. Numbers with an exponent or a sign, and times after the year 9999,
 *  are errors. */
inline std::optional<std::chrono::sys_time<std::chrono::milliseconds>> json_time(std::string_view raw) {
    constexpr std::int64_t latest = 253'402'300'799;
    std::int64_t seconds = 0, fraction = 0;
    const auto dot = raw.find('.');
    const auto whole = raw.substr(0, dot);
    const auto [at, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
    if (whole.empty() || failed != std::errc{} || at != whole.data() + whole.size()) return {};
    if (whole.front() == '-' || seconds > latest) return {};
    if (dot != raw.npos) {
        const auto digits = raw.substr(dot + 1);
        if (digits.find_first_not_of("0123456789") != digits.npos) return {};
        for (std::size_t i = 0; i < 3; ++i)
            fraction = fraction * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    }
    return std::chrono::sys_time<std::chrono::milliseconds>{
        std::chrono::milliseconds{seconds * 1000 + fraction}};
}

/// The members of a JSON object. A name that occurs twice is an error, because readers would disagree on its
/// value. Views are valid as long as the text.
class json_fields {
public:
    /// Reads an object that is the whole text, with at most 256 members.
    static std::optional<json_fields> read(std::string_view text) {
        constexpr std::size_t most = 256;
        json_scanner scan{text};
        if (scan.first() != '{') return {};
        json_fields out;
        const auto whole = scan.object([&](std::string_view raw_name) {
            std::string room(raw_name.size() + 4, '\0');
            const auto name = json_unescape(raw_name, room.data(), room.size());
            const auto value = scan.value();
            if (value.empty() || (name.empty() && !raw_name.empty())) return false;
            if (out.has(name) || out.all_.size() == most) return false;
            out.all_.emplace_back(name, value);
            return true;
        });
        if (whole.empty() || !scan.finished()) return {};
        return out;
    }

    /// All members: name and JSON of the value, in the order of the text.
    const std::vector<std::pair<std::string, std::string_view>>& all() const noexcept { return all_; }

    /// The JSON of a member; empty = there is none.
    std::string_view raw(std::string_view name) const noexcept {
        for (const auto& [known, value] : all_)
            if (known == name) return value;
        return {};
    }

    bool has(std::string_view name) const noexcept { return !raw(name).empty(); }

    /// Reads a text into `out`, which stays unchanged without the member. Returns false if the value is no
    /// text.
    bool text(std::string_view name, std::string& out) const {
        if (!has(name)) return true;
        auto found = json_text(raw(name));
        if (found) out = *std::move(found);
        return found.has_value();
    }

    /// The same for `true` and `false`.
    bool boolean(std::string_view name, bool& out) const noexcept {
        const auto value = raw(name);
        if (value.empty()) return true;
        out = value == "true";
        return out || value == "false";
    }

    /// The same for a time, see `json_time`.
    bool time(std::string_view name,
              std::optional<std::chrono::sys_time<std::chrono::milliseconds>>& out) const {
        if (!has(name)) return true;
        out = json_time(raw(name));
        return out.has_value();
    }

    /// The same for a list of texts, with at most `most` elements.
    bool texts(std::string_view name, std::vector<std::string>& out, std::size_t most) const {
        const auto value = raw(name);
        if (value.empty()) return true;
        if (value.front() != '[') return false;
        bool sound = true;
        json_elements(value, [&](std::string_view element) {
            auto found = json_text(element);
            sound = sound && found && out.size() < most;
            if (sound) out.push_back(*std::move(found));
        });
        return sound;
    }

private:
    std::vector<std::pair<std::string, std::string_view>> all_;
};

} // namespace sigfire::inline v0_1::detail
