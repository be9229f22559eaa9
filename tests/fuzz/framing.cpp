// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes through every framing: nothing but an event list comes of it, the same one however they are cut.
// The first byte of the input chooses how to cut and which limits.
#include <sigfire/framing/length.hpp>
#include <sigfire/framing/line.hpp>
#include <sigfire/framing/websocket.hpp>
#include <sigfire/test/conformance.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

template <class F>
void run(std::string_view wire, unsigned how) {
    const framing_limits limits{.message = how & 0x80 ? 20u : 70'000u,
                                .idle_frames = how & 0x40 ? 3u : 1000u,
                                .check_utf8 = (how & 0x20) != 0};
    F whole;
    const auto expected = test::feed_in_pieces(whole, wire, wire.size(), 1, limits);
    require(whole.incomplete() <= 2 * wire.size() + 512);

    F cut;
    const std::size_t first = how & 0x1f;
    require(test::feed_in_pieces(cut, wire, first, 1 + (first * 7) % 64, limits) == expected);
    F bytes;
    require(test::feed_in_pieces(bytes, wire, 1, 1, limits) == expected);
    require(bytes.incomplete() <= 2 * wire.size() + 512);

    // Stopped at each event and fed on: the same events, then the same error.
    F stopped;
    std::string copy(wire);
    test::framing_record record;
    auto error = errc::ok;
    for (std::span<char> rest(copy); !rest.empty() && error == errc::ok;) {
        record.stop_after = record.events.size() + 1;
        const auto progress = stopped.feed(rest, limits, record);
        require(progress.consumed <= rest.size());
        require(progress.consumed != 0 || progress.error != errc::ok);
        error = progress.error;
        rest = rest.subspan(progress.consumed);
    }
    if (error != errc::ok) record.events.emplace_back(to_string(error));
    require(record.events == expected);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
    run<framing::websocket<framing::role::server>>(wire, data[0]);
    run<framing::websocket<framing::role::client>>(wire, data[0]);
    run<framing::length>(wire, data[0]);
    run<framing::line>(wire, data[0]);
    return 0;
}
