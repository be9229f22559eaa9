// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/event_sampler.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(log_event_sampler)

using told = std::vector<std::pair<std::string, std::uint64_t>>;

struct world {
    event_sampler sampler;
    event_sampler::time_point now{100s};
    told reports{};

    bool tell() {
        reports.clear();
        return sampler.tell(
            now, [this](std::string_view kind, std::uint64_t n) { reports.emplace_back(kind, n); });
    }
};

BOOST_AUTO_TEST_CASE(a_kind_has_its_lines_in_a_second) {
    world w{event_sampler{3}};
    for (int i = 0; i < 3; ++i) BOOST_TEST(w.sampler.admit("a", w.now));
    BOOST_TEST(!w.sampler.admit("a", w.now));
    w.now += 999ms;
    BOOST_TEST(!w.sampler.admit("a", w.now));
    w.now += 1ms;
    for (int i = 0; i < 3; ++i) BOOST_TEST(w.sampler.admit("a", w.now));
    BOOST_TEST(!w.sampler.admit("a", w.now));
}

BOOST_AUTO_TEST_CASE(kinds_do_not_share_their_lines) {
    world w{event_sampler{1}};
    BOOST_TEST(w.sampler.admit("a", w.now));
    BOOST_TEST(!w.sampler.admit("a", w.now));
    BOOST_TEST(w.sampler.admit("b", w.now));
}

BOOST_AUTO_TEST_CASE(every_suppressed_line_is_told_once) {
    world w{event_sampler{1}};
    for (int i = 0; i < 8; ++i) w.sampler.admit("a", w.now);
    for (int i = 0; i < 3; ++i) w.sampler.admit("b", w.now);
    BOOST_TEST(w.tell()); // their second is not over
    BOOST_TEST(w.reports.empty());
    w.now += 1s;
    BOOST_TEST(!w.tell());
    BOOST_TEST((w.reports == told{{"a", 7}, {"b", 2}}));
    BOOST_TEST(!w.tell());
    BOOST_TEST(w.reports.empty());
}

BOOST_AUTO_TEST_CASE(a_later_second_does_not_forget_the_count) {
    world w{event_sampler{1}};
    for (int i = 0; i < 3; ++i) w.sampler.admit("a", w.now);
    w.now += 2s;
    for (int i = 0; i < 3; ++i) w.sampler.admit("a", w.now);
    BOOST_TEST(w.tell());
    w.now += 1s;
    BOOST_TEST(!w.tell());
    BOOST_TEST((w.reports == told{{"a", 4}}));
}

BOOST_AUTO_TEST_CASE(the_end_of_time_tells_everything) {
    world w{event_sampler{1}};
    for (int i = 0; i < 3; ++i) w.sampler.admit("a", w.now);
    w.now = event_sampler::time_point::max();
    BOOST_TEST(!w.tell());
    BOOST_TEST((w.reports == told{{"a", 2}}));
}

BOOST_AUTO_TEST_CASE(zero_is_no_limit) {
    world w{event_sampler{0}};
    for (int i = 0; i < 100; ++i) BOOST_TEST(w.sampler.admit("a", w.now));
    w.sampler.set_limit(1);
    BOOST_TEST(w.sampler.admit("a", w.now));
    BOOST_TEST(!w.sampler.admit("a", w.now));
}

BOOST_AUTO_TEST_CASE(the_number_of_kinds_is_bounded) {
    world w{event_sampler{1}};
    for (int i = 0; i < 64; ++i) BOOST_TEST(w.sampler.admit("kind " + std::to_string(i), w.now));
    BOOST_TEST(w.sampler.admit("one more", w.now));
    for (int i = 0; i < 100; ++i) BOOST_TEST(!w.sampler.admit("more " + std::to_string(i), w.now));
    w.now += 1s;
    w.tell();
    BOOST_TEST((w.reports == told{{"other", 100}}));
    BOOST_TEST(w.sampler.admit("kind 1", w.now));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
