// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Registry requirements not met
#include "models.hpp"

#include <sigfire/hub/hub.hpp>

struct registry {
    bool insert(std::string_view, sigfire::peer_handle) { return true; }
#ifdef RIGHT
    bool erase(std::string_view) { return true; }
#endif
    sigfire::peer_handle find(std::string_view) const { return {}; }
    std::size_t size() const { return 0; }
    void for_each_peer(auto) const {}
};

template class sigfire::hub<registry, models::router, models::channel>;
