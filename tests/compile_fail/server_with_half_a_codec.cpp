// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this Codec lacks int share_key(const state&) const
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

// Each of the members that a wire needs, but one.
struct codec {
    struct state {};
    static constexpr bool checks_utf8 = true;
    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return {}; }
    sigfire::errc decode(sigfire::message, state&, auto&&) { return {}; }
    std::size_t bound(const auto&, const state&) const { return 0; }
    std::size_t encode(const auto&, const state&, char*) const { return 0; }
    sigfire::message_type type(const auto&, const state&) const { return {}; }
    sigfire::ending end(sigfire::errc, const state&) const { return {}; }
#ifdef RIGHT
    int share_key(const state&) const { return -1; }
#endif
};

template class sigfire::server<sigfire::loopback, codec>;
