// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "listener_of.hpp"

#include <sigfire/net/tls.hpp>

std::unique_ptr<any_listener> make_tls_listener(boost::asio::io_context& io, const endpoint& e,
                                                const settings& s, program_hub& h) {
    return with_transport(io, e, s, [&](auto transport) -> std::unique_ptr<any_listener> {
        using secured = sigfire::tls<decltype(transport)>;
        return std::make_unique<listener_of<secured>>(secured{std::move(transport), s.tls}, e, s, h);
    });
}
