// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// Asio itself has functions of these names: it comes before the framework, as its users know.
#include <boost/asio.hpp>

#define signals public
#define slots
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)

#include <sigfire/admission/bearer.hpp>
#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/client.hpp>
#include <sigfire/client/boost_json.hpp>
#include <sigfire/client/msgpack.hpp>
#include <sigfire/codec/any_of.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/dialect/signal_fire_2016.hpp>
#include <sigfire/dialect/socket_signal.hpp>
#include <sigfire/dialect/y_webrtc.hpp>
#include <sigfire/net/beast.hpp>
#include <sigfire/net/proxied.hpp>
#include <sigfire/rpc/rpc.hpp>
#include <sigfire/sigfire.hpp>

#include <cstdio>

int main() {
    boost::asio::io_context io;
    sigfire::server peers{sigfire::loopback{io}, sigfire::topics{}, sigfire::sessions{}};
    std::printf("sigfire %s: OK\n", sigfire::version);
}
