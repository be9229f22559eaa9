// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant with metrics: their cost to a relayed message.
#include "contestant.hpp"

#include <sigfire/hub/hooks.hpp>
#include <sigfire/observe/metrics.hpp>

int main(int argc, char** argv) {
    return run_contestant(argc, argv, sigfire::hooks{sigfire::metrics{}});
}
