// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>
#include <sigfire/text/sink.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::detail {

/// Writes an object member by member. Names are plain and differ.
class json_object {
public:
    /// A member that is JSON already, or none if `value` is empty.
    json_object& json(std::string_view name, std::string_view value) {
        if (value.empty()) return *this;
        json_scanner text{value};
        sound_ = sound_ && text.first() != '\0' && !text.value().empty() && text.finished();
        member(name).raw(value);
        return *this;
    }

    json_object& text(std::string_view name, std::string_view value) {
        member(name).string(value);
        return *this;
    }

    json_object& number(std::string_view name, std::uint64_t value) {
        member(name).number(value);
        return *this;
    }

    /// The object; empty if it has no members, and no JSON at all if one was none.
    std::string take() {
        if (text_.empty()) return {};
        return sound_ ? std::move(text_) + '}' : "{";
    }

private:
    // A writer for the value of a member of that name.
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

} // namespace sigfire::detail
