// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_message has the wrong signature: expected errc on_message(message_context&,
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct hook {
#ifdef RIGHT
    sigfire::errc on_message(sigfire::message_context&, sigfire::event::send&) { return {}; }
#else
    void on_message(sigfire::message_context&, sigfire::event::send&) {}
#endif
};

void serve(boost::asio::io_context& io) {
    sigfire::server srv{sigfire::loopback{io}, sigfire::hooks{hook{}}};
}
