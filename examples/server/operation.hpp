// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "drain_plan.hpp"
#include "json_log.hpp"
#include "listeners.hpp"
#include "live_settings.hpp"
#include "serve.hpp"
#include "service_manager.hpp"
#include "settings.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** Operates a running server: signals, reload, drain and end. Reports each step to the service manager.
 *  One thread: that of the loop. The members may be called by an administrator's interface. */
class operation {
public:
    using listener_list = std::vector<std::unique_ptr<any_listener>>;

    operation(boost::asio::io_context& io, const loaded_settings& loaded, settings_reader reread,
              shared_settings live, program_hub& peers, listener_list& listeners, json_log log,
              service_manager& manager)
        : settings_{loaded.values}, effective_{loaded.effective}, reread_{std::move(reread)},
          live_{std::move(live)}, peers_{peers}, listeners_{listeners}, log_{std::move(log)},
          manager_{manager}, ends_{io, SIGINT, SIGTERM}, hang_up_{io, SIGHUP},
          verbosity_{io, SIGUSR1, SIGUSR2}, daily_{io}, steps_{io}, pulse_{io} {}

    /// Functions to call when the last connection has ended: they cancel what would keep the loop at work.
    std::vector<std::function<void()>> at_end{};
    /// Functions to call when the server begins to end, and again when it ends at once.
    std::vector<std::function<void()>> at_stop{};
    /// Functions to call at a reload, once the settings are known to be right.
    std::vector<std::function<void()>> at_reload{};

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

    /// Whether `drain` was called.
    bool drains() const noexcept { return plan_.has_value(); }

    /// Reads settings and certificates again, unless the server drains. If a setting is wrong, everything
    /// stays as it is. The log names the settings that have changed.
    void reload() {
        if (plan_) return; // it ends anyway, and must not look ready
        manager_.reloading("Reloading");
        try {
            auto fresh = reread_();
            apply(fresh, live_settings::checked_origins(fresh.values.origins));
            for (const auto& l : listeners_) l->reload();
            for (const auto& f : at_reload) f();
            watch_certificates();
        } catch (const std::exception& e) {
            std::string_view why = e.what();
            if (why.starts_with("sigfire: ")) why.remove_prefix(9);
            const sigfire::log_field fields[] = {{"reason", why}};
            log_(sigfire::log_level::error, "reload_failed", fields);
        }
        manager_.ready(status());
    }

    /// Number of peers that are online.
    std::size_t online() {
        std::size_t n = 0;
        peers_.for_each([&](std::string_view, sigfire::peer_handle p) { n += peers_.is_online(p); });
        return n;
    }

    /// The settings in use.
    const std::vector<effective_setting>& effective() const noexcept { return effective_; }

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

    void apply(loaded_settings& fresh, std::vector<std::string> origins) {
        static constexpr std::string_view reloadable[] = {"log-level",   "log-rate", "origins", "rtc-config",
                                                          "drain-delay", "drain",    "drain-to"};
        const auto changes = changes_of(effective_, fresh.effective, reloadable);
        const auto& v = fresh.values;
        if (v.level != settings_.level) log_.set_level(v.level);
        log_.set_rate(v.log_rate);
        live_->origins = std::move(origins);
        live_->farewell = live_settings::farewell_to(v.drain_to);
        if (v.rtc_configuration != settings_.rtc_configuration)
            live_->rtc_configuration = v.rtc_configuration.empty() ? "{}" : v.rtc_configuration;
        settings_.level = v.level;
        settings_.rtc_configuration = v.rtc_configuration;
        settings_.drain = v.drain;
        settings_.drain_delay = v.drain_delay;
        // The others stay listed until a restart.
        for (auto& e : effective_)
            for (const auto& f : fresh.effective)
                if (f.name == e.name &&
                    std::find(std::begin(reloadable), std::end(reloadable), f.name) != std::end(reloadable))
                    e = f;
        const sigfire::log_field applied[] = {{"changed", changes.applied}};
        log_(sigfire::log_level::info, "settings_reloaded", applied);
        if (changes.needs_restart.empty()) return;
        const sigfire::log_field waiting[] = {{"options", changes.needs_restart}};
        log_(sigfire::log_level::warn, "settings_need_restart", waiting);
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
        for (const auto& f : at_stop) f();
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
    std::vector<effective_setting> effective_;
    settings_reader reread_;
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
