// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"

#include <functional>
#include <string>
#include <vector>

/// Reads the settings again; throws std::exception if they are wrong.
using settings_reader = std::function<loaded_settings()>;

/** Runs one hub with the listeners of the settings until a signal ends it. Returns the exit code: 1 if it
 *  cannot listen on an endpoint, after one line on stderr with the reason. Throws if a certificate cannot
 *  be used. */
int serve(const loaded_settings&, settings_reader);

/// The result of an attempt to listen.
struct listener_trial {
    std::string address; ///< as a URL
    std::string error;   ///< empty = `serve` can listen there
    bool page = false;   ///< whether the listener has the page
};

/// Listens on each endpoint of `settings` for a moment, and accepts nobody.
std::vector<listener_trial> try_listeners(const settings&);
