// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The floor of messages behind their length over a Unix socket: PATH.
#include "floor.hpp"

int main(int, char** argv) {
    server<plain_socket, framing::length>(argv[1]).run();
}
