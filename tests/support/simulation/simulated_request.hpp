// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/simulated_session.hpp"
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sigfire::inline v0_1::test {

/// A request that a simulated peer makes, and its outcome.
struct simulated_request {
    enum kind : unsigned char { relay, question, respond, publish, join, leave };

    kind what = relay;
    bool by_host = false;
    std::string target, topic, command, data;
    errc flaw = errc::ok;         ///< its fault, if its target has none
    bool echo = false;            ///< publish
    bool droppable = false;       ///< publish
    bool fails = false;           ///< respond
    bool answerable = true;       ///< it has an id
    bool given_up = false;        ///< its sender waits no longer: its connection is lost
    std::uint32_t hub_number = 0; ///< question, respond: how the hub calls it
    unsigned heard_answers = 0;   ///< replies that the sender heard

    // what the hub was told, and wrote
    bool arrived = false;
    time_point at{};                        ///< ... then
    unsigned losses = 0;                    ///< ... when its sender had lost so much
    simulated_session* from = nullptr;      ///< ... by this one
    simulated_session* addressee = nullptr; ///< the holder of the target's id then
    bool was_away = false;                  ///< ... but was not there
    bool member = false;     ///< publish, leave: whether the sender is in the topic; respond: whether
                             ///< the question is open, and its
    std::size_t members = 0; ///< publish: how many were
    unsigned answers = 0;
    errc answer = errc::ok;
    bool held = false, expired = false; ///< in a mailbox, and not fetched
    std::uint32_t response = 0;         ///< question: which respond answers it
    bool closed = false;                ///< question: it is over
    bool reply_lost = false;            ///< its reply could not be written, or not been seen

    struct taker {
        simulated_session* who;
        unsigned losses; ///< its losses before
        bool seen;       ///< the hub wrote it
        unsigned heard = 0;
    };
    std::vector<taker> takers{}; ///< the sessions that shall have it
};

} // namespace sigfire::inline v0_1::test
