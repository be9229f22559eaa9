// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <utility>

/// A server on this transport with these parts, that can say how much heap it uses. Runs until SIGTERM.
template <class Transport, class... Parts>
int run_server(boost::asio::io_context& ioc, Transport transport, Parts... parts) {
    sigfire::server srv{std::move(transport), std::move(parts)...};

    boost::asio::signal_set end{ioc, SIGTERM, SIGINT}, report{ioc, SIGUSR1};
    end.async_wait([&](auto, int) { ioc.stop(); });
    auto heap = [&](auto self) -> void {
        report.async_wait([self](auto error, int) {
            if (error) return;
            std::fprintf(stderr, "heap %zu\n", mallinfo2().uordblks);
            self(self);
        });
    };
    heap(heap);
    std::printf("listening on %s\n", srv.address().c_str());
    std::fflush(stdout);
    ioc.run();
    return 0;
}

/// One with these parts that serves `ws://`, on the port given.
template <class... Parts>
int run_contestant(int argc, char** argv, Parts... parts) {
    boost::asio::io_context ioc{1};
    const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
    return run_server(ioc, sigfire::websocket{ioc, {.port = port}}, std::move(parts)...);
}
