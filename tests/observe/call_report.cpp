// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/observe/call_report.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string_view>

BOOST_AUTO_TEST_SUITE(call_reports)

BOOST_AUTO_TEST_CASE(each_finding_has_a_name_and_a_text) {
    std::set<std::string> names, texts;
    for (int i = 0; i <= static_cast<int>(sigfire::call_finding::ended); ++i) {
        sigfire::call_report r;
        r.finding = static_cast<sigfire::call_finding>(i);
        names.emplace(to_string(r.finding));
        texts.insert(r.text());
    }
    BOOST_TEST(names.size() == 20u);
    BOOST_TEST(texts.size() == 20u);
    sigfire::call_report r;
    r.finding = sigfire::call_finding::called_gone;
    r.cause = sigfire::errc::pong_timeout;
    BOOST_TEST(r.text() == "The called peer has disconnected, and sent no answer. Cause: No Pong in Time.");
}

// What hub and hooks make of it is in tests/observe/call_trace.cpp.
BOOST_AUTO_TEST_CASE(without_steps_nobody_was_seen) {
    BOOST_TEST((sigfire::explain_call({}).finding == sigfire::call_finding::caller_not_seen));
}

BOOST_AUTO_TEST_SUITE_END()
