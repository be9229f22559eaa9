// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/sink.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Writes an object member by member. Names must be plain and distinct.
class json_object {
public:
    /// Adds a member with JSON as its value. Adds nothing if `value` is empty.
    json_object& json(std::string_view name, std::string_view value) {
        if (value.empty()) return *this;
        json_scanner text{value};
        sound_ = sound_ && text.first() != '\0' && !text.value().empty() && text.finished();
        member(name).raw(value);
        return *this;
    }

    /// Adds a member with a string; escapes `value`.
    json_object& text(std::string_view name, std::string_view value) {
        member(name).string(value);
        return *this;
    }

    /// Adds a member with a number.
    json_object& number(std::string_view name, std::uint64_t value) {
        member(name).number(value);
        return *this;
    }

    /// The object; empty if it has no members. If a value was not valid JSON, the result is not JSON either.
    std::string take() {
        if (text_.empty()) return {};
        return sound_ ? std::move(text_) + '}' : "{";
    }

private:
    // A writer for the value of the member `name`.
    json_writer<string_sink> member(std::string_view name) {
        json_writer out{string_sink{text_}};
        out.raw(text_.empty() ? "{\"" : ",\"");
        out.raw(name);
        out.literal("\":");
        return out;
    }

    std::string text_;
    bool sound_ = true;
};

} // namespace sigfire::inline v0_1::detail
