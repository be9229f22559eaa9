// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "listener_of.hpp"

#include <sigfire/net/proxied.hpp>
#include <sigfire/net/tls.hpp>

std::unique_ptr<any_listener> make_tls_proxied_listener(boost::asio::io_context& io, const endpoint& e,
                                                        const settings& s, program_hub& h) {
    return with_transport(io, e, s, [&](auto transport) -> std::unique_ptr<any_listener> {
        using proxied = sigfire::proxied<decltype(transport)>;
        using secured = sigfire::tls<proxied>;
        proxied behind{std::move(transport), {.proxies = s.proxies}};
        return std::make_unique<listener_of<secured>>(secured{std::move(behind), s.tls}, e, s, h);
    });
}
