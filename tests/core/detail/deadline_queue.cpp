// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/deadline_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;

struct bench {
    detail::deadline_queue<int> queue;
    std::set<int> open;
    time_point now{1h};

    auto is_open() {
        return [this](int key) { return open.contains(key); };
    }
    void add(int key, clock::duration in) {
        open.insert(key);
        queue.add(now + in, key, open.size(), is_open());
    }
    std::vector<int> due() {
        std::vector<int> keys;
        next = queue.expire(now, is_open(), [&](int key) {
            open.erase(key);
            keys.push_back(key);
        });
        return keys;
    }
    time_point next{};
};

BOOST_AUTO_TEST_SUITE(deadline_queue)

BOOST_AUTO_TEST_CASE(open_entries_are_due_in_order_and_once) {
    bench b;
    BOOST_TEST(b.due().empty());
    BOOST_TEST((b.next == time_point::max()));
    for (int key = 1; key <= 4; ++key) b.add(key, key * 1s);
    b.open.erase(1);
    BOOST_TEST(b.due().empty());
    BOOST_TEST((b.next == b.now + 2s)); // the first is over already
    b.now += 3s;
    BOOST_TEST(b.due() == (std::vector{2, 3}));
    BOOST_TEST((b.next == b.now + 1s));
    b.now += 1s - 1ns;
    BOOST_TEST(b.due().empty());
    b.open.erase(4);
    BOOST_TEST(b.due().empty());
    BOOST_TEST((b.next == time_point::max()));
}

BOOST_AUTO_TEST_CASE(deadlines_come_in_any_order_and_equal_ones_as_they_were_added) {
    bench b;
    for (const int key : {5, 3, 9, 1, 7}) b.add(key, std::chrono::seconds{key});
    for (int key = 20; key < 40; ++key) b.add(key, 4s);
    b.open.erase(3);
    std::vector<int> expected{1};
    for (int key = 20; key < 40; ++key) expected.push_back(key);
    expected.push_back(5);
    b.now += 5s;
    BOOST_TEST(b.due() == expected);
    BOOST_TEST((b.next == b.now + 2s));
    // `f` may add: an entry due by then comes in the same call
    std::vector<int> keys;
    b.now += 2s;
    const auto next = b.queue.expire(b.now, b.is_open(), [&](int key) {
        keys.push_back(key);
        b.open.erase(key);
        if (key < 100) b.add(key + 100, 0s);
    });
    BOOST_TEST(keys == (std::vector{7, 107}));
    BOOST_TEST((next == b.now + 2s));
}

BOOST_AUTO_TEST_CASE(one_is_taken_at_a_time) {
    bench b;
    BOOST_TEST(!b.queue.take(b.now, b.is_open()));
    b.add(1, 1s);
    b.add(2, 1s);
    BOOST_TEST((b.queue.next(b.is_open()) == b.now + 1s));
    BOOST_TEST(!b.queue.take(b.now, b.is_open()));
    b.now += 1s;
    BOOST_TEST(b.queue.take(b.now, b.is_open()).value() == 1);
    b.open.erase(2);
    BOOST_TEST(!b.queue.take(b.now, b.is_open()));
    BOOST_TEST((b.queue.next(b.is_open()) == time_point::max()));
    BOOST_TEST(b.queue.size() == 0u);
}

BOOST_AUTO_TEST_CASE(things_that_come_and_go_leave_little_behind_an_open_one) {
    bench b;
    b.add(0, 1s);
    std::size_t most = 0;
    for (int key = 1; key <= 10'000; ++key) {
        b.add(key, 1s);
        if (key % 1000 != 0) b.open.erase(key);
        most = std::max(most, b.queue.size());
    }
    BOOST_TEST(most <= 16u + 2 * b.open.size() + 1);
    b.now += 1s;
    BOOST_TEST(b.due().size() == 11u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
