// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant: a server as the first example has it.
#include "contestant.hpp"

int main(int argc, char** argv) {
    return run_contestant(argc, argv);
}
