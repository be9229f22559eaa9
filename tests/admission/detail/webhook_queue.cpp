// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/detail/webhook_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::webhook_queue;

struct fixture {
    webhook_queue q{{.events = 4, .batch = 2, .attempts = 3, .back_off = 1s, .longest_back_off = 3s}};
    time_point now{1h};

    // `1: [a,b] lost 2`; empty: nothing is to be sent.
    std::string take() {
        const auto b = q.take(now);
        return b ? std::to_string(b->number) + ": " + b->events +
                       (b->lost ? " lost " + std::to_string(b->lost) : "")
                 : "";
    }
    clock::duration pause() const { return q.deadline() - now; }
};

BOOST_FIXTURE_TEST_SUITE(webhook_queue_, fixture)

BOOST_AUTO_TEST_CASE(events_go_in_order_one_batch_at_a_time) {
    BOOST_TEST(take() == "");
    BOOST_TEST((q.deadline() == time_point::max()));
    q.push("a"), q.push("b"), q.push("c");
    BOOST_TEST((q.deadline() <= now));
    BOOST_TEST(take() == "1: [a,b]");
    BOOST_TEST(take() == ""); // it is on its way
    BOOST_TEST((q.deadline() == time_point::max()));
    q.push("d");
    q.sent();
    BOOST_TEST(take() == "3: [c,d]");
    q.sent();
    BOOST_TEST((q.empty() && take() == ""));
    q.push("e");
    BOOST_TEST(take() == "5: [e]");
}

BOOST_AUTO_TEST_CASE(a_failed_batch_is_tried_again_unchanged_after_a_pause_that_doubles) {
    webhook_queue many{{.events = 9, .batch = 2, .attempts = 9, .back_off = 1s, .longest_back_off = 3s}};
    q = many;
    q.push("a");
    BOOST_TEST(take() == "1: [a]");
    q.push("b");
    BOOST_TEST(!q.failed(now, 1));
    BOOST_TEST((pause() == 1s));
    now += 999ms;
    BOOST_TEST(take() == "");
    now += 1ms;
    BOOST_TEST(take() == "1: [a]"); // the same batch, so that its number tells a repetition
    q.failed(now, 1);
    BOOST_TEST((pause() == 2s));
    now += 2s, take(), q.failed(now, 1);
    BOOST_TEST((pause() == 3s));
    now += 3s, take(), q.failed(now, 1);
    BOOST_TEST((pause() == 3s));
    now += 3s, take(), q.sent();
    BOOST_TEST(take() == "2: [b]");
    q.failed(now, 1);
    BOOST_TEST((pause() == 1s)); // a success ends the growth
}

BOOST_AUTO_TEST_CASE(jitter_takes_at_most_half_of_a_pause) {
    q.push("a"), take(), q.failed(now, 0);
    BOOST_TEST((pause() == 500ms));
    now += 500ms, take(), q.failed(now, 0.5);
    BOOST_TEST((pause() == 1500ms));
}

BOOST_AUTO_TEST_CASE(the_service_may_ask_for_a_longer_pause) {
    q.push("a"), take(), q.failed(now, 0, 2s);
    BOOST_TEST((pause() == 2s));
    now += 2s, take(), q.failed(now, 0, 1h);
    BOOST_TEST((pause() == 3s));
}

BOOST_AUTO_TEST_CASE(after_the_last_attempt_the_events_are_lost_and_the_next_batch_says_so) {
    for (const auto e : {"a", "b", "c"}) q.push(e);
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(take() == "1: [a,b]");
        BOOST_TEST(q.failed(now, 1) == (i == 2));
        now += 3s;
    }
    BOOST_TEST((q.lost() == 2u && q.size() == 1u));
    BOOST_TEST(take() == "3: [c] lost 2");
    q.failed(now, 1), now += 3s;
    BOOST_TEST(take() == "3: [c] lost 2");
    q.sent();
    q.push("d");
    BOOST_TEST(take() == "4: [d]");
    BOOST_TEST(q.lost() == 2u);
}

BOOST_AUTO_TEST_CASE(a_lost_batch_does_not_hurry_the_next) {
    q.push("a"), q.push("b"), q.push("c");
    for (int i = 0; i < 3; ++i) take(), q.failed(now, 1), now += 1h;
    now -= 1h;
    BOOST_TEST((pause() == 3s));
}

BOOST_AUTO_TEST_CASE(a_full_queue_loses_the_newest) {
    for (const auto e : {"a", "b", "c", "d", "e", "f"}) q.push(e);
    BOOST_TEST((q.size() == 4u && q.lost() == 2u));
    BOOST_TEST(take() == "1: [a,b] lost 2");
    q.push("g"); // while the batch is on its way: told by the next
    q.sent();
    BOOST_TEST(take() == "3: [c,d] lost 1");
}

BOOST_AUTO_TEST_CASE(at_the_end_each_event_has_one_attempt) {
    for (const auto e : {"a", "b", "c"}) q.push(e);
    take(), q.failed(now, 1);
    q.stop();
    BOOST_TEST((q.deadline() <= now));
    BOOST_TEST(take() == "1: [a,b]");
    q.sent();
    BOOST_TEST(take() == "3: [c]");
    q.push("d");
    BOOST_TEST(q.failed(now, 1));
    BOOST_TEST((q.empty() && q.lost() == 2u));
    BOOST_TEST((q.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
