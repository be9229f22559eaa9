// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <span>
#include <string_view>

namespace sigfire {

/// How the sender marked a message. Wires without such a mark deliver `text`.
enum class message_type : unsigned char { text = 1, binary = 2 };

/** One whole unit on the wire.
 *
 *  The bytes are lent: they are valid, and may be changed in place, until the function that was handed the
 *  message returns. Code that needs them longer copies them. */
struct message {
    std::span<char> bytes;                  ///< the payload, without any framing
    message_type type = message_type::text; ///< as the sender marked it

    /// The bytes as a view.
    constexpr std::string_view view() const noexcept { return {bytes.data(), bytes.size()}; }
};

} // namespace sigfire
