// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The contestant under TLS: PORT and a PEM file with certificate and key.
#include "contestant.hpp"

#include <sigfire/net/tls.hpp>

int main(int, char** argv) {
    boost::asio::io_context ioc{1};
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    return run_server(ioc,
                      sigfire::tls{sigfire::websocket{ioc, {.port = port}}, {.certificates = {{argv[2]}}}});
}
