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

#include <functional>
#include <string>

/// Whether a request is one for a certain wire. Asked once a connection.
using condition = std::function<bool(const sigfire::request&)>;

/// Every wire that the program speaks. Those with JSON have the messages of MessagePack peers translated.
using wires =
    sigfire::any_of<sigfire::when<sigfire::codec::transcoded<sigfire::dialect::signal_fire_2016>, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::dialect::socket_signal>, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::dialect::y_webrtc>, condition>,
                    sigfire::when<sigfire::dialect::peerjs, condition>,
                    sigfire::when<sigfire::codec::binary, condition>,
                    sigfire::when<sigfire::codec::transcoded<sigfire::codec::json>, condition>>;

/// A path of a listener that is for all.
inline condition at(const std::string& path) {
    if (path.empty()) return [](const sigfire::request&) { return false; };
    return sigfire::by_path{path};
}

/// PeerJS among others: its WebSocket and its HTTP routes, but of `/` only requests for no page.
inline condition at_peerjs(const settings& s) {
    if (!s.peerjs) return at({});
    auto base = s.peerjs_options.path;
    if (base.ends_with('/')) base.pop_back();
    return [routes = sigfire::by_path{base + '/' + s.peerjs_options.key}, socket = base + "/peerjs",
            base](const sigfire::request& r) {
        if (r.method.empty()) return false; // a wire without HTTP
        if (!r["Upgrade"].empty()) return r.path() == socket;
        if (routes(r)) return true;
        const auto path = r.path();
        return (path == base || path == base + '/') &&
               r["Accept"].find("text/html") == std::string_view::npos;
    };
}

/// The wire of a listener for these clients.
inline wires wires_of(family clients, const settings& s) {
    const auto only = [&](family f) -> condition {
        return [yes = clients == f](const sigfire::request&) { return yes; };
    };
    const bool all = clients == family::all;
    auto peerjs = s.peerjs_options;
    if (all) peerjs.strict_key = true; // other paths are others'
    return wires{
        {sigfire::codec::transcoded{sigfire::dialect::signal_fire_2016{s.signal_fire_2016}},
         all ? at(s.signal_fire_2016_path) : only(family::signal_fire_2016)},
        {sigfire::codec::transcoded{sigfire::dialect::socket_signal{}},
         all ? at(s.socket_signal_path) : only(family::socket_signal)},
        {sigfire::codec::transcoded{sigfire::dialect::y_webrtc{}},
         all ? at(s.y_webrtc_path) : only(family::y_webrtc)},
        {sigfire::dialect::peerjs{peerjs}, all ? at_peerjs(s) : only(family::peerjs)},
        {sigfire::codec::binary{{.rtc_configuration = s.rtc_configuration}},
         all ? sigfire::by_subprotocol{std::string{sigfire::codec::binary_subprotocol}}
             : only(family::msgpack)},
        {sigfire::codec::transcoded{sigfire::codec::json{{.rtc_configuration = s.rtc_configuration}}},
         all ? condition{sigfire::always{}} : only(family::sigfire)}};
}
