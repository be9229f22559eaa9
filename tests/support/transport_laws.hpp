// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "stream_peer.hpp"

#include <sigfire/test/transport_laws.hpp>

#include <boost/test/unit_test.hpp>

namespace stream_test {

/// The laws over real sockets: `T` over the io_context, `Framing` of the peers, `Layer` beneath it.
template <class Framing, class T, class Layer = no_layer>
void check_laws(
    boost::asio::io_context& io, const T& transport, std::size_t message, std::size_t outbox,
    std::function<Layer()> layer = [] { return no_layer{}; }) {
    using one = peer<Framing, Layer>;
    test::transport_laws(
        transport, message, outbox, [&](const std::string& address) { return one{io, address, layer()}; },
        [&](auto condition) { return drive(io, &one::pump, std::move(condition)); },
        [](bool holds, const char* law) { BOOST_TEST(holds, law); });
}

} // namespace stream_test
