// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/detail/failure_report.hpp>
#include <sigfire/admission/detail/ice_source.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using detail::failure_report, detail::ice_source;

struct fixture {
    ice_source s{{.share = 10s, .pause = 5s}, 3};
    time_point now{1h};
    std::vector<std::string> told;

    // Whether the caller has to ask the service.
    bool wait(const std::string& name) {
        bool question = false;
        s.wait([this, name](const rtc_lease& l) { told.push_back(name + ' ' + show(l)); }, question);
        return question;
    }
    // `a 100`: the configuration and the seconds of its life; `-`: a failure; `?`: it has to wait.
    std::string look(bool renewal = false) const {
        const auto l = s.look(now, renewal);
        return l ? show(*l) : "?";
    }
    static std::string show(const rtc_lease& l) {
        return l.configuration.empty()
                   ? "-"
                   : l.configuration + ' ' +
                         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(l.life).count());
    }
};

BOOST_FIXTURE_TEST_SUITE(ice_source_, fixture)

BOOST_AUTO_TEST_CASE(one_question_serves_all_who_wait) {
    BOOST_TEST(look() == "?");
    BOOST_TEST(wait("ann"));
    BOOST_TEST(!wait("bob"));
    s.answered({"a", 100s}, now);
    const std::vector<std::string> all{"ann a 100", "bob a 100"};
    BOOST_TEST(told == all, boost::test_tools::per_element());
    BOOST_TEST(s.waiting() == 0u);
    BOOST_TEST(look() == "a 100");
    now += 9s;
    BOOST_TEST(look() == "a 91"); // of what is left
    now += 1s;
    BOOST_TEST(look() == "?");
    BOOST_TEST(wait("cid"));
}

BOOST_AUTO_TEST_CASE(peers_get_at_least_half_of_a_life) {
    wait("ann");
    s.answered({"a", 10s}, now);
    now += 5s - 1ms;
    BOOST_TEST(look() == "a 5");
    now += 1ms;
    BOOST_TEST(look() == "?");
}

BOOST_AUTO_TEST_CASE(what_does_not_end_is_shared_too) {
    wait("ann");
    s.answered({"a", 0s}, now);
    now += 10s - 1ms;
    BOOST_TEST(look() == "a 0");
    now += 1ms;
    BOOST_TEST(look() == "?");
}

BOOST_AUTO_TEST_CASE(after_a_failure_the_last_one_serves_and_the_service_has_rest) {
    wait("ann");
    s.answered({}, now);
    BOOST_TEST(look() == "-");
    now += 5s - 1ms;
    BOOST_TEST(look() == "-");
    now += 1ms;
    BOOST_TEST(look() == "?");
    wait("bob");
    s.answered({"a", 100s}, now);
    now += 80s;
    wait("cid");
    s.answered({}, now);
    BOOST_TEST(look() == "a 20");
    BOOST_TEST(look(true) == "-"); // who has it already gains nothing
    now += 4s;
    BOOST_TEST(look() == "a 16");
    now += 1s;
    BOOST_TEST(look() == "?");
    now += 6s; // too little is left of it
    wait("dan");
    s.answered({}, now);
    BOOST_TEST(look() == "-");
    const std::vector<std::string> all{"ann -", "bob a 100", "cid a 20", "dan -"};
    BOOST_TEST(told == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(too_many_do_not_wait) {
    wait("ann"), wait("bob");
    BOOST_TEST(look() == "?");
    wait("cid");
    BOOST_TEST(look() == "-");
    s.forget(2);
    BOOST_TEST(look() == "?");
    s.answered({"a", 0s}, now);
    const std::vector<std::string> all{"ann a 0", "cid a 0"};
    BOOST_TEST(told == all, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(failures_are_reported_once_a_minute) {
    failure_report r;
    BOOST_TEST((r.failed(now) == 1u));
    now += 30s;
    BOOST_TEST(!r.failed(now).has_value());
    BOOST_TEST(!r.failed(now).has_value());
    now += 30s;
    BOOST_TEST((r.failed(now) == 3u));
    BOOST_TEST(!r.failed(now).has_value());
    r.worked();
    BOOST_TEST((r.failed(now) == 1u)); // the first one after a success
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
