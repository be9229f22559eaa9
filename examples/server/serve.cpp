// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The only translation unit with the hub and its listeners: another one would compile the hub again.

#include "serve.hpp"
#include "doors.hpp"
#include "listeners.hpp"
#include "live_settings.hpp"
#include "operation.hpp"
#include "service_manager.hpp"
#include "worker_channel.hpp"

#include <sigfire/net/activation.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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

// Some descriptors stay free for the log, files and connections to other services.
sigfire::gate_options gate_of(const settings& s) {
    auto out = s.gate;
    rlimit limit{};
    if (out.connections == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        out.connections = limit.rlim_cur > 128 ? limit.rlim_cur - 64 : limit.rlim_cur / 2;
    return out;
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

// The address as `--listen` takes it, without a query.
std::string url_of(const endpoint& e) {
    const std::string tls = e.tls ? (e.kind == wire::websocket ? "s" : "tls+") : "";
    if (e.kind == wire::unix_socket) return tls + "unix:" + e.host;
    const bool v6 = e.host.find(':') != e.host.npos;
    return (e.kind == wire::websocket ? "ws" + tls : tls + "tcp") + "://" +
           (v6 ? '[' + e.host + ']' : e.host) + ':' + std::to_string(e.port);
}

program_hub hub_of(const settings& s, const json_log& log, const shared_settings& live,
                   const token_gate& gate, const doors& admission, const sigfire::gate& connections) {
    return program_hub{
        {},
        {},
        mailbox_for_others(s),
        log,
        sigfire::hooks{live_origins{live}, connection_log{log}, gate, admission, live_configuration{live},
                       sigfire::rate_limit{rates(s.message_rate, s.message_burst)}, connections},
        features_of(s, gate),
        gate.policy()};
}

} // namespace

int serve(const loaded_settings& loaded, settings_reader reread) {
    const auto& s = loaded.values;
    raise_descriptor_limit();
    // They read the environment, so no other thread runs yet.
    service_manager manager;
    const auto endpoints = endpoints_of(s);
    boost::asio::io_context io{1};
    const json_log log{{.level = s.level, .rate = s.log_rate, .buffer = s.log_buffer}};
    const auto live = live_settings_of(s);
    const token_gate gate{io, s, log};
    const doors admission{io, s, log};
    const sigfire::gate connections{gate_of(s)};
    program_hub peers = hub_of(s, log, live, gate, admission, connections);
    operation::listener_list listeners;
    for (const auto& e : endpoints) {
        listeners.push_back(make_listener(io, e, s, peers, log, live, connections));
        sigfire::error_code ec;
        listeners.back()->open(ec);
        if (ec) {
            std::cerr << "sigfire: cannot listen on " << listeners.back()->address() << ": " << ec.message()
                      << hint(ec, e, s) << '\n';
            return 1;
        }
    }
    operation run{io, loaded, std::move(reread), live, peers, listeners, log, manager};
    run.at_reload.push_back([&gate, &admission] {
        gate.reload();
        admission.reload();
    });
    run.at_stop.push_back([&gate, &admission] {
        gate.stop();
        admission.stop();
    });
    worker_channel parent{io, run};
    run.start();
    // Only now: a program that reads this line may send a signal at once.
    std::vector<std::string> addresses;
    for (const auto& l : listeners) addresses.push_back(l->address());
    for (const auto& a : addresses) std::cout << "listening on " << a << '\n';
    std::cout.flush();
    parent.started(addresses);
    io.run();
    return 0;
}

std::vector<listener_trial> try_listeners(const settings& s) {
    boost::asio::io_context io{1};
    const json_log log{{.level = spdlog::level::off}};
    const auto live = std::make_shared<live_settings>();
    const token_gate gate{io, {}, log}; // what these need is checked by itself
    const doors admission{io, {}, log};
    const sigfire::gate connections;
    program_hub peers = hub_of(s, log, live, gate, admission, connections);
    operation::listener_list held; // until the end, so that an address that is used twice is found
    std::vector<listener_trial> out;
    for (const auto& e : s.endpoints) {
        const bool page =
            e.kind == wire::websocket && (e.clients == family::all || e.clients == family::sigfire);
        auto& trial = out.emplace_back(listener_trial{url_of(e), {}, page});
        try {
            held.push_back(make_listener(io, e, s, peers, log, live, connections));
            sigfire::error_code ec;
            held.back()->open(ec);
            if (ec) trial.error = ec.message() + hint(ec, e, s);
        } catch (const std::exception& error) {
            trial.error = error.what();
            if (trial.error.starts_with("sigfire: ")) trial.error.erase(0, 9);
        }
    }
    return out;
}
