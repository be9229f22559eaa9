// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "json_log.hpp"

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

/** The JWK Set at a URL. Models KeySource. Only `key_server.cpp` compiles the HTTP client. Logs
 *  `keys_not_fetched`. */
class key_server {
public:
    key_server(boost::asio::io_context& io, const sigfire::key_set& keys, const std::string& url,
               json_log log);

    boost::asio::awaitable<sigfire::errc> fetch(std::string kid);
    /// The loop: renewals wait too.
    boost::asio::io_context& context() const;
    /// From now on, nothing keeps the loop busy.
    void stop() const;

private:
    struct parts;
    std::shared_ptr<parts> parts_;
};
