// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant with every part compiled in, none of which is used: the cost of that to a relayed message.
#include "contestant.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    return run_contestant(argc, argv, sigfire::topics{}, sigfire::presence{}, sigfire::requests{},
                          sigfire::sessions{}, sigfire::records{}, sigfire::resume{},
                          sigfire::mailbox{sigfire::direct_router{}, 5s});
}
