// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "any_listener.hpp"
#include "serve_page.hpp"
#include "wires.hpp"

#include <sigfire/listener.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

template <class Transport>
struct listener_of final : any_listener {
    listener_of(Transport chosen, const endpoint& e, const settings& s, program_hub& h)
        : transport{chosen}, listener{std::move(chosen), wires_of(e.clients, s), h,
                                      plain_http{e.clients == family::all || e.clients == family::sigfire}} {}

    void open(sigfire::error_code& ec) override { listener.open(ec); }
    std::string address() const override { return listener.address(); }
    void stop(std::function<void()> done) override {
        listener.stop(std::chrono::seconds{5}, std::move(done));
    }
    void reload() override {
        if constexpr (requires { transport.reload(); }) {
            try {
                transport.reload();
            } catch (const std::exception& e) {
                std::cerr << "sigfire: the certificates of " << address()
                          << " stay as they were: " << e.what() << '\n';
            }
        }
    }

    Transport transport; // a description: it shares its certificates with the listener's
    sigfire::listener<Transport, wires, program_hub, plain_http> listener;
};

/// `f(transport)` with the transport that an endpoint asks for, without TLS.
template <class F>
std::unique_ptr<any_listener> with_transport(boost::asio::io_context& io, const endpoint& e,
                                             const settings& s, F f) {
    switch (e.kind) {
    case wire::websocket: {
        sigfire::websocket_options o{.address = e.host, .port = e.port, .origins = s.origins};
        if (!e.proxied) o.proxies = s.proxies;
        o.limits.ping = s.ping;
        if (s.ping.count() != 0) o.limits.dead = 2 * s.ping;
        return f(sigfire::websocket{io, std::move(o)});
    }
    case wire::tcp: return f(sigfire::tcp{io, {.address = e.host, .port = e.port}});
    case wire::unix_socket: break;
    }
    return f(sigfire::unix_socket{io, {.path = e.host}});
}
