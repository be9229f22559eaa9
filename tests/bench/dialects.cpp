// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestants on foreign wires, one program: `bench_dialects peerjs|socket-signal|y-webrtc PORT`. Each is
// a server with one listener, and with those parts that its dialect asks for.
#include "contestant.hpp"

#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/dialect/socket_signal.hpp>
#include <sigfire/dialect/y_webrtc.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>

#include <string_view>

int main(int argc, char** argv) {
    using namespace sigfire;
    const std::string_view name = argc > 1 ? argv[1] : "";
    if (name == "peerjs") {
        const dialect::peerjs_options o;
        mailbox_limits limits;
        limits.expiry_interval = o.cleanup_out_msgs;
        return run_contestant(argc - 1, argv + 1, dialect::peerjs{o},
                              mailbox{direct_router{}, o.expire_timeout, limits}, identity{}, heartbeat{});
    }
    if (name == "socket-signal")
        return run_contestant(argc - 1, argv + 1, dialect::socket_signal{}, topics{}, requests{}, identity{});
    if (name == "y-webrtc") return run_contestant(argc - 1, argv + 1, dialect::y_webrtc{}, topics{});
    std::fprintf(stderr, "dialects: peerjs, socket-signal, y-webrtc\n");
    return 2;
}
