// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant with every part compiled in, none of which is used: what that costs a relayed message.
#include "contestant.hpp"

#include <sigfire/mailbox.hpp>
#include <sigfire/presence.hpp>
#include <sigfire/records.hpp>
#include <sigfire/requests.hpp>
#include <sigfire/resume.hpp>
#include <sigfire/sessions.hpp>
#include <sigfire/topics.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    return run_contestant(argc, argv, sigfire::topics{}, sigfire::presence{}, sigfire::requests{},
                          sigfire::sessions{}, sigfire::records{}, sigfire::resume{},
                          sigfire::mailbox{sigfire::direct_router{}, 5s});
}
