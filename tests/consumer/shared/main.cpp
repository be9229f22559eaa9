// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/error.hpp>
#include <sigfire/version.hpp>

#include <cstdio>

sigfire::error_code plugin_error();

// An error out of a shared object equals one's own, though each has categories of its own.
int main() {
    const auto ec = plugin_error();
    if (ec != sigfire::errc::unknown || ec != sigfire::condition::try_later) return 1;
    if (ec == sigfire::errc::lost || ec == sigfire::condition::do_not_reconnect) return 1;
    std::printf("sigfire %s: OK\n", sigfire::version);
}
