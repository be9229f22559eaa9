// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "connection_log.hpp"
#include "json_log.hpp"
#include "parts.hpp"
#include "settings.hpp"

#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

using program_hub = sigfire::hub<sigfire::local_registry, sigfire::mailbox<>, sigfire::any_channel, json_log,
                                 sigfire::hooks<connection_log>, program_features>;

/// A listener of any transport.
struct any_listener {
    virtual ~any_listener() = default;
    virtual void open(sigfire::error_code&) = 0;
    virtual std::string address() const = 0;
    virtual void stop(std::function<void()>) = 0;
    /// Reads certificates again, if it has any. Says on stderr why not, and goes on with the old ones.
    virtual void reload() = 0;
};

/// A translation unit each, since most of the compiler's time goes into these.
std::unique_ptr<any_listener> make_plain_listener(boost::asio::io_context&, const endpoint&, const settings&,
                                                  program_hub&);
std::unique_ptr<any_listener> make_tls_listener(boost::asio::io_context&, const endpoint&, const settings&,
                                                program_hub&);
std::unique_ptr<any_listener> make_proxied_listener(boost::asio::io_context&, const endpoint&,
                                                    const settings&, program_hub&);
std::unique_ptr<any_listener> make_tls_proxied_listener(boost::asio::io_context&, const endpoint&,
                                                        const settings&, program_hub&);

/// The one that an endpoint asks for.
inline std::unique_ptr<any_listener> make_listener(boost::asio::io_context& io, const endpoint& e,
                                                   const settings& s, program_hub& h) {
    if (e.proxied) return e.tls ? make_tls_proxied_listener(io, e, s, h) : make_proxied_listener(io, e, s, h);
    return e.tls ? make_tls_listener(io, e, s, h) : make_plain_listener(io, e, s, h);
}
