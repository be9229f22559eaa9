// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"
#include "wires.hpp"

#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/net/websocket.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The settings that a running server can change. Parts of the server share one object; one thread.
struct live_settings {
    std::vector<std::string> origins;             ///< as browsers write them; empty: any
    std::optional<std::string> rtc_configuration; ///< empty: the codecs have it
    std::string farewell; ///< the close reason of a stopping server; empty: the usual one

    /// The close reason that names another server.
    static std::string farewell_to(const std::string& url) {
        return url.empty() ? url : std::string{sigfire::to_string(sigfire::errc::stopping)} + "; use " + url;
    }

    /// @throws std::invalid_argument if an origin is none
    static std::vector<std::string> checked_origins(const std::vector<std::string>& all) {
        boost::asio::io_context unused;
        const sigfire::websocket description{unused, {.origins = all}};
        const auto list = description.origins();
        return {list.begin(), list.end()};
    }
};

using shared_settings = std::shared_ptr<live_settings>;

/// @throws std::invalid_argument if an origin is none
inline shared_settings live_settings_of(const settings& s) {
    auto out = std::make_shared<live_settings>();
    out->origins = live_settings::checked_origins(s.origins);
    out->farewell = live_settings::farewell_to(s.drain_to);
    return out;
}

/// A sigfire Hook that refuses connections of pages with other origins than those of now. The first in the
/// chain.
struct live_origins {
    shared_settings live;

    sigfire::errc on_admit(const sigfire::request& asked, sigfire::admission& entry) const {
        const auto& allowed = live->origins;
        if (!asked.method.empty() && !allowed.empty()) {
            const auto origin = asked["Origin"].empty() ? std::string_view{"none"} : asked["Origin"];
            if (std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) {
                constexpr auto cause = sigfire::errc::forbidden_origin;
                entry.refused_as = sigfire::refusal{403, 4400, std::string{sigfire::to_string(cause)}};
                return cause;
            }
        }
        return sigfire::errc::ok;
    }
};

/// A sigfire Hook that gives the RTC configuration of now to each peer without one of its own. The last in
/// the chain.
struct live_configuration {
    shared_settings live;

    sigfire::errc on_admit(const sigfire::request&, sigfire::admission& entry) const {
        if (live->rtc_configuration && entry.rtc_configuration.empty())
            entry.rtc_configuration = *live->rtc_configuration;
        return sigfire::errc::ok;
    }
};

/// The wires of the program. When the server stops, the close reason can name another server.
struct program_wires : wires {
    program_wires(wires w, shared_settings s) : wires{std::move(w)}, live{std::move(s)} {}

    sigfire::ending end(sigfire::errc why, const state& st) const {
        auto how = wires::end(why, st);
        if (why == sigfire::errc::stopping && !live->farewell.empty()) how.text = live->farewell;
        return how;
    }

    shared_settings live;
};
