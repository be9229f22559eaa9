// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "drain_plan.hpp"
#include "json_log.hpp"
#include "listeners.hpp"
#include "live_settings.hpp"
#include "service_manager.hpp"
#include "settings.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** What happens to a running server: signals, reload, drain and end, and what the service manager learns.
 *  One thread: that of the loop. The members may be called by an administrator's interface. */
class operation {
public:
    using listener_list = std::vector<std::unique_ptr<any_listener>>;

    operation(boost::asio::io_context& io, settings s, shared_settings live, program_hub& peers,
              listener_list& listeners, json_log log, service_manager& manager)
        : settings_{std::move(s)}, live_{std::move(live)}, peers_{peers}, listeners_{listeners},
          log_{std::move(log)}, manager_{manager}, ends_{io, SIGINT, SIGTERM}, hang_up_{io, SIGHUP},
          verbosity_{io, SIGUSR1, SIGUSR2}, daily_{io}, steps_{io}, pulse_{io} {}

    /// Functions to call when the last connection has ended: they cancel what would keep the loop at work.
    std::vector<std::function<void()>> at_end{};

    /// Waits for signals, and tells the service manager that the server is ready. The listeners are open.
    void start() {
        watch_certificates();
        wait_for(ends_, [this](int) { drain(); });
        wait_for(hang_up_, [this](int) { reload(); });
        wait_for(verbosity_, [this](int which) {
            log_.set_level(which == SIGUSR2 ? settings_.level : more_verbose(log_.level()));
        });
        manager_.ready(status());
        if (manager_.watchdog().count() != 0) beat();
    }

    /// Refuses new connections after `settings::drain_delay`, disconnects all peers slowly, and ends the
    /// loop. A second call ends it at once.
    void drain() {
        if (plan_) return cut();
        const auto limit = settings_.drain_delay + settings_.drain + last_words + std::chrono::seconds{5};
        manager_.stopping("Draining, " + count(online()) + " left", limit);
        const auto peers = std::to_string(online());
        const sigfire::log_field fields[] = {{"peers", peers}};
        log_(sigfire::log_level::info, "drain_started", fields);
        peers_.set_ready(false);
        plan_.emplace(std::chrono::steady_clock::now(), settings_.drain_delay, settings_.drain);
        step();
    }

    /// Reads the certificates again.
    void reload() {
        manager_.reloading("Reloading");
        for (const auto& l : listeners_) l->reload();
        watch_certificates();
        manager_.ready(status());
    }

private:
    // Time for connections to close, once the server has told them to.
    static constexpr std::chrono::seconds last_words{5};

    template <class F>
    void wait_for(boost::asio::signal_set& set, F f) {
        set.async_wait([this, &set, f](sigfire::error_code ec, int which) {
            if (ec) return;
            f(which);
            if (!ended_) wait_for(set, f);
        });
    }

    static spdlog::level::level_enum more_verbose(spdlog::level::level_enum l) {
        if (l == spdlog::level::off) return spdlog::level::err;
        return l <= spdlog::level::debug ? l : static_cast<spdlog::level::level_enum>(l - 1);
    }

    static std::string count(std::size_t n) { return std::to_string(n) + (n == 1 ? " peer" : " peers"); }
    std::string status() const {
        const auto n = listeners_.size();
        return "Serving " + count(peers_.size()) + " on " + std::to_string(n) +
               (n == 1 ? " address" : " addresses");
    }
    std::size_t online() {
        std::size_t n = 0;
        peers_.for_each([&](std::string_view, sigfire::peer_handle p) { n += peers_.is_online(p); });
        return n;
    }

    void step() {
        const auto now = std::chrono::steady_clock::now();
        const auto left = online();
        const auto next = plan_->at(now, left);
        if (next.refuse)
            peers_.drain(
                std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(settings_.drain)));
        if (next.over) return stop();
        peers_.shed(next.shed);
        manager_.status("Draining, " + count(left - next.shed) + " left");
        steps_.expires_at(next.next);
        steps_.async_wait([this](sigfire::error_code ec) {
            if (!ec) step();
        });
    }

    // A second call cuts the connections that are left.
    void stop() {
        peers_.stop(sigfire::errc::stopping);
        open_ = listeners_.size();
        for (const auto& l : listeners_)
            l->stop([this] {
                if (--open_ == 0) end();
            });
    }

    void cut() {
        steps_.cancel();
        stop();
        stop();
    }

    void end() {
        ended_ = true;
        ends_.cancel();
        hang_up_.cancel();
        verbosity_.cancel();
        daily_.cancel();
        pulse_.cancel();
        for (const auto& f : at_end) f();
    }

    // The loop itself gives the sign of life: one that hangs gives none.
    void beat() {
        manager_.alive();
        pulse_.expires_after(manager_.watchdog());
        pulse_.async_wait([this](sigfire::error_code ec) {
            if (ec) return;
            if (!plan_) manager_.status(status());
            beat();
        });
    }

    // Checks the certificates now and once a day.
    void watch_certificates() {
        for (const auto& l : listeners_) l->check_validity();
        daily_.expires_after(std::chrono::hours{24});
        daily_.async_wait([this](sigfire::error_code ec) {
            if (!ec) watch_certificates();
        });
    }

    settings settings_;
    shared_settings live_;
    program_hub& peers_;
    listener_list& listeners_;
    json_log log_;
    service_manager& manager_;
    boost::asio::signal_set ends_, hang_up_, verbosity_;
    boost::asio::steady_timer daily_, steps_, pulse_;
    std::optional<drain_plan> plan_;
    std::size_t open_ = 0;
    bool ended_ = false;
};
