// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "form.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// The sender of a message, or its receiver. The two of a pair have one room.
struct party {
    std::string id, room;
};

/// The kind that a message turned out to be.
enum class heard {
    nonsense,
    relayed,     ///< what the other of the pair has sent
    acknowledged ///< that the server has seen to it, as this wire says it
};

/// A message judged, and its sender's number for it.
struct verdict {
    heard what = heard::nonsense;
    std::uint32_t number = 0;
};

/** The words of clients of one wire to a server, and the judgement of its words to them. Clients are
 *  numbered; those of 2k and 2k+1 are a pair. */
class wire {
public:
    virtual ~wire() = default;

    /// Of the request that opens the connection of a client.
    virtual std::string target(std::size_t) const { return "/socket"; }
    /// What the client says first, as frames: sent right behind that request.
    virtual std::string hello(std::size_t) const { return {}; }
    /// The identity of a client once it has been sent its first message, if that is the right one.
    virtual std::optional<party> greeted(std::string_view first, std::size_t number) const = 0;

    /// First byte of the frames in either direction.
    virtual char kind() const { return '\x81'; }
    /// Whether each message is acknowledged.
    virtual bool acknowledges() const { return true; }

    /// Appends the frame of message `n`.
    virtual void write(std::string& out, const party& from, const party& to, std::uint32_t n) const = 0;
    /// What `me` has been told; appends to `out`, as frames, what clients answer to that.
    virtual verdict judge(std::string_view got, const party& me, const party& other,
                          std::string& out) const = 0;

protected:
    /// Like one of crypto.randomUUID, and different for each number.
    static std::string uuid(std::size_t number) {
        return "6a9e1c0f-4f1d-4b6b-9a43-0000" + std::string(number_text{static_cast<std::uint32_t>(number)});
    }
    static verdict numbered(heard what, std::string_view text) {
        const auto n = read_number(text);
        return n ? verdict{what, *n} : verdict{};
    }
};

} // namespace bench
