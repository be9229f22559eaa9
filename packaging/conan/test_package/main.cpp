// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// What a consumer's first program does: include sigfire and use something of it.
#include <sigfire/sigfire.hpp>
#include <sigfire/version.hpp>

#include <cstdio>

int main() {
    std::printf("sigfire %s: %s\n", sigfire::version, sigfire::to_string(sigfire::errc::ok).data());
}
