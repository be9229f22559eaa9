// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "key_server.hpp"

#include <sigfire/admission/jwks.hpp>
#include <sigfire/net/http_client.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

struct key_server::parts {
    sigfire::jwks source;
};

key_server::key_server(boost::asio::io_context& io, const sigfire::key_set& keys, const std::string& url,
                       json_log log) {
    sigfire::http_client_options web;
    web.timeout = std::chrono::seconds{8}; // after ten seconds the listener answers by itself
    sigfire::jwks_options o;
    o.url = url;
    o.on_failure = [log = std::move(log)](std::string_view why, std::uint64_t failures) {
        const auto count = std::to_string(failures);
        const sigfire::log_field fields[] = {{"reason", why}, {"count", count}};
        log(sigfire::log_level::error, "keys_not_fetched", fields);
    };
    parts_ = std::make_shared<parts>(
        sigfire::jwks{std::make_shared<sigfire::http_client>(io, std::move(web)), keys, std::move(o)});
}

boost::asio::awaitable<sigfire::errc> key_server::fetch(std::string kid) {
    return parts_->source.fetch(std::move(kid));
}

boost::asio::io_context& key_server::context() const {
    return parts_->source.context();
}

void key_server::stop() const {
    parts_->source.stop();
}
