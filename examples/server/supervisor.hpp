// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "control_folder.hpp"

#include <chrono>
#include <string>
#include <vector>

/// What the parent of a background server needs.
struct supervisor_options {
    control_folder folder{};
    std::vector<std::string> words{};        ///< the command line of the worker, behind the program
    std::string log{};                       ///< file for the worker's log; empty: none
    std::chrono::milliseconds stop_limit{0}; ///< time after which a worker that does not end is killed
    int report =
        -1; ///< descriptor that gets one line of JSON: `{"addresses":[...]}` once the worker serves, or
            ///< `{"status":N,"error":"..."}`
};

/** Runs a server in a worker process until the worker ends as told, and restarts a worker that fails. Listens
 *  on a control socket for `sigfire stop`, `list` and `info`. Call it in a process of its own, with one
 *  thread. Returns the exit status. */
int supervise(const supervisor_options&);
