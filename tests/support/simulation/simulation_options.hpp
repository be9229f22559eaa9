// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/link.hpp"
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/hub/hub.hpp>

#include <chrono>
#include <optional>

namespace sigfire::inline v0_1::test {

/// What a schedule looks like, and what the hub that plays it has been told.
struct simulation_options {
    hub_options hub{};
    network_options network{.outbox = 3000};
    unsigned peers = 6;                   ///< with an id of their own; every third has it drawn by the hub
    unsigned strangers = 2;               ///< that claim the ids of others
    unsigned steps = 150;                 ///< things that peers, network and host program do
    std::chrono::milliseconds pause{200}; ///< longest time between two steps
    std::chrono::milliseconds quiet{150'000}; ///< how long to wait, at the end, for acts under way
    bool hooks_judge = false;                 ///< the hub has hooks that may refuse or answer any request
    bool trace = false;                       ///< keep a trace even if all goes well

    // parts that the hub offers besides, and peers make use of
    std::optional<resume_options> resume{};
    std::optional<requests_options> requests{};
    bool topics = false;
    std::chrono::milliseconds mailbox{0}; ///< how long a mailbox keeps messages; 0 = there is none
};

} // namespace sigfire::inline v0_1::test
