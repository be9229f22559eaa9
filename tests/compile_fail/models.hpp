// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/hub/channel.hpp>

// Right parts, for cases in which another part is broken.
namespace models {

struct registry {
    bool insert(std::string_view, sigfire::peer_handle) { return true; }
    bool erase(std::string_view) { return true; }
    sigfire::peer_handle find(std::string_view) const { return {}; }
    std::size_t size() const { return 0; }
    void for_each_peer(auto) const {}
};

struct router {
    sigfire::errc route(const auto&, sigfire::peer_handle, const sigfire::event::send&, auto) const {
        return sigfire::errc::unknown;
    }
};

// A wire with the least words: welcomes, replies and messages.
struct codec {
    struct state {};
    static constexpr bool checks_utf8 = true;
    sigfire::errc open(const sigfire::request&, state&, sigfire::admission&) { return {}; }
    sigfire::errc decode(sigfire::message, state&, auto) { return {}; }
    std::size_t bound(const sigfire::event::welcome&, const state&) const { return 0; }
    std::size_t bound(const sigfire::event::reply&, const state&) const { return 0; }
    std::size_t bound(const sigfire::event::send&, const state&) const { return 0; }
    std::size_t encode(const sigfire::event::welcome&, const state&, char*) const { return 0; }
    std::size_t encode(const sigfire::event::reply&, const state&, char*) const { return 0; }
    std::size_t encode(const sigfire::event::send&, const state&, char*) const { return 0; }
    sigfire::message_type type(const sigfire::event::welcome&, const state&) const { return {}; }
    sigfire::message_type type(const sigfire::event::reply&, const state&) const { return {}; }
    sigfire::message_type type(const sigfire::event::send&, const state&) const { return {}; }
    int share_key(const state&) const { return -1; }
    sigfire::ending end(sigfire::errc, const state&) const { return {}; }
};

struct connection {
    char* reserve(sigfire::message_type, std::size_t) { return nullptr; }
    void commit(std::size_t) {}
    bool room(std::size_t) const { return false; }
    void accept(std::string_view) {}
    void refuse(sigfire::ending) {}
    void hold() {}
    void release() {}
    bool ping() { return false; }
    void close(sigfire::ending, sigfire::errc) {}
    sigfire::connection_state<codec>& state() { return state_; }

    sigfire::connection_state<codec> state_;
};

using channel = sigfire::channel<connection, codec>;

} // namespace models
