// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Codec requirements not met
#include "models.hpp"

// It has words for nothing but what the hub itself says.
struct codec : models::codec {
#ifdef RIGHT
    using models::codec::bound;
#else
    std::size_t bound(const sigfire::event::welcome&, const state&) const { return 0; }
    std::size_t bound(const sigfire::event::reply&, const state&) const { return 0; }
#endif
};

struct connection : models::connection {
    sigfire::connection_state<codec>& state() { return state_; }

    sigfire::connection_state<codec> state_;
};

template class sigfire::channel<connection, codec>;
