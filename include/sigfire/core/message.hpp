// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <span>
#include <string_view>

namespace sigfire::inline v0_1 {

/// How the sender marked a message. Wires without such a mark deliver `text`.
enum class message_type : unsigned char {
    text = 1,  ///< UTF-8 text
    binary = 2 ///< any bytes
};

/** One complete message on the wire.
 *
 *  The bytes are lent: the function that takes the message may read and change them until that function
 *  returns. Code that needs the bytes longer copies them. */
struct message {
    std::span<char> bytes;                  ///< the payload, without framing
    message_type type = message_type::text; ///< the sender's mark

    /// The bytes as a view, valid as long as `bytes`.
    constexpr std::string_view view() const noexcept { return {bytes.data(), bytes.size()}; }
};

} // namespace sigfire::inline v0_1
