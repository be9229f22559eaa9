// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Another format than JSON for the messages of a client. A client composes and reads JSON; whole messages
/// are translated on their way. An interface, so that clients without such a format do without its code.
class client_format {
public:
    virtual ~client_format() = default;

    /// The sub-protocol to offer, and the one by which a WebSocket server agrees.
    virtual std::string_view subprotocol() const noexcept = 0;
    /// The message that says the same as `json`.
    virtual result<std::string> from_json(std::string_view json) const = 0;
    /// The JSON text that says the same as a message of the server: `malformed` if it is none.
    virtual result<std::string> to_json(std::string_view message) const = 0;
};

/// The translation of one connection. Without a format, messages pass as they are.
class client_translation {
public:
    client_translation() = default;
    explicit client_translation(std::shared_ptr<const client_format> format) : format_{std::move(format)} {}

    explicit operator bool() const noexcept { return static_cast<bool>(format_); }

    /// Of the format; empty without one.
    std::string_view subprotocol() const noexcept {
        return format_ ? format_->subprotocol() : std::string_view{};
    }

    /// How the client's messages are marked.
    message_type type() const noexcept { return format_ ? message_type::binary : message_type::text; }

    /// The message for `json`, which has passed `client_core::request`; valid until the next call.
    std::string_view to_send(std::string_view json) {
        if (!format_) return json;
        out_ = format_->from_json(json).value();
        return out_;
    }

    /// The message of the server in JSON, valid until the next call; an empty text, which is malformed, for
    /// one that cannot be translated.
    message received(message m) {
        if (!format_) return m;
        auto text = format_->to_json(m.view());
        in_ = text ? *std::move(text) : std::string{};
        return {in_, message_type::text};
    }

private:
    std::shared_ptr<const client_format> format_;
    std::string out_, in_;
};

} // namespace sigfire::inline v0_1::detail
