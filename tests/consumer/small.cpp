// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The least program that needs sigfire's headers and Boost's, compiled in a second.
#include <sigfire/core/error.hpp>
#include <sigfire/version.hpp>

#include <cstdio>

int main() {
    std::printf("sigfire %s: %s\n", sigfire::version, sigfire::to_string(sigfire::errc::ok).data());
}
