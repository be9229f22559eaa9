// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// A program of the one header and nothing else.
#include "sigfire.hpp"

const char* text_of_other_file();

int main() {
    std::printf("sigfire %s: %s\n", sigfire::version, text_of_other_file());
}
