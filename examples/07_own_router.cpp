// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A router of your own: a message with the target `*` goes to all other peers. Any other target is one peer.

#include <sigfire/sigfire.hpp>

#include <iostream>

struct everybody_router {
    sigfire::direct_router one;

    template <class Registry, class To>
    sigfire::errc route(const Registry& registry, sigfire::peer_handle from, const sigfire::event::send& e,
                        To to) {
        if (e.to != "*") return one.route(registry, from, e, to);
        bool anybody = false;
        registry.for_each_peer([&](std::string_view, sigfire::peer_handle peer) {
            if (peer == from) return;
            anybody = true;
            to(peer);
        });
        return anybody ? sigfire::errc::ok : sigfire::errc::unknown;
    }
};
static_assert(sigfire::Router<everybody_router>);

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, everybody_router{}};

    int heard = 0;
    auto ann = net.connect(), bob = net.connect(), cas = net.connect();
    const auto listen = [&](const char* name) {
        return [&, name](sigfire::message m) {
            std::cout << name << ": " << m.view() << '\n';
            if (m.view().find("origin") != m.view().npos && ++heard == 2) srv.stop();
        };
    };
    ann.on_message(listen("ann"));
    bob.on_message(listen("bob"));
    cas.on_message(listen("cas"));
    ann.send(R"({"cmd":"ice","target":"*","id":"1","data":{"candidate":{"candidate":""}}})");
    io.run();
    return heard != 2;
}
