// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/observe/prometheus_text.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <string>

BOOST_AUTO_TEST_SUITE(prometheus_texts)

BOOST_AUTO_TEST_CASE(samples_of_a_name_stand_together) {
    sigfire::prometheus_text r;
    r.counter("a_total", "First.", std::uint64_t{1}, {{"x", "1"}});
    r.gauge("b", "Second.", std::uint64_t{2});
    r.counter("a_total", "First.", std::uint64_t{18446744073709551615u}, {{"x", "2"}, {"y", "z"}});
    r.gauge("process_c", "Third.", 0.5);
    BOOST_TEST(r.text() ==
               "# HELP sigfire_a_total First.\n# TYPE sigfire_a_total counter\n"
               "sigfire_a_total{x=\"1\"} 1\nsigfire_a_total{x=\"2\",y=\"z\"} 18446744073709551615\n"
               "# HELP sigfire_b Second.\n# TYPE sigfire_b gauge\nsigfire_b 2\n"
               "# HELP process_c Third.\n# TYPE process_c gauge\nprocess_c 0.5\n");
}

BOOST_AUTO_TEST_CASE(values_of_labels_are_escaped) {
    sigfire::prometheus_text r;
    r.gauge("a", "h", std::uint64_t{1}, {{"x", "a\"b\\c\nd\xc3\xa9"}});
    BOOST_TEST(r.text().find("{x=\"a\\\"b\\\\c\\nd\xc3\xa9\"} 1\n") != std::string::npos, r.text());
}

BOOST_AUTO_TEST_CASE(histograms_add_up) {
    sigfire::prometheus_text r;
    r.histogram("t_seconds", "h", std::array{0.001, 0.25}, std::array{3, 0, 2}, 7.5);
    BOOST_TEST(r.text() ==
               "# HELP sigfire_t_seconds h\n# TYPE sigfire_t_seconds histogram\n"
               "sigfire_t_seconds_bucket{le=\"0.001\"} 3\nsigfire_t_seconds_bucket{le=\"0.25\"} 3\n"
               "sigfire_t_seconds_bucket{le=\"+Inf\"} 5\nsigfire_t_seconds_sum 7.5\n"
               "sigfire_t_seconds_count 5\n");
}

BOOST_AUTO_TEST_CASE(an_empty_one_is_empty) {
    BOOST_TEST(sigfire::prometheus_text{}.text() == "");
    sigfire::prometheus_text r;
    r.counter("s_total", "h", 1e21);
    BOOST_TEST(r.text().ends_with("sigfire_s_total 1e+21\n"));
}

BOOST_AUTO_TEST_SUITE_END()
