// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"

#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

/** A sigfire Hook that logs each connection attempt at level debug, as the event `connecting`. The field
 *  `remote` is the client's address as trusted proxies report it. The field `secure` is `yes` or `no`:
 *  whether the client uses TLS. */
struct connection_log {
    json_log log;

    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission&) const {
        const sigfire::log_field fields[] = {{"remote", asked.remote},
                                             {"secure", asked.secure ? "yes" : "no"}};
        log(sigfire::log_level::debug, "connecting", fields);
        return sigfire::errc::ok;
    }
};
