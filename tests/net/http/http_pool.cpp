// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/http_pool.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::http_pool, detail::http_pool_limits;
using script = std::vector<std::string>;

struct fixture {
    http_pool pool;
    time_point now{1h};

    explicit fixture(http_pool_limits limits = {.connections = 3, .per_origin = 2, .waiting = 2})
        : pool{limits} {}

    // `1 on 2`: request 1 uses connection 2; `1 opens 2`; `close 2`.
    script assign() {
        script out;
        pool.assign(
            [&](auto request, auto connection, bool fresh) {
                out.push_back(std::to_string(request) + (fresh ? " opens " : " on ") +
                              std::to_string(connection));
            },
            [&](auto connection) { out.push_back("close " + std::to_string(connection)); });
        return out;
    }
    script submit(http_pool::number request, const std::string& origin) {
        if (!pool.submit(request, origin)) return {"full"};
        return assign();
    }
    script expire() {
        script out;
        pool.expire(now, [&](auto connection) { out.push_back("close " + std::to_string(connection)); });
        return out;
    }
};

void same(const script& got, const script& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

BOOST_AUTO_TEST_SUITE(http_pool_)

BOOST_AUTO_TEST_CASE(an_idle_connection_to_the_origin_is_used_again) {
    fixture f;
    same(f.submit(1, "a"), {"1 opens 1"});
    f.pool.idle(1, f.now + 1s);
    same(f.submit(2, "b"), {"2 opens 2"});
    same(f.submit(3, "a"), {"3 on 1"});
    f.pool.gone(1);
    same(f.submit(4, "a"), {"4 opens 3"});
    BOOST_TEST(f.pool.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(the_connection_used_last_is_used_first) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a");
    f.pool.idle(2, f.now + 1s), f.pool.idle(1, f.now + 1s);
    same(f.submit(3, "a"), {"3 on 1"});
    same(f.submit(4, "a"), {"4 on 2"});
}

BOOST_AUTO_TEST_CASE(each_origin_has_its_bound_and_requests_wait_in_order) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a");
    same(f.submit(3, "a"), {});
    same(f.submit(4, "a"), {});
    BOOST_TEST(f.pool.waiting() == 2u);
    same(f.submit(5, "a"), {"full"});
    same(f.submit(6, "b"), {"6 opens 3"}); // it need not wait, so a full queue does not matter
    f.pool.idle(2, f.now + 1s);
    same(f.assign(), {"3 on 2"});
    f.pool.gone(1);
    same(f.assign(), {"4 opens 4"});
    BOOST_TEST(f.pool.waiting() == 0u);
}

BOOST_AUTO_TEST_CASE(all_origins_share_a_bound) {
    fixture f{{.connections = 2, .per_origin = 2, .waiting = 1}};
    f.submit(1, "a"), f.submit(2, "b");
    same(f.submit(3, "c"), {});
    same(f.submit(4, "d"), {"full"});
    f.pool.gone(1);
    same(f.assign(), {"3 opens 3"});
}

BOOST_AUTO_TEST_CASE(an_idle_connection_makes_room_for_another_origin) {
    fixture f{{.connections = 2, .per_origin = 2, .waiting = 1}};
    f.submit(1, "a"), f.submit(2, "b");
    f.pool.idle(2, f.now + 1s), f.pool.idle(1, f.now + 2s);
    same(f.submit(3, "c"), {"close 2", "3 opens 3"}); // the one that was used longest ago
    same(f.submit(4, "d"), {"close 1", "4 opens 4"});
    BOOST_TEST(f.pool.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(a_new_request_does_not_overtake_one_to_its_origin) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a"), f.submit(3, "a"), f.submit(4, "a");
    f.pool.idle(1, f.now + 1s); // not assigned yet
    BOOST_TEST(!f.pool.submit(5, "a"));
    same(f.assign(), {"3 on 1"});
}

BOOST_AUTO_TEST_CASE(a_busy_origin_holds_up_no_other) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a"), f.submit(3, "a");
    same(f.submit(4, "b"), {"4 opens 3"});
    same(f.submit(5, "b"), {});
    f.pool.idle(3, f.now + 1s);
    same(f.assign(), {"5 on 3"});
    BOOST_TEST(f.pool.waiting() == 1u);
}

BOOST_AUTO_TEST_CASE(a_second_try_goes_first_and_on_a_new_connection) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a"), f.submit(3, "a");
    f.pool.idle(2, f.now + 1s);
    f.pool.gone(1);
    f.pool.retry(1, "a");
    same(f.assign(), {"1 opens 3", "3 on 2"});
    // With only used connections left, one of them makes room.
    fixture g{{.connections = 2, .per_origin = 1, .waiting = 2}};
    g.submit(1, "a");
    g.pool.idle(1, g.now + 1s);
    g.pool.retry(2, "a");
    same(g.assign(), {"close 1", "2 opens 2"});
}

BOOST_AUTO_TEST_CASE(a_request_that_waits_can_be_withdrawn) {
    fixture f;
    f.submit(1, "a"), f.submit(2, "a"), f.submit(3, "a"), f.submit(4, "a");
    BOOST_TEST(f.pool.withdraw(3));
    BOOST_TEST(!f.pool.withdraw(3));
    BOOST_TEST(!f.pool.withdraw(1)); // it has a connection
    f.pool.idle(1, f.now + 1s);
    same(f.assign(), {"4 on 1"});
}

BOOST_AUTO_TEST_CASE(idle_connections_close_in_time) {
    fixture f;
    BOOST_TEST((f.pool.deadline() == time_point::max()));
    f.submit(1, "a"), f.submit(2, "a"), f.submit(3, "b");
    f.pool.idle(1, f.now + 2s), f.pool.idle(2, f.now + 1s);
    BOOST_TEST((f.pool.deadline() == f.now + 1s));
    f.now += 999ms;
    same(f.expire(), {});
    f.now += 1ms;
    same(f.expire(), {"close 2"});
    f.now += 1h;
    same(f.expire(), {"close 1"});
    BOOST_TEST(f.pool.connections() == 1u); // the one in use stays
    f.pool.idle(2, f.now + 1s);             // it is closed already
    BOOST_TEST((f.pool.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
