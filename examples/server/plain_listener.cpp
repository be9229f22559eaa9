// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "listener_of.hpp"

std::unique_ptr<any_listener> make_plain_listener(boost::asio::io_context& io, const endpoint& e,
                                                  const settings& s, program_hub& h) {
    return with_transport(io, e, s, [&](auto transport) -> std::unique_ptr<any_listener> {
        return std::make_unique<listener_of<decltype(transport)>>(std::move(transport), e, s, h);
    });
}
