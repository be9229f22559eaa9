// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/http_rules.hpp>

#include "support/print_errc.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace {

using namespace sigfire;
using namespace sigfire::detail;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(http_rules)

BOOST_AUTO_TEST_CASE(methods_names_and_values) {
    for (const auto m : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) BOOST_TEST(is_idempotent(m), m);
    for (const auto m : {"POST", "PATCH", "get", ""}) BOOST_TEST(!is_idempotent(m), m);
    BOOST_TEST((is_http_token("X-a_1") && is_http_token("!") && !is_http_token("") && !is_http_token("a b") &&
                !is_http_token("a:") && !is_http_token("a\r") && !is_http_token("\xc3\xa9")));
    BOOST_TEST((is_field_value("") && is_field_value("a\tb \xc3\xa9") && !is_field_value("a\r\nb") &&
                !is_field_value(std::string(1, '\0')) && !is_field_value("\x7f")));
}

BOOST_AUTO_TEST_CASE(retry_after_is_seconds_or_a_date) {
    using namespace std::chrono;
    const system_clock::time_point now = sys_days{year{1994} / 11 / 6} + 8h + 49min + 7s;
    const struct {
        std::string text;
        std::int64_t seconds; // -1: none
    } rows[] = {
        {"0", 0},
        {" 120 ", 120},
        {"999999999", 999'999'999},
        {"9999999999", -1},
        {"-1", -1},
        {"1.5", -1},
        {"", -1},
        {"soon", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 30},
        {"Mon, 07 Nov 1994 08:49:07 GMT", 86'400},
        {"Sun, 06 Nov 1994 08:49:06 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sat, 01 Jan 0000 00:00:00 GMT", 0},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 999'999'999},
        {"Sun, 31 Feb 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 24:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:60:37 GMT", -1},
        {"Sun, 06 Noo 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 CET", -1},
        {"Sun, 06 Nov 1994 08-49-37 GMT", -1},
        {"Sun, 0x Nov 1994 08:49:37 GMT", -1},
    };
    for (const auto& row : rows) {
        const auto read = parse_retry_after(row.text, now);
        BOOST_TEST((read ? read->count() : -1) == row.seconds, row.text);
    }
}

BOOST_AUTO_TEST_CASE(the_server_may_shorten_the_idle_time) {
    BOOST_TEST((idle_time("", 30s) == 30s));
    BOOST_TEST((idle_time("timeout=5", 30s) == 4s));
    BOOST_TEST((idle_time("max=100, Timeout = 5", 30s) == 4s));
    BOOST_TEST((idle_time("timeout=60", 30s) == 30s));
    BOOST_TEST((idle_time("timeout=1", 30s) == 0s));
    BOOST_TEST((idle_time("timeout=0", 30s) == 0s));
    BOOST_TEST((idle_time("timeout=x", 30s) == 30s));
    BOOST_TEST((idle_time("timeout", 30s) == 30s));
}

const http_time_limits limits{5s, 10s, 12s};

BOOST_AUTO_TEST_CASE(each_step_has_its_limit) {
    const time_point now{1h};
    http_attempt a{limits, true, now};
    BOOST_TEST((a.deadline() == now + 12s)); // it waits for a connection
    a.connecting(now + 1s);
    BOOST_TEST((a.deadline() == now + 6s));
    BOOST_TEST(a.expired(now + 6s - 1ms) == errc::ok);
    BOOST_TEST(a.expired(now + 6s) == errc::connect_timeout);
    a.sending(now + 2s, false);
    BOOST_TEST((a.deadline() == now + 12s));
    BOOST_TEST(a.expired(now + 12s - 1ms) == errc::ok);
    BOOST_TEST(a.expired(now + 12s) == errc::request_timeout);
    http_attempt b{limits, true, now};
    b.sending(now, true);
    BOOST_TEST((b.deadline() == now + 10s));
    BOOST_TEST(b.expired(now + 10s) == errc::request_timeout);
}

BOOST_AUTO_TEST_CASE(the_whole_limit_counts_while_it_connects) {
    const time_point now{1h};
    http_attempt a{limits, true, now};
    a.connecting(now + 11s);
    BOOST_TEST((a.deadline() == now + 12s));
    BOOST_TEST(a.expired(now + 12s) == errc::request_timeout);
}

BOOST_AUTO_TEST_CASE(one_more_try_after_a_stale_connection) {
    const time_point now{1h};
    const auto tries = [&](bool idempotent, bool reused, bool begun) {
        http_attempt a{limits, idempotent, now};
        if (!reused) a.connecting(now);
        a.sending(now, reused);
        return a.retries(begun);
    };
    BOOST_TEST(tries(true, true, false));
    BOOST_TEST(!tries(false, true, false)); // the server may have acted
    BOOST_TEST(!tries(true, false, false)); // a new connection is not stale
    BOOST_TEST(!tries(true, true, true));   // the server has answered
    http_attempt a{limits, true, now};
    a.sending(now, true);
    BOOST_TEST(a.retries(false));
    BOOST_TEST((a.deadline() == now + 12s)); // the limit of the answer is off until it is sent again
    a.sending(now, true);
    BOOST_TEST(!a.retries(false));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
