// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <mylib.hpp>
#include <sigfire/version.hpp>

#include <cstdio>

int main() {
    if (!mylib_check()) std::printf("sigfire %s: OK\n", sigfire::version);
}
