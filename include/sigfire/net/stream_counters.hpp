// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace sigfire::inline v0_1 {

/// Counters of a stream transport since its start, and its present load. A copy: take it on the loop's
/// thread.
struct stream_counters {
    std::uint64_t accepted = 0;  ///< accepted connections
    std::uint64_t bytes_in = 0;  ///< received bytes, as the framing sees them
    std::uint64_t bytes_out = 0; ///< sent bytes
    std::uint64_t turns = 0;     ///< turns of the loop
    std::array<std::uint64_t, static_cast<std::size_t>(errc::ended) + 1>
        refused_by{};           ///< refused connections by cause; see `refused(errc)`
    std::size_t open = 0;       ///< admitted connections that are open
    std::size_t opening = 0;    ///< connections without an answer yet
    std::size_t unsent = 0;     ///< bytes that wait for slow peers, of all servers on the io_context
    std::size_t incomplete = 0; ///< received bytes that are not delivered yet

    /// Connections that were refused for `cause`. `denied` counts those that the sink refused.
    std::uint64_t refused(errc cause) const noexcept { return refused_by[static_cast<std::size_t>(cause)]; }
};

} // namespace sigfire::inline v0_1
