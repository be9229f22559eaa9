// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "connection_log.hpp"
#include "doors.hpp"
#include "json_log.hpp"
#include "live_settings.hpp"
#include "parts.hpp"
#include "serve_page.hpp"
#include "settings.hpp"
#include "token_gate.hpp"
#include "wires.hpp"

#include <sigfire/admission/gate.hpp>
#include <sigfire/admission/rate_limit.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/listener.hpp>
#include <sigfire/net/proxied.hpp>
#include <sigfire/net/tcp.hpp>
#include <sigfire/net/tls.hpp>
#include <sigfire/net/unix_socket.hpp>
#include <sigfire/net/websocket.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

using program_hub = sigfire::hub<sigfire::local_registry, sigfire::mailbox<>, sigfire::any_channel, json_log,
                                 sigfire::hooks<live_origins, connection_log, token_gate, doors,
                                                live_configuration, sigfire::rate_limit, sigfire::gate>,
                                 program_features, sigfire::granted>;

/// A listener of any transport.
struct any_listener {
    virtual ~any_listener() = default;
    virtual void open(sigfire::error_code&) = 0;
    virtual std::string address() const = 0;
    virtual void stop(std::function<void()>) = 0;
    /// Reads certificates again, if the listener has any. If they cannot be used, the old ones stay in use.
    /// Logs the result.
    virtual void reload() = 0;
    /// Logs a warning if a certificate expires in less than 14 days. Logs an error if a certificate has
    /// expired, or is not valid yet.
    virtual void check_validity() const = 0;
};

template <class Transport>
struct listener_of final : any_listener {
    listener_of(Transport chosen, const endpoint& e, const settings& s, program_hub& h, json_log l,
                const shared_settings& live)
        : transport{chosen}, listener{std::move(chosen), program_wires{wires_of(e.clients, s), live}, h,
                                      plain_http{e.clients == family::all || e.clients == family::sigfire}},
          log{std::move(l)} {}

    void open(sigfire::error_code& ec) override { listener.open(ec); }
    std::string address() const override { return listener.address(); }
    void stop(std::function<void()> done) override {
        listener.stop(std::chrono::seconds{5}, std::move(done));
    }
    void reload() override {
        if constexpr (requires { transport.reload(); }) {
            const auto where = address();
            try {
                transport.reload();
                const sigfire::log_field fields[] = {{"address", where}};
                log(sigfire::log_level::info, "certificates_reloaded", fields);
            } catch (const std::exception& e) {
                const sigfire::log_field fields[] = {{"address", where}, {"reason", e.what()}};
                log(sigfire::log_level::error, "certificates_not_reloaded", fields);
            }
        }
    }
    void check_validity() const override {
        if constexpr (requires { transport.validity(); }) {
            const auto [begin, end] = transport.validity();
            const auto now = std::chrono::system_clock::now();
            const auto tell = [&](sigfire::log_level level, std::string_view event, auto distance) {
                const auto days = std::to_string(std::chrono::floor<std::chrono::days>(distance).count());
                const auto where = address();
                const sigfire::log_field fields[] = {{"address", where}, {"days", days}};
                log(level, event, fields);
            };
            if (begin > now) tell(sigfire::log_level::error, "certificate_not_valid_yet", begin - now);
            if (end <= now)
                tell(sigfire::log_level::error, "certificate_expired", end - now);
            else if (end - now <= std::chrono::days{14})
                tell(sigfire::log_level::warn, "certificate_expires_soon", end - now);
        }
    }

    Transport transport; // a description: it shares its certificates with the listener's
    sigfire::listener<Transport, program_wires, program_hub, plain_http> listener;
    json_log log;
};

/// A listener over this transport, with TLS if the endpoint asks for it.
template <class Transport>
std::unique_ptr<any_listener> below_tls(Transport t, const endpoint& e, const settings& s, program_hub& h,
                                        const json_log& log, const shared_settings& live) {
    if (!e.tls) return std::make_unique<listener_of<Transport>>(std::move(t), e, s, h, log, live);
    auto options = s.tls;
    options.on_failure = [log](std::string_view remote, std::string_view why) {
        const sigfire::log_field fields[] = {{"remote", remote}, {"reason", why}};
        log(sigfire::log_level::debug, "tls_failed", fields); // `connection_refused` reports the refusal
    };
    using secured = sigfire::tls<Transport>;
    return std::make_unique<listener_of<secured>>(secured{std::move(t), std::move(options)}, e, s, h, log,
                                                  live);
}

/// A listener over this transport, with PROXY headers and TLS if the endpoint asks for them.
template <class Transport>
std::unique_ptr<any_listener> listener_over(Transport t, const endpoint& e, const settings& s, program_hub& h,
                                            const json_log& log, const shared_settings& live) {
    if (!e.proxied) return below_tls(std::move(t), e, s, h, log, live);
    return below_tls(sigfire::proxied{std::move(t), {.proxies = s.proxies}}, e, s, h, log, live);
}

/// The limits of a transport. With the budgets of the hub, all of them together stay below 1 GB.
inline sigfire::stream_limits limits_of(const settings& s) {
    sigfire::stream_limits out;
    out.incomplete = std::size_t{128} << 20;
    out.unsent = std::size_t{384} << 20;
    out.bytes_per_second = s.bytes_per_second;
    return out;
}

/// The listener of an endpoint.
inline std::unique_ptr<any_listener> make_listener(boost::asio::io_context& io, const endpoint& e,
                                                   const settings& s, program_hub& h, const json_log& log,
                                                   const shared_settings& live, const sigfire::gate& gate) {
    switch (e.kind) {
    case wire::websocket: {
        sigfire::websocket_options o{.address = e.host, .port = e.port, .descriptor = e.descriptor};
        if (!e.proxied) o.proxies = s.proxies;
        o.path = e.path;
        o.forwarded_by = s.forwarded_by;
        o.limits = limits_of(s);
        o.limits.header = s.header;
        o.limits.ping_interval = s.ping;
        o.gate = gate;
        if (s.ping.count() != 0) o.limits.silence_timeout = 2 * s.ping;
        return listener_over(sigfire::websocket{io, std::move(o)}, e, s, h, log, live);
    }
    case wire::tcp: {
        sigfire::tcp_options o{
            .address = e.host, .port = e.port, .descriptor = e.descriptor, .hello = e.hello};
        o.limits = limits_of(s);
        o.gate = gate;
        return listener_over(sigfire::tcp{io, std::move(o)}, e, s, h, log, live);
    }
    case wire::unix_socket: break;
    }
    sigfire::unix_socket_options o{.path = e.host, .descriptor = e.descriptor, .hello = e.hello};
    o.limits = limits_of(s);
    o.gate = gate;
    return listener_over(sigfire::unix_socket{io, std::move(o)}, e, s, h, log, live);
}
