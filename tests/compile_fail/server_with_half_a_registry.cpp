// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this Registry lacks peer_handle find(std::string_view id) const
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

struct registry {
    bool insert(std::string_view, sigfire::peer_handle) { return true; }
    bool erase(std::string_view) { return true; }
#ifdef RIGHT
    sigfire::peer_handle find(std::string_view) const { return {}; }
#else
    sigfire::peer_handle find(std::string_view) { return {}; }
#endif
    std::size_t size() const { return 0; }
    void for_each_peer(auto) const {}
};

template class sigfire::server<sigfire::loopback, registry>;
