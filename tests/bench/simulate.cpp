// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// simulate [COUNT [FIRST]]: plays that many random schedules (default 100,000 from seed 1) to a hub, and says
// how many a minute that is; the first that breaks a promise is printed. SIGFIRE_SIMULATION_SEED=n plays one,
// with its trace.
#include "support/simulation/simulation.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
    using namespace sigfire;
    const auto number = [&](int i, std::uint64_t otherwise) {
        return argc > i ? std::strtoull(argv[i], nullptr, 10) : otherwise;
    };
    const auto count = number(1, 100'000), first = number(2, 1);
    const auto start = std::chrono::steady_clock::now();
    const auto r = test::simulate_many(
        first, count, {}, [](const test::simulation_options& o) { return test::simulated_hub<>{o.hub}; });
    const std::chrono::duration<double, std::ratio<60>> minutes = std::chrono::steady_clock::now() - start;
    if (!r) {
        std::cout << r.text() << '\n';
        return 1;
    }
    std::cout << r.schedules << " schedules, "
              << static_cast<std::uint64_t>(static_cast<double>(r.schedules) / minutes.count())
              << " a minute: " << r.links << " connections, " << r.requests << " requests, " << r.answers
              << " replies, " << r.deliveries << " deliveries\n";
}
