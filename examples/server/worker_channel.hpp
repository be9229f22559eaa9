// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "operation.hpp"
#include "redact.hpp"

#include <sigfire/core/error.hpp>
#include <sigfire/rpc/rpc.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <vector>

/** The channel to a parent process that started this server with one: `sigfire start`, or node.js with `ipc`
 *  in `stdio`. Does nothing without a parent.
 *
 *  The parent gets the event `started` with the addresses. It can call `info(secrets)`, `reload` and `stop`.
 *  When the parent ends, or closes the channel, the server drains and ends. */
class worker_channel {
public:
    worker_channel(boost::asio::io_context& io, operation& run) : parent_{io}, run_{run} {
        if (parent_.inherit()) return;
        parent_.define("info", [this](bool secrets) { return info(secrets); });
        parent_.define("reload", [this] { run_.reload(); });
        parent_.define("stop", [this] { run_.drain(); });
        parent_.wait([this](sigfire::error_code) {
            if (!closing_ && !run_.drains()) run_.drain(); // twice would cut connections
        });
        run_.at_end.push_back([this] {
            closing_ = true;
            parent_.close(boost::asio::detached);
        });
    }

    /// Tells the parent that the server listens on these addresses.
    void started(const std::vector<std::string>& addresses) {
        if (parent_.connected()) parent_.notify("started", addresses);
    }

private:
    boost::json::value info(bool secrets) {
        boost::json::array settings;
        for (const auto& e : run_.effective())
            settings.push_back(boost::json::object{{"name", e.name},
                                                   {"value", secrets ? e.value : redacted(e.name, e.value)},
                                                   {"origin", e.origin}});
        return boost::json::object{{"peers", run_.online()}, {"settings", std::move(settings)}};
    }

    sigfire::rpc parent_;
    operation& run_;
    bool closing_ = false;
};
