// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/error.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(error)

// A row per enumerator, in order, each with a name and text of its own.
BOOST_AUTO_TEST_CASE(every_code_has_its_row) {
    std::set<std::string_view> names, texts;
    std::size_t i = 0;
    for (const auto& row : detail::errc_table) {
        BOOST_TEST(static_cast<std::size_t>(row.code) == i++);
        const error_code ec = row.code;
        BOOST_TEST(ec.message() == row.text);
        BOOST_TEST(to_string(row.code) == row.text);
        BOOST_TEST(cause_name(row.code) == row.name);
        BOOST_TEST(names.insert(row.name).second, row.name);
        // `internal_error` tells the peer no more than Signal-Fire does
        BOOST_TEST(!std::string_view{row.text}.empty());
        BOOST_TEST(texts.insert(row.text).second, row.text);
        BOOST_TEST(std::string_view{ec.category().name()} == "sigfire");
    }
    BOOST_TEST(static_cast<std::size_t>(errc::ended) < std::size(detail::errc_table));
}

BOOST_AUTO_TEST_CASE(verdicts_are_not_failures) {
    for (const auto verdict : {errc::ok, errc::held, errc::forwarded, errc::deferred}) {
        BOOST_TEST(is_verdict(verdict));
        BOOST_TEST(!error_code{verdict}.failed());
    }
    for (const auto& row : detail::errc_table)
        if (!is_verdict(row.code)) BOOST_TEST(error_code{row.code}.failed());
}

BOOST_AUTO_TEST_CASE(each_failure_has_one_remedy) {
    for (const auto& row : detail::errc_table) {
        const error_code ec = row.code;
        int remedies = 0;
        for (const auto c : {condition::fix_request, condition::try_later, condition::reconnect,
                             condition::do_not_reconnect})
            remedies += ec == c;
        BOOST_TEST(remedies == (is_verdict(row.code) ? 0 : 1), row.name);
    }
    BOOST_TEST((error_code{errc::unknown} == condition::try_later));
    BOOST_TEST((error_code{errc::malformed} == condition::fix_request));
    BOOST_TEST((error_code{errc::lost} == condition::reconnect));
    BOOST_TEST((error_code{errc::id_in_use} == condition::do_not_reconnect));
}

BOOST_AUTO_TEST_CASE(conditions_have_texts) {
    std::set<std::string> texts;
    for (const auto c :
         {condition::fix_request, condition::try_later, condition::reconnect, condition::do_not_reconnect})
        BOOST_TEST(texts.insert(make_error_condition(c).message()).second);
    BOOST_TEST(std::string_view{make_error_condition(condition::reconnect).category().name()} ==
               "sigfire.condition");
    BOOST_TEST(make_error_condition(condition{}).message() == "no condition");
}

BOOST_AUTO_TEST_CASE(another_object_of_a_category_is_the_same_category) {
    const detail::errc_category mine;
    const detail::condition_category remedies;
    BOOST_TEST((error_code{static_cast<int>(errc::unknown), mine} == errc::unknown));
    BOOST_TEST((error_code{errc::unknown} ==
                boost::system::error_condition{static_cast<int>(condition::try_later), remedies}));
    BOOST_TEST(!(mine == remedies));
}

BOOST_AUTO_TEST_CASE(numbers_that_are_no_code) {
    const error_code ec{200, make_error_code(errc::ok).category()};
    BOOST_TEST(ec.failed());
    BOOST_TEST(ec.message() == to_string(errc::malformed));
}

BOOST_AUTO_TEST_CASE(causes_are_read_back) {
    BOOST_TEST((cause_from("unknown") == errc::unknown));
    BOOST_TEST((cause_from("Peer Not Found") == errc::unknown));
    BOOST_TEST((cause_from("held") == errc::denied));
    BOOST_TEST((cause_from("") == errc::denied));
    BOOST_TEST((cause_from("some text of tomorrow") == errc::denied));
}

BOOST_AUTO_TEST_CASE(results_carry_either) {
    const result<int> good = 7, bad = make_error_code(errc::full);
    BOOST_TEST((good && *good == 7));
    BOOST_TEST((!bad && bad.error() == errc::full));
}

BOOST_AUTO_TEST_SUITE_END()
