// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"

#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>

/** A sigfire Hook that tells the log of each connection that asks to be let in, at level debug: `connecting`
 *  with `remote`, the client's address as far as trusted proxies tell, and `secure`, whether it came by TLS.
 */
struct connection_log {
    json_log log;

    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission&) const {
        const sigfire::log_field fields[] = {{"remote", asked.remote},
                                             {"secure", asked.secure ? "yes" : "no"}};
        log(sigfire::log_level::debug, "connecting", fields);
        return sigfire::errc::ok;
    }
};
