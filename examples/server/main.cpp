// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// The program `sigfire`: one hub behind any number of listeners, and a page to try it with.

#include "serve.hpp"
#include "settings.hpp"

#include <csignal>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    settings s;
    if (const auto exit_code = read_settings(argc, argv, s)) return *exit_code;
    try {
        return serve(s);
    } catch (const std::exception& e) { // a certificate that is of no use, say
        std::cerr << "sigfire: " << e.what() << '\n';
        return 1;
    }
}
