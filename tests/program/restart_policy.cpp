// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/restart_policy.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(program_restart_policy)

struct parent {
    restart_policy policy{};
    restart_policy::time_point now{100s};

    // A worker that lives so long, and serves if told to.
    std::optional<restart_policy::milliseconds> life(std::chrono::milliseconds length, int status,
                                                     bool serves = true) {
        policy.started(now);
        if (serves) policy.serves();
        now += length;
        return policy.ended(now, status);
    }
};

BOOST_AUTO_TEST_CASE(pauses_grow_up_to_a_minute) {
    parent p;
    for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16'000ms, 32'000ms, 60'000ms, 60'000ms})
        BOOST_TEST((p.life(1s, -11) == pause));
    BOOST_TEST(p.policy.restarts() == 9);
}

BOOST_AUTO_TEST_CASE(a_long_life_begins_anew) {
    parent p;
    p.life(1s, 1);
    p.life(59'999ms, 1);
    BOOST_TEST((p.life(59'999ms, 1) == 2000ms));
    BOOST_TEST((p.life(60s, 1) == 500ms));
}

BOOST_AUTO_TEST_CASE(a_long_start_is_no_long_life) {
    parent p;
    p.life(1s, 1);
    BOOST_TEST((p.life(90s, 1, false) == 1000ms));
}

BOOST_AUTO_TEST_CASE(some_ends_are_final) {
    parent p;
    BOOST_TEST(!p.life(1h, 1, false).has_value()); // nobody has served yet
    BOOST_TEST(p.life(1s, -9).has_value());
    BOOST_TEST(!p.life(1s, 0).has_value());
    BOOST_TEST(!p.life(1s, restart_policy::wrong_settings).has_value());
    BOOST_TEST(p.life(1s, 1, false).has_value()); // the address may be free soon
    BOOST_TEST(p.policy.restarts() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
