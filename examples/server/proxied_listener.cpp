// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "listener_of.hpp"

#include <sigfire/net/proxied.hpp>

std::unique_ptr<any_listener> make_proxied_listener(boost::asio::io_context& io, const endpoint& e,
                                                    const settings& s, program_hub& h) {
    return with_transport(io, e, s, [&](auto transport) -> std::unique_ptr<any_listener> {
        using proxied = sigfire::proxied<decltype(transport)>;
        return std::make_unique<listener_of<proxied>>(proxied{std::move(transport), {.proxies = s.proxies}},
                                                      e, s, h);
    });
}
