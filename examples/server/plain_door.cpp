// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "door_of.hpp"

std::unique_ptr<door> make_plain_door(boost::asio::io_context& io, const endpoint& e, const settings& s,
                                      program_hub& h) {
    return with_transport(io, e, s, [&](auto transport) -> std::unique_ptr<door> {
        return std::make_unique<door_of<decltype(transport)>>(std::move(transport), e, s, h);
    });
}
