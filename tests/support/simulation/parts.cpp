// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Random schedules for hubs with all that simulated peers make use of: they resume, join topics, ask each
// other, and leave messages for each other.
#include "support/long_run.hpp"
#include "support/simulation/simulation.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;

using parts = features<topics, requests, resume>;
using post = mailbox<direct_router>;

const auto make_hub = [](const test::simulation_options& o) {
    return test::simulated_hub<local_registry, post, no_log, no_hooks, parts>{
        o.hub, {}, post{direct_router{}, o.mailbox},
        {},    {}, parts{topics{}, requests{*o.requests}, resume{*o.resume}}};
};

BOOST_AUTO_TEST_SUITE(simulations_of_parts)

BOOST_AUTO_TEST_CASE(hubs_of_many_parts_keep_their_promises) {
    const std::uint64_t count = test::long_run() ? 1000 : 50;
    for (const bool yields : {false, true}) {
        test::simulation_options o;
        // Messages kept for a peer are sent at once, into one outbox.
        o.network.outbox = 30'000;
        o.resume = resume_options{.bytes = 15'000, .ids_claimable = yields};
        o.requests = requests_options{};
        o.topics = true;
        o.mailbox = 5s;
        const auto r = test::simulate_many(1, count, o, make_hub);
        BOOST_TEST(static_cast<bool>(r), r.text());
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
