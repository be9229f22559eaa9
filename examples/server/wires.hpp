// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"

#include <sigfire/codec/any_of.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/dialect/signal_fire_2016.hpp>
#include <sigfire/dialect/socket_signal.hpp>
#include <sigfire/dialect/y_webrtc.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// Whether a request is for a certain wire. Called once per connection.
using condition = std::function<bool(const sigfire::request&)>;

/// Refuses clients of a family on the wrong path, with the right path in the answer. On a wire of another
/// family, they would wait without an error.
struct misdirected : sigfire::dialect::y_webrtc {
    struct sign {
        std::string word, path; ///< the last part of the path that such clients use; the right path
    };

    explicit misdirected(std::vector<sign> all) : signs{std::move(all)} {}

    /// The sign for a request, if it comes from a client of one of the families on a wrong path.
    const sign* of(const sigfire::request& r) const {
        std::string last{r.path()};
        while (last.ends_with('/')) last.pop_back();
        last.erase(0, last.rfind('/') + 1);
        std::transform(last.begin(), last.end(), last.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto found =
            std::find_if(signs.begin(), signs.end(), [&](const sign& s) { return s.word == last; });
        return r["Upgrade"].empty() || found == signs.end() ? nullptr : &*found;
    }

    sigfire::errc open(const sigfire::request& r, state&, sigfire::admission& wish) const {
        if (const auto* const s = of(r))
            wish.refused_as = sigfire::refusal{404, 0,
                                               s->path.empty() ? s->word + " clients are not served here"
                                                               : "the path is " + s->path};
        return sigfire::errc::unknown;
    }

    std::vector<sign> signs;
};

/// Every wire of the program. JSON wires translate the messages of MessagePack peers.
using wires =
    sigfire::any_of<sigfire::when<sigfire::codec::transcoded<sigfire::dialect::signal_fire_2016>, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::dialect::socket_signal>, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::dialect::y_webrtc>, condition>,
                    sigfire::when<sigfire::dialect::peerjs, condition>, sigfire::when<misdirected, condition>,
                    sigfire::when<sigfire::codec::binary, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::codec::json>, condition>>;

/// A path of a listener for all families.
inline condition at(const std::string& path) {
    if (path.empty()) return [](const sigfire::request&) { return false; };
    return sigfire::by_path{path};
}

inline std::string path_of_peerjs(const settings& s) {
    auto base = s.peerjs_options.path;
    if (base.ends_with('/')) base.pop_back();
    return base + "/peerjs";
}

/// PeerJS on a listener for all families: its WebSocket and its HTTP routes. Of `/`, only requests that do
/// not accept HTML.
inline condition at_peerjs(const settings& s) {
    if (!s.peerjs) return at({});
    auto base = s.peerjs_options.path;
    if (base.ends_with('/')) base.pop_back();
    return [routes = sigfire::by_path{base + '/' + s.peerjs_options.key}, socket = path_of_peerjs(s),
            base](const sigfire::request& r) {
        if (r.method.empty()) return false; // a wire without HTTP
        if (!r["Upgrade"].empty()) return r.path() == socket;
        if (routes(r)) return true;
        const auto path = r.path();
        return (path == base || path == base + '/') &&
               r["Accept"].find("text/html") == std::string_view::npos;
    };
}

/// The wires of a listener for these clients.
inline wires wires_of(family clients, const settings& s) {
    const auto only = [&](family f) -> condition {
        return [yes = clients == f](const sigfire::request&) { return yes; };
    };
    const bool all = clients == family::all;
    auto peerjs = s.peerjs_options;
    if (all) peerjs.strict_key = true; // other paths belong to other families
    const misdirected lost{{{"peerjs", s.peerjs ? path_of_peerjs(s) : ""},
                            {"y-webrtc", s.y_webrtc_path},
                            {"socket-signal", s.socket_signal_path},
                            {"signal-fire-2016", s.signal_fire_2016_path}}};
    return wires{
        {sigfire::codec::transcoded{sigfire::dialect::signal_fire_2016{s.signal_fire_2016}},
         all ? at(s.signal_fire_2016_path) : only(family::signal_fire_2016)},
        {sigfire::codec::transcoded{sigfire::dialect::socket_signal{}},
         all ? at(s.socket_signal_path) : only(family::socket_signal)},
        {sigfire::codec::transcoded{sigfire::dialect::y_webrtc{}},
         all ? at(s.y_webrtc_path) : only(family::y_webrtc)},
        {sigfire::dialect::peerjs{peerjs}, all ? at_peerjs(s) : only(family::peerjs)},
        {lost, [lost, all](const sigfire::request& r) { return all && lost.of(r) != nullptr; }},
        {sigfire::codec::binary{{.rtc_configuration = s.rtc_configuration}},
         all ? sigfire::by_subprotocol{std::string{sigfire::codec::binary_subprotocol}}
             : only(family::msgpack)},
        {sigfire::codec::transcoded{sigfire::codec::json{{.rtc_configuration = s.rtc_configuration}}},
         all ? condition{sigfire::always{}} : only(family::sigfire)}};
}
