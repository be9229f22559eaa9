// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A registry of your own: it keeps the ids in order, so a program can list them by name.

#include <sigfire/sigfire.hpp>

#include <iostream>
#include <map>

struct ordered_registry {
    std::map<std::string_view, sigfire::peer_handle> peers; // the hub keeps each id valid until erase

    bool insert(std::string_view id, sigfire::peer_handle h) { return peers.emplace(id, h).second; }
    bool erase(std::string_view id) { return peers.erase(id) != 0; }
    sigfire::peer_handle find(std::string_view id) const {
        const auto i = peers.find(id);
        return i == peers.end() ? sigfire::peer_handle{} : i->second;
    }
    std::size_t size() const { return peers.size(); }
    template <class F>
    void for_each_peer(F f) const {
        for (const auto& [id, handle] : peers) f(id, handle);
    }
};
static_assert(sigfire::Registry<ordered_registry>);

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, ordered_registry{}};

    sigfire::client ann{io}, bob{io};
    std::size_t online = 0;
    ann.connect(net, [&](sigfire::error_code, const sigfire::welcome&) {
        bob.connect(net, [&](sigfire::error_code, const sigfire::welcome&) {
            srv.post([&](auto& hub) {
                online = hub.size();
                std::cout << online << " peers, " << ann.id() << " is "
                          << (hub.find(ann.id()) ? "among them" : "lost") << '\n';
                srv.stop();
            });
        });
    });
    io.run();
    return online != 2;
}
