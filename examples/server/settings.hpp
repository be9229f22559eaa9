// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "effective_setting.hpp"

#include <sigfire/admission/gate_options.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/rate_limit.hpp>
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

/// The client family of a listener.
enum class family { all, sigfire, msgpack, signal_fire_2016, socket_signal, peerjs, y_webrtc };

/// An address to listen on.
struct endpoint {
    wire kind = wire::websocket;
    bool tls = false;
    std::string host{}; ///< numeric address or `localhost`; the path of a Unix socket
    std::uint16_t port = 0;
    family clients = family::all; ///< all: the path and the sub-protocol of a request select the family
    bool proxied = false;         ///< connections of `settings::proxies` begin with a PROXY header
    int descriptor = -1;          ///< a listening socket of the service manager; -1: none
    bool hello = false;           ///< the first message of a peer is `hello`; for wires without HTTP

    std::string path{}; ///< of WebSockets; other paths get 404. Empty: any

    bool operator==(const endpoint&) const = default;
};

/// The rates of peers; 0: no limit.
inline sigfire::rate_limit_options rates(std::uint32_t per_second, std::uint32_t burst) {
    sigfire::rate_limit_options out;
    out.per_second = per_second;
    out.burst = burst;
    out.address_per_second = 10 * per_second;
    out.address_burst = 10 * burst;
    return out;
}

/// The settings of `sigfire serve`.
struct settings {
    std::vector<endpoint> endpoints;
    bool default_endpoint = false; ///< no option names an endpoint
    std::string rtc_configuration; ///< a JSON object, or empty
    std::vector<std::string> origins;
    /// The header that the server reads from `proxies`.
    sigfire::forwarded_header forwarded_by = sigfire::forwarded_header::x_forwarded;
    std::vector<std::string> proxies; ///< trusted proxies
    /// Silence after which the server pings a WebSocket peer; 0: never.
    std::chrono::milliseconds ping{30'000};
    std::uint32_t header = 16'384; ///< bytes of an HTTP request's header
    spdlog::level::level_enum level = spdlog::level::info;
    sigfire::gate_options gate;
    std::uint32_t message_rate = 200, message_burst = 1000; ///< of each peer; an address has ten times that
    std::uint32_t bytes_per_second = 0;                     ///< of each connection; 0: no limit
    std::uint32_t log_rate = 1000;            ///< lines in a second of each kind of event; 0: no limit
    std::uint32_t log_buffer = 1 << 20;       ///< bytes that wait for the reader of the log
    std::chrono::milliseconds drain_delay{0}; ///< time from a signal to end until new connections are refused
    std::chrono::milliseconds drain{5'000};   ///< time over which the peers are then disconnected
    std::string drain_to;                     ///< URL of the server that they should use then; empty: none
    sigfire::tls_options tls;                 ///< without certificates if no listener needs them
    std::vector<std::string> jwt_keys;        ///< files; empty: peers need no token
    std::string jwt_jwks;                     ///< URL of a JWK Set with the keys of tokens; empty: none
    sigfire::jwt_verifier_options jwt;
    bool jwt_single_use = false, jwt_refuse_after_upgrade = false;
    std::chrono::milliseconds resume_window{30'000}; ///< 0: no peer can resume
    std::chrono::milliseconds mailbox{0};            ///< 0: the server keeps no messages for absent peers
    /// Time for a peer to answer a request of another peer.
    std::chrono::milliseconds request_timeout{10'000};
    bool sessions = false; ///< whether the server keeps the state of sessions
    sigfire::topic_limits topics;

    std::vector<std::string> turn_urls;             ///< TURN and STUN servers; empty: none
    std::string turn_secret_file;                   ///< file with the secret of the TURN servers
    std::chrono::milliseconds turn_ttl{43'200'000}; ///< life of TURN credentials
    std::string webhook_url;                        ///< the service that admits peers; empty: none
    std::string webhook_secret_file;                ///< file with the key of the signatures
    bool webhook_fail_open = false;                 ///< whether peers are admitted if the service fails
    std::chrono::milliseconds webhook_timeout{5'000};
    std::vector<std::string> webhook_headers; ///< header fields that the service gets
    bool webhook_token = false;               ///< whether the service gets the client's token

    // Paths of client families, on listeners for all families. Empty = not served.
    std::string signal_fire_2016_path = "/signal-fire-2016", socket_signal_path = "/socket-signal",
                y_webrtc_path = "/y-webrtc";
    bool peerjs = true; ///< at `peerjs_options.path`
    sigfire::dialect::signal_fire_2016_options signal_fire_2016;
    bool socket_signal_strict_ids = false; ///< socket-signal: the first owner of an id keeps it
    sigfire::dialect::peerjs_options peerjs_options;
};

/// What the command line asks for.
struct loaded_settings {
    std::string command = "serve"; ///< serve, check or explain
    bool json = false;             ///< the report of `check` or `explain` is JSON
    settings values{};
    std::vector<effective_setting> effective{};
    std::string config{}; ///< path of the configuration file, or empty
};

/** Reads the words of the command line, the environment and the configuration file.
 *  @throws std::exception with file, line and key, if a setting is wrong */
loaded_settings load_settings(std::vector<std::string> words);

/// The same for `main`. Returns an exit code if the program must end: 0 after a help text, 2 after one line
/// on stderr with the reason.
std::optional<int> read_settings(const std::vector<std::string>& words, loaded_settings&);
