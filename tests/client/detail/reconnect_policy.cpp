// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/reconnect_policy.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace std::literals;
using sigfire::errc, sigfire::error_code, sigfire::time_point;
using policy = sigfire::detail::reconnect_policy;

constexpr time_point now{100s};

} // namespace

BOOST_AUTO_TEST_SUITE(reconnect_policy)

BOOST_AUTO_TEST_CASE(intervals_grow_to_a_bound) {
    policy p{{.interval = 500ms, .multiplier = 3, .max_interval = 10s, .jitter = 0}};
    std::vector<long> waits;
    for (int i = 0; i < 5; ++i)
        waits.push_back(static_cast<long>((p.next(errc::lost, 0, now, 0.7) - now) / 1ms));
    BOOST_TEST(waits == (std::vector<long>{500, 1500, 4500, 10000, 10000}), boost::test_tools::per_element());
    p.succeeded(now);
    BOOST_TEST((p.next(errc::lost, 0, now + 10s, 0) == now + 10s + 500ms));
    policy for_ever{{.jitter = 0}};
    for (int i = 0; i < 5000; ++i) (void)for_ever.next(errc::lost, 0, now, 0);
    BOOST_TEST((for_ever.next(errc::lost, 0, now, 0) == now + 30s)); // 2^5000 is no number
}

BOOST_AUTO_TEST_CASE(a_server_that_welcomes_and_drops_is_left_alone_longer) {
    policy p{{.interval = 1s, .multiplier = 2, .max_interval = 60s, .jitter = 0}};
    auto at = now;
    for (const auto expected : {1s, 2s, 4s, 8s}) {
        p.succeeded(at);
        at += expected / 2 - 1ms; // it stands no longer than the interval before
        const auto next = p.next(errc::lost, 0, at, 0);
        BOOST_TEST((next - at == expected));
        at = next;
    }
    p.succeeded(at);
    at += 7999ms;
    BOOST_TEST((p.next(errc::lost, 0, at, 0) - at == 16s));
    p.succeeded(at);
    at += 16s;
    BOOST_TEST((p.next(errc::lost, 0, at, 0) - at == 1s));
}

BOOST_AUTO_TEST_CASE(chance_takes_its_share) {
    const auto wait = [](double jitter, double random) {
        return policy{{.interval = 1000ms, .jitter = jitter}}.next(errc::lost, 0, now, random) - now;
    };
    BOOST_TEST((wait(0.5, 0) == 1000ms));
    BOOST_TEST((wait(0.5, 1) == 500ms));
    BOOST_TEST((wait(0.25, 0.5) == 875ms));
    BOOST_TEST((wait(1, 1) == 0ms));
    BOOST_TEST((wait(9, 1) == 0ms));
    BOOST_TEST((wait(-9, 1) == 1000ms));
}

BOOST_AUTO_TEST_CASE(attempts_are_counted_since_the_last_success) {
    policy p{{.max_attempts = 2}};
    const auto tries = [&] { return p.next(errc::lost, 0, now, 0) != time_point::max(); };
    BOOST_TEST((tries() && tries() && !tries() && !tries()));
    p.succeeded(now);
    BOOST_TEST((tries() && tries() && !tries()));
    BOOST_TEST((policy{{.max_attempts = 0}}.next(errc::lost, 0, now, 0) == time_point::max()));
}

BOOST_AUTO_TEST_CASE(some_causes_end_it) {
    enum { never, on_error, on_close };
    struct {
        error_code why;
        std::uint16_t close_code;
        int when;
    } const table[] = {
        {errc::lost, 0, on_error},
        {errc::closed, 0, on_error}, // no word was said
        {errc::closed, 1000, on_close},
        {errc::closed, 1005, on_error}, // an empty close
        {errc::closed, 1006, on_error},
        {errc::stopping, 1001, on_error},
        {errc::closed, 1011, on_error},
        {errc::stopping, 1012, on_error},
        {errc::overloaded, 1013, on_error},
        {errc::overloaded, 1014, on_error},
        {errc::closed, 3000, on_error},
        {errc::closed, 3999, on_error},
        {errc::closed, 4000, on_error},
        {errc::closed, 4100, on_error},
        {errc::malformed, 1003, never},
        {errc::bad_utf8, 1007, never},
        {errc::flood, 1008, never},
        {errc::bad_handshake, 1010, never},
        {errc::protocol_violation, 1002, never},
        {errc::denied, 4001, on_error}, // the code decides
        {errc::lost, 1008, never},
        {errc::slow_consumer, 4001, on_error},
        {errc::connect_timeout, 0, on_error},
        {errc::welcome_timeout, 0, on_error},
        {errc::rate, 0, on_error}, // 429
        {boost::asio::error::connection_refused, 0, on_error},
        {boost::asio::error::host_not_found, 0, on_error},
        {errc::internal_error, 4500, on_error},
        {errc::internal_error, 4599, on_error},
        {errc::rate, 4400, never},
        {errc::lost, 4499, never},
        {errc::lost, 4600, never},
        {errc::lost, 4999, never},
        {errc::lost, 4399, on_error},
        {errc::denied, 0, never},
        {errc::replaced, 4601, never},
        {errc::id_in_use, 0, never},
        {errc::forbidden_origin, 0, never},
        {errc::bad_welcome, 0, never},
        {errc::bad_url, 0, never},
        {errc::protocol_violation, 0, never},
        {errc::too_large, 1009, never},
        {boost::asio::error::operation_aborted, 0, never},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.why << ' ' << row.close_code) {
            const auto tries = [&](bool error, bool close) {
                policy p{{.on_error = error, .on_close = close}};
                return p.next(row.why, row.close_code, now, 0) != time_point::max();
            };
            BOOST_TEST(tries(true, true) == (row.when != never));
            BOOST_TEST(tries(true, false) == (row.when == on_error));
            BOOST_TEST(tries(false, true) == (row.when == on_close));
            BOOST_TEST(!tries(false, false));
        }
}

BOOST_AUTO_TEST_SUITE_END()
