// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/random.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace {

using namespace sigfire::detail;

constexpr std::string_view id_alphabet = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

BOOST_AUTO_TEST_SUITE(random_ids)

BOOST_AUTO_TEST_CASE(drawn_ids_use_the_whole_alphabet_and_never_repeat) {
    id_source source;
    std::set<std::string> seen;
    std::set<char> used[id_size];
    for (int i = 0; i < 5000; ++i) {
        const auto id = source.draw();
        BOOST_TEST_REQUIRE(view(id).find_first_not_of(id_alphabet) == std::string_view::npos);
        for (std::size_t k = 0; k < id_size; ++k) used[k].insert(id[k]);
        BOOST_TEST_REQUIRE(seen.emplace(view(id)).second);
    }
    // 5,000 draws leave one of 64 characters out of a place with a probability below 1e-30.
    for (const auto& place : used) BOOST_TEST(place.size() == 64u);
}

BOOST_AUTO_TEST_CASE(two_sources_differ) {
    id_source a, b;
    BOOST_TEST((a.draw() != b.draw()));
}

BOOST_AUTO_TEST_CASE(message_ids_count_through_all_places) {
    id_chars start;
    start.fill('-');
    message_ids ids{start};
    std::set<std::string> seen;
    for (int i = 0; i < 64 * 64 * 3; ++i) {
        const auto id = ids.next();
        BOOST_TEST_REQUIRE(view(id).find_first_not_of(id_alphabet) == std::string_view::npos);
        BOOST_TEST_REQUIRE(seen.emplace(view(id)).second);
    }
    BOOST_TEST(*seen.begin() == "--------------------0");
    BOOST_TEST(*seen.rbegin() == "------------------2--");
}

BOOST_AUTO_TEST_CASE(message_ids_wrap_and_leave_the_prefix_alone) {
    id_chars start;
    start.fill('z');
    message_ids ids{start};
    const auto first = ids.next(), second = ids.next();
    BOOST_TEST(view(first) == "zzzzzzzzzz-----------"); // each is a text of its own
    BOOST_TEST(view(second) == "zzzzzzzzzz----------0");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
