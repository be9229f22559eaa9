// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/topic_table.hpp>

#include <spdlog/common.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

enum class wire { websocket, tcp, unix_socket };

/// Where to listen.
struct endpoint {
    wire kind = wire::websocket;
    std::string host; ///< numeric address or `localhost`; of a Unix socket the path
    std::uint16_t port = 0;

    bool operator==(const endpoint&) const = default;
};

/// What `sigfire serve` was told.
struct settings {
    std::vector<endpoint> endpoints;
    std::string rtc_configuration; ///< a JSON object, or empty
    std::vector<std::string> origins;
    spdlog::level::level_enum level = spdlog::level::info;
    std::chrono::milliseconds resume_window{30'000}; ///< 0: nobody can resume
    std::chrono::milliseconds mailbox{0};            ///< 0: nothing is kept for who is not there
    bool sessions = false;                           ///< whether sessions have a state
    sigfire::topic_limits topics;
};

/// Reads command line and configuration file. Yields the exit code if the program has nothing more to do: 0
/// after a help text, 2 after one line on stderr that says what is wrong.
std::optional<int> read_settings(int argc, char** argv, settings&);
