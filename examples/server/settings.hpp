// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/dialect/signal_fire_2016.hpp>
#include <sigfire/feature/topic_table.hpp>
#include <sigfire/net/proxy/forwarded.hpp>
#include <sigfire/net/tls_options.hpp>

#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

enum class wire { websocket, tcp, unix_socket };

/// The family of clients that a listener is for.
enum class family { all, sigfire, msgpack, signal_fire_2016, socket_signal, peerjs, y_webrtc };

/// Where to listen.
struct endpoint {
    wire kind = wire::websocket;
    bool tls = false;
    std::string host{}; ///< numeric address or `localhost`; of a Unix socket the path
    std::uint16_t port = 0;
    family clients = family::all; ///< all: told apart by path and sub-protocol
    bool proxied = false;         ///< connections of `settings::proxies` begin with a PROXY header
    int descriptor = -1;          ///< a listening socket of this process' starter; -1: none
    bool hello = false;           ///< a peer's first message is `hello`; for wires without HTTP

    bool operator==(const endpoint&) const = default;
};

/// The settings of `sigfire serve`.
struct settings {
    std::vector<endpoint> endpoints;
    bool default_endpoint = false; ///< nobody named one
    std::string rtc_configuration; ///< a JSON object, or empty
    std::vector<std::string> origins;
    /// The header that is believed of them.
    sigfire::forwarded_header forwarded_by = sigfire::forwarded_header::x_forwarded;
    std::vector<std::string> proxies;       ///< proxies that are believed about their clients
    std::chrono::milliseconds ping{30'000}; ///< silence after which a WebSocket peer is pinged; 0: never
    std::uint32_t header = 16'384;          ///< bytes of an HTTP request's header
    spdlog::level::level_enum level = spdlog::level::info;
    sigfire::tls_options tls;                          ///< without certificates where no listener needs them
    std::chrono::milliseconds resume_window{30'000};   ///< 0: nobody can resume
    std::chrono::milliseconds mailbox{0};              ///< 0: nothing is kept for a peer that is not there
    std::chrono::milliseconds request_timeout{10'000}; ///< for a peer to answer another's request
    bool sessions = false;                             ///< whether sessions have a state
    sigfire::topic_limits topics;

    // Where client families are found on listeners that are for all: a path; empty = nowhere.
    std::string signal_fire_2016_path = "/signal-fire-2016", socket_signal_path = "/socket-signal",
                y_webrtc_path = "/y-webrtc";
    bool peerjs = true; ///< at `peerjs_options.path`
    sigfire::dialect::signal_fire_2016_options signal_fire_2016;
    bool strict_ids = false; ///< socket-signal: the first owner of an id keeps it
    sigfire::dialect::peerjs_options peerjs_options;
};

/// Reads command line and configuration file. Yields the exit code if the program has nothing more to do: 0
/// after a help text, 2 after one line on stderr that says why.
std::optional<int> read_settings(int argc, char** argv, settings&);
