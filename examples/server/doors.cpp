// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "doors.hpp"
#include "key_server.hpp"
#include "secret_file.hpp"

#include <sigfire/admission/turn.hpp>
#include <sigfire/admission/webhook.hpp>
#include <sigfire/net/http_client.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

sigfire::turn turn_of(const settings& s) {
    sigfire::turn_options o;
    o.servers.push_back({s.turn_urls, s.turn_secret_file.empty() ? "" : read_secret(s.turn_secret_file)});
    o.ttl = std::chrono::duration_cast<std::chrono::seconds>(s.turn_ttl);
    return sigfire::turn{std::move(o)};
}

sigfire::webhook webhook_of(boost::asio::io_context& io, const settings& s, const json_log& log) {
    sigfire::http_client_options web;
    web.timeout = web.response_timeout = s.webhook_timeout;
    web.connect_timeout = std::min(web.connect_timeout, s.webhook_timeout);
    sigfire::webhook_options o;
    o.url = s.webhook_url;
    o.secret = read_secret(s.webhook_secret_file);
    o.fail_open = s.webhook_fail_open;
    o.headers = s.webhook_headers;
    o.token = s.webhook_token;
    o.on_failure = [log](std::string_view why, std::uint64_t failures) {
        const auto count = std::to_string(failures);
        const sigfire::log_field fields[] = {{"reason", why}, {"count", count}};
        log(sigfire::log_level::error, "webhook_failed", fields);
    };
    return {std::make_shared<sigfire::http_client>(io, std::move(web)), std::move(o)};
}

} // namespace

struct doors::parts {
    settings chosen;
    json_log log;
    std::optional<sigfire::webhook> web;
    std::optional<sigfire::turn> turn;

    // Calls `f`, which reads `file` again, and logs the result.
    template <class F>
    void read_again(const std::string& file, F f) {
        try {
            f();
            const sigfire::log_field fields[] = {{"file", file}};
            log(sigfire::log_level::info, "secret_reloaded", fields);
        } catch (const std::exception& e) {
            const sigfire::log_field fields[] = {{"file", file}, {"reason", e.what()}};
            log(sigfire::log_level::error, "secret_not_reloaded", fields);
        }
    }
};

doors::doors(boost::asio::io_context& io, const settings& s, json_log log)
    : parts_{std::make_shared<parts>(s, std::move(log), std::nullopt, std::nullopt)} {
    if (!s.webhook_url.empty()) parts_->web = webhook_of(io, s, parts_->log);
    if (!s.turn_urls.empty()) parts_->turn = turn_of(s);
}

sigfire::errc doors::on_admit(const sigfire::request& r, sigfire::admission& a) {
    if (parts_->web) return sigfire::errc::deferred;
    return parts_->turn ? parts_->turn->on_admit(r, a) : sigfire::errc::ok;
}

boost::asio::awaitable<sigfire::errc> doors::on_admit_deferred(const sigfire::request& r,
                                                               sigfire::admission& a) {
    const auto shared = parts_;
    const auto cause = co_await shared->web->on_admit_deferred(r, a);
    if (cause != sigfire::errc::ok || !shared->turn) co_return cause;
    co_return shared->turn->on_admit(r, a);
}

void doors::on_open(sigfire::peer_handle peer, const sigfire::admission& a) {
    if (parts_->web) parts_->web->on_open(peer, a);
}

void doors::on_close(sigfire::peer_handle peer, sigfire::errc why) {
    if (parts_->web) parts_->web->on_close(peer, why);
}

void doors::stop() const {
    if (parts_->web) parts_->web->stop();
}

void doors::reload() const {
    const auto& s = parts_->chosen;
    if (parts_->web)
        parts_->read_again(s.webhook_secret_file,
                           [&] { parts_->web->replace_secret(read_secret(s.webhook_secret_file)); });
    if (parts_->turn && !s.turn_secret_file.empty())
        parts_->read_again(s.turn_secret_file, [&] {
            const auto fresh = turn_of(s);
            parts_->turn->replace(fresh);
        });
}

void check_doors(const settings& s) {
    boost::asio::io_context io;
    doors{io, s, json_log{{.level = spdlog::level::off}}};
    if (!s.jwt_jwks.empty()) key_server{io, {}, s.jwt_jwks, json_log{{.level = spdlog::level::off}}};
}
