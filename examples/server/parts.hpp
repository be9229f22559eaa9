// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "settings.hpp"
#include "token_gate.hpp"

#include <sigfire/admission/renewal.hpp>
#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/feature/heartbeat.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/rtc_refresh.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/router.hpp>

#include <utility>

// Messages of PeerJS clients for an absent peer have a time limit of their own.
inline sigfire::mailbox<> mailbox_for_peerjs(const sigfire::dialect::peerjs_options& o) {
    sigfire::mailbox_limits limits;
    limits.expiry_interval = o.cleanup_out_msgs;
    limits.accepts = sigfire::dialect::peerjs::says;
    return sigfire::mailbox{sigfire::direct_router{}, o.expire_timeout, std::move(limits)};
}

inline sigfire::mailbox<> mailbox_for_others(const settings& s) {
    sigfire::mailbox_limits limits;
    limits.accepts = [](const sigfire::event::send& e) { return !sigfire::dialect::peerjs::says(e); };
    return sigfire::mailbox{sigfire::direct_router{}, s.mailbox, std::move(limits)};
}

/// The features of the program's hub.
using program_features =
    sigfire::features<sigfire::topics, sigfire::presence, sigfire::requests, sigfire::sessions,
                      sigfire::records<>, sigfire::resume, sigfire::identity, sigfire::heartbeat,
                      sigfire::rtc_refresh, sigfire::mailbox<>, sigfire::renewal<token_gate>>;

inline program_features features_of(const settings& s, const token_gate& gate) {
    return program_features{sigfire::topics{{.limits = s.topics}},
                            sigfire::presence{},
                            sigfire::requests{{.timeout = s.request_timeout}},
                            sigfire::sessions{{.enabled = s.sessions}},
                            sigfire::records<>{},
                            sigfire::resume{{.window = s.resume_window}},
                            sigfire::identity{{.unique_names = s.socket_signal_strict_ids}},
                            sigfire::heartbeat{},
                            sigfire::rtc_refresh{},
                            mailbox_for_peerjs(s.peerjs_options),
                            sigfire::renewal{gate}};
}
