// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant on a Unix socket: PATH.
#include "contestant.hpp"

#include <sigfire/net/unix_socket.hpp>

int main(int, char** argv) {
    boost::asio::io_context ioc{1};
    return run_server(ioc, sigfire::unix_socket{ioc, {.path = argv[1]}});
}
