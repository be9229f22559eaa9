// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The only translation unit with the hub and its listeners: each more would compile the hub again.

#include "serve.hpp"
#include "listeners.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include <sys/resource.h>

namespace {

// Each peer is a descriptor; the soft limit is often 1024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace

int serve(const settings& s) {
    raise_descriptor_limit();
    boost::asio::io_context io{1};
    const json_log log{s.level};
    program_hub peers{
        {}, {}, mailbox_for_others(s), log, sigfire::hooks{connection_log{log}}, features_of(s)};
    std::vector<std::unique_ptr<any_listener>> listeners;
    for (const auto& e : s.endpoints) {
        listeners.push_back(make_listener(io, e, s, peers));
        sigfire::error_code ec;
        listeners.back()->open(ec);
        if (ec) {
            std::cerr << "sigfire: cannot listen on " << listeners.back()->address() << ": " << ec.message()
                      << '\n';
            return 1;
        }
    }
    boost::asio::signal_set signals{io, SIGINT, SIGTERM}, hang_up{io, SIGHUP};
    auto open = listeners.size();
    // The first signal drains, the second one ends at once.
    std::function<void(sigfire::error_code, int)> on_signal = [&](sigfire::error_code ec, int) {
        if (ec) return;
        peers.stop(sigfire::errc::stopping);
        for (const auto& l : listeners)
            l->stop([&] {
                if (--open != 0) return;
                signals.cancel();
                hang_up.cancel();
            });
        signals.async_wait(on_signal);
    };
    signals.async_wait(on_signal);
    std::function<void(sigfire::error_code, int)> on_hang_up = [&](sigfire::error_code ec, int) {
        if (ec) return;
        for (const auto& l : listeners) l->reload();
        hang_up.async_wait(on_hang_up);
    };
    hang_up.async_wait(on_hang_up);
    // Only now: a program that reads this may send a signal at once.
    for (const auto& l : listeners) std::cout << "listening on " << l->address() << '\n';
    std::cout.flush();
    io.run();
    return 0;
}
