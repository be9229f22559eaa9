// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/framing/detail/incomplete.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace {

struct state {
    int n = 7;
};

using incomplete = sigfire::detail::incomplete<state>;

} // namespace

BOOST_AUTO_TEST_SUITE(detail_incomplete)

BOOST_AUTO_TEST_CASE(holds_nothing_at_first) {
    static_assert(sizeof(incomplete) == sizeof(void*));
    const incomplete none;
    BOOST_TEST(!none);
    BOOST_TEST(none.size() == 0u);
    BOOST_TEST(none.memory() == 0u);
}

BOOST_AUTO_TEST_CASE(keeps_bytes_and_state_while_it_grows) {
    incomplete held;
    std::string expected;
    for (int i = 0; i < 300; ++i) {
        const std::string more(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26));
        const auto at = held.append(more.data(), more.size(), 5000);
        BOOST_TEST(std::string_view(at, more.size()) == more);
        if (i == 0) BOOST_TEST(std::exchange(held->n, 8) == 7);
        expected += more;
    }
    BOOST_TEST(held->n == 8);
    BOOST_TEST(std::string_view(held.data(), held.size()) == expected);
    held.drop(10);
    BOOST_TEST(held.size() == expected.size() - 10);

    auto moved = std::move(held);
    BOOST_TEST(!held);
    BOOST_TEST(moved->n == 8);
    moved.reset();
    BOOST_TEST(moved.memory() == 0u);
}

BOOST_AUTO_TEST_CASE(at_most_doubles_and_stops_where_the_end_is_known) {
    const std::string kilo(1000, 'k');
    incomplete held;
    held.append(nullptr, 0, 1 << 20);
    const auto least = held.memory();
    BOOST_TEST(least < 256u);
    held.append(kilo.data(), kilo.size(), 1 << 20);
    held.append(kilo.data(), 1, 1 << 20);
    BOOST_TEST(held.memory() <= least + 2000);
    held.append(kilo.data(), kilo.size(), 2001);
    BOOST_TEST(held.memory() <= least + 2001);
}

BOOST_AUTO_TEST_SUITE_END()
