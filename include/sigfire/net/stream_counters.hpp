// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sigfire {

/// Counts of a stream transport's work so far, and of its present load. A copy: read it on the loop's thread.
struct stream_counters {
    std::uint64_t accepted = 0;  ///< connections taken
    std::uint64_t bytes_in = 0;  ///< received, as the framing sees them
    std::uint64_t bytes_out = 0; ///< sent
    std::uint64_t turns = 0;     ///< of the loop
    std::array<std::uint64_t, static_cast<std::size_t>(errc::ended) + 1>
        refused_by{};           ///< connections that were never let in, by cause: `refused(errc)`
    std::size_t open = 0;       ///< connections that were let in
    std::size_t opening = 0;    ///< connections that are not answered yet
    std::size_t unsent = 0;     ///< bytes that peers do not take, of all servers on the io_context
    std::size_t incomplete = 0; ///< bytes that came and are not delivered

    /// Connections that were refused for that cause; `denied` counts those that the sink refused.
    std::uint64_t refused(errc cause) const noexcept { return refused_by[static_cast<std::size_t>(cause)]; }
};

} // namespace sigfire
