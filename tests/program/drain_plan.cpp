// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/drain_plan.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(program_drain_plan)

// The peers that leave in each step, once new ones are refused.
struct drained {
    std::vector<std::size_t> shed;
    std::chrono::steady_clock::duration refused_after{}, over_after{};
};

drained run(std::size_t peers, drain_plan::milliseconds delay, drain_plan::milliseconds spread) {
    const drain_plan::time_point start{100s};
    drain_plan plan{start, delay, spread};
    drained out;
    bool refused = false;
    for (auto now = start;;) {
        const auto step = plan.at(now, peers);
        if (step.refuse && !refused) out.refused_after = now - start;
        refused = step.refuse;
        BOOST_REQUIRE(step.shed <= peers);
        peers -= step.shed;
        if (refused) out.shed.push_back(step.shed);
        if (step.over) {
            out.over_after = now - start;
            BOOST_TEST(peers == 0u);
            return out;
        }
        BOOST_REQUIRE((step.next > now));
        now = step.next;
    }
}

BOOST_AUTO_TEST_CASE(many_peers_leave_evenly) {
    const auto d = run(10'000, 0ms, 5s);
    BOOST_TEST((d.refused_after == 0s));
    BOOST_TEST(d.shed.size() == 50u);
    BOOST_TEST(*std::max_element(d.shed.begin(), d.shed.end()) == 200u);
    BOOST_TEST(*std::min_element(d.shed.begin(), d.shed.end()) == 200u);
    BOOST_TEST((d.over_after == 4900ms));
}

BOOST_AUTO_TEST_CASE(few_peers_do_not_wait) {
    BOOST_TEST((run(3, 0ms, 5s).over_after == 0s));
    BOOST_TEST((run(20, 0ms, 5s).over_after == 0s));
    BOOST_TEST((run(21, 0ms, 5s).over_after == 100ms));
    const auto d = run(200, 0ms, 1h);
    BOOST_TEST((d.over_after == 900ms));
}

BOOST_AUTO_TEST_CASE(nobody_is_no_reason_to_wait_but_for_the_delay) {
    BOOST_TEST((run(0, 0ms, 5s).over_after == 0s));
    const auto d = run(0, 3s, 5s);
    BOOST_TEST((d.refused_after == 3s));
    BOOST_TEST((d.over_after == 3s));
}

BOOST_AUTO_TEST_CASE(the_delay_comes_first) {
    const auto d = run(10'000, 3s, 2s);
    BOOST_TEST((d.refused_after == 3s));
    BOOST_TEST(d.shed.size() == 20u);
    BOOST_TEST((d.over_after == 4900ms));
}

BOOST_AUTO_TEST_CASE(without_time_all_leave_at_once) {
    const auto d = run(10'000, 0ms, 0ms);
    BOOST_TEST((d.shed == std::vector<std::size_t>{10'000}));
    BOOST_TEST((d.over_after == 0s));
}

BOOST_AUTO_TEST_CASE(peers_that_leave_by_themselves_count) {
    const drain_plan::time_point start{100s};
    drain_plan plan{start, 0ms, 10s};
    BOOST_TEST(plan.at(start, 10'000).shed == 100u);
    const auto step = plan.at(start + 5s, 3000); // half of the time, less than half of the peers
    BOOST_TEST(step.shed == 0u);
    BOOST_TEST(!step.over);
    BOOST_TEST(plan.at(start + 5s, 5000).shed == 100u);
}

BOOST_AUTO_TEST_CASE(a_late_step_catches_up) {
    const drain_plan::time_point start{100s};
    drain_plan plan{start, 0ms, 10s};
    plan.at(start, 10'000);
    BOOST_TEST(plan.at(start + 4900ms, 9900).shed == 4900u);
    const auto last = plan.at(start + 20s, 5000);
    BOOST_TEST(last.shed == 5000u);
    BOOST_TEST(last.over);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
