// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: Codec requirements not met
#include "models.hpp"

struct codec : models::codec {
#ifdef RIGHT
    std::size_t encode(const auto&, const state&, char*) const { return 0; }
#else
    std::size_t encode(const auto&, const state&, char*) { return 0; }
#endif
};

struct connection : models::connection {
    sigfire::connection_state<codec>& state() { return state_; }

    sigfire::connection_state<codec> state_;
};

template class sigfire::channel<connection, codec>;
