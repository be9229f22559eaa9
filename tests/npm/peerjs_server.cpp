// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// A PeerJS server for the ring of the same name: `peerjs_server [OPTION=VALUE...]`, options as in PeerServer.
// Listens on a port of the system's choice, which it prints, until SIGTERM.
#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/net/websocket.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace {

bool set(sigfire::dialect::peerjs_options& o, std::string_view name, const std::string& value) {
    const std::chrono::milliseconds time{std::atoi(value.c_str())};
    if (name == "path")
        o.path = value;
    else if (name == "key")
        o.key = value;
    else if (name == "allow_discovery")
        o.allow_discovery = value == "true";
    else if (name == "concurrent_limit")
        o.concurrent_limit = static_cast<std::size_t>(time.count());
    else if (name == "alive_timeout")
        o.alive_timeout = time;
    else if (name == "expire_timeout")
        o.expire_timeout = time;
    else if (name == "cleanup_out_msgs")
        o.cleanup_out_msgs = time;
    else
        return false;
    return true;
}

} // namespace

int main(int argc, char** argv) {
    using namespace sigfire;
    dialect::peerjs_options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view text = argv[i];
        const auto equals = text.find('=');
        if (equals == text.npos ||
            !set(options, text.substr(0, equals), std::string{text.substr(equals + 1)})) {
            std::cerr << "peerjs_server: what is " << text << "?\n";
            return 2;
        }
    }
    boost::asio::io_context io;
    mailbox_limits bounds;
    bounds.expiry_interval = options.cleanup_out_msgs;
    websocket_options where;
    where.port = 0;
    server srv{sigfire::websocket{io, where}, dialect::peerjs{options},
               mailbox{direct_router{}, options.expire_timeout, bounds}, identity{}, heartbeat{}};
    boost::asio::signal_set signals{io, SIGTERM, SIGINT};
    signals.async_wait([&](auto, int) { srv.stop(); });
    std::cout << "listening on " << srv.address() << std::endl;
    io.run();
}
