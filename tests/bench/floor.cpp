// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The floor of WebSocket over TCP: PORT.
#include "floor.hpp"

int main(int argc, char** argv) {
    server<plain_socket, framing::websocket>(argc > 1 ? argv[1] : "0").run();
}
