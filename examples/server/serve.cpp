// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The only translation unit with the hub and its listeners: another one would compile the hub again.

#include "serve.hpp"
#include "doors.hpp"
#include "listeners.hpp"

#include <sigfire/net/activation.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>

namespace {

// Each peer needs a descriptor; the soft limit is often 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

// The endpoints, on the sockets of the service manager if it passes any. The numbers and the order must
// match. If the settings name no endpoint, each socket gets a default one. Throws if the sockets do not
// match.
std::vector<endpoint> endpoints_of(const settings& s) {
    const auto passed = sigfire::activated_sockets();
    if (passed.empty()) return s.endpoints;
    auto out = s.endpoints;
    if (s.default_endpoint) out.assign(passed.size(), {});
    if (out.size() != passed.size())
        throw std::runtime_error{"the service manager passes " + std::to_string(passed.size()) +
                                 " sockets, but the number of --listen and --port options is " +
                                 std::to_string(out.size())};
    for (std::size_t i = 0; i < out.size(); ++i) {
        sockaddr_storage bound{};
        socklen_t size = sizeof bound;
        if (::getsockname(passed[i].descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0)
            throw std::runtime_error{"descriptor " + std::to_string(passed[i].descriptor) +
                                     " is not a socket"};
        const bool is_unix = bound.ss_family == AF_UNIX;
        if (s.default_endpoint && is_unix) out[i].kind = wire::unix_socket;
        if (is_unix != (out[i].kind == wire::unix_socket))
            throw std::runtime_error{"passed socket " + std::to_string(i + 1) + " is " +
                                     (is_unix ? "a" : "not a") + " Unix socket, unlike endpoint " +
                                     std::to_string(i + 1) + " of --listen"};
        out[i].descriptor = passed[i].descriptor;
    }
    return out;
}

// A hint for the error `ec`, or an empty text.
std::string hint(sigfire::error_code ec, const endpoint& e, const settings& s) {
    if (e.kind == wire::unix_socket) return {};
    const auto any = [](const std::string& host) { return host == "::" || host == "0.0.0.0"; };
    const bool beside = std::any_of(s.endpoints.begin(), s.endpoints.end(), [&](const endpoint& other) {
        return any(other.host) && other.host != e.host && other.port == e.port;
    });
    if (ec == boost::asio::error::invalid_argument)
        return " (the host must be a numeric address or localhost)";
    if (ec == boost::asio::error::address_in_use && any(e.host) && beside)
        return " ([::] accepts IPv4 connections too; remove 0.0.0.0)";
    return {};
}

// Checks the certificates now and once a day.
void watch_certificates(boost::asio::steady_timer& timer,
                        const std::vector<std::unique_ptr<any_listener>>& all) {
    for (const auto& l : all) l->check_validity();
    timer.expires_after(std::chrono::hours{24});
    timer.async_wait([&](sigfire::error_code ec) {
        if (!ec) watch_certificates(timer, all);
    });
}

} // namespace

int serve(const settings& s) {
    raise_descriptor_limit();
    boost::asio::io_context io{1};
    const json_log log{s.level};
    const token_gate gate{io, s};
    const doors admission{io, s, log};
    program_hub peers{{},
                      {},
                      mailbox_for_others(s),
                      log,
                      sigfire::hooks{connection_log{log}, gate, admission},
                      features_of(s, gate),
                      gate.policy()};
    std::vector<std::unique_ptr<any_listener>> listeners;
    for (const auto& e : endpoints_of(s)) {
        listeners.push_back(make_listener(io, e, s, peers));
        sigfire::error_code ec;
        listeners.back()->open(ec);
        if (ec) {
            std::cerr << "sigfire: cannot listen on " << listeners.back()->address() << ": " << ec.message()
                      << hint(ec, e, s) << '\n';
            return 1;
        }
    }
    boost::asio::steady_timer daily{io};
    watch_certificates(daily, listeners);
    boost::asio::signal_set signals{io, SIGINT, SIGTERM}, hang_up{io, SIGHUP};
    auto open = listeners.size();
    // The first signal drains, the second one ends at once.
    std::function<void(sigfire::error_code, int)> on_signal = [&](sigfire::error_code ec, int) {
        if (ec) return;
        gate.stop();
        admission.stop();
        peers.stop(sigfire::errc::stopping);
        for (const auto& l : listeners)
            l->stop([&] {
                if (--open != 0) return;
                signals.cancel();
                hang_up.cancel();
                daily.cancel();
            });
        signals.async_wait(on_signal);
    };
    signals.async_wait(on_signal);
    std::function<void(sigfire::error_code, int)> on_hang_up = [&](sigfire::error_code ec, int) {
        if (ec) return;
        for (const auto& l : listeners) l->reload();
        gate.reload();
        admission.reload();
        watch_certificates(daily, listeners);
        hang_up.async_wait(on_hang_up);
    };
    hang_up.async_wait(on_hang_up);
    // Only now: a program that reads this line may send a signal at once.
    for (const auto& l : listeners) std::cout << "listening on " << l->address() << '\n';
    std::cout.flush();
    io.run();
    return 0;
}
