// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"
#include "settings.hpp"

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/core/request.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>

/** A sigfire Hook: the webhook and the TURN servers of the settings, if there are any. Only `doors.cpp`
 *  compiles the HTTP client. Copies share their state. */
class doors {
public:
    /// Reads the files with secrets. Throws if a file or a setting cannot be used; the text has no secret.
    doors(boost::asio::io_context& io, const settings& s, json_log log);

    sigfire::errc on_admit(const sigfire::request&, sigfire::admission&);
    boost::asio::awaitable<sigfire::errc> on_admit_deferred(const sigfire::request&, sigfire::admission&);
    void on_open(sigfire::peer_handle, const sigfire::admission&);
    void on_close(sigfire::peer_handle, sigfire::errc);

    /// Sends the waiting events once more. Then nothing keeps the loop busy.
    void stop() const;
    /// Reads the files with secrets again. If one cannot be used, the old secret stays. Logs the result.
    void reload() const;

private:
    struct parts;
    std::shared_ptr<parts> parts_;
};

/// Throws if the settings of `doors` cannot be used; the text has no secret.
void check_doors(const settings&);
