// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/detail/slots.hpp>

#include <boost/test/unit_test.hpp>

#include <deque>
#include <memory>
#include <string>

namespace {

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(slots)

struct pair_of_pointers {
    void *a, *b;
};
struct three_pointers {
    void *a, *b, *c;
};
static_assert(sizeof(slot<pair_of_pointers>) == 64);
static_assert(sizeof(slot<three_pointers>) == 64);

BOOST_AUTO_TEST_CASE(ids_of_every_length_come_back) {
    id_text id;
    BOOST_TEST(id.view().empty());
    for (std::size_t n = 0; n <= 300; ++n) {
        const std::string text(n, static_cast<char>('a' + n % 26));
        id.assign(text);
        BOOST_TEST_REQUIRE(id.view() == text);
        const auto at = reinterpret_cast<const char*>(&id);
        const bool inside = id.view().data() >= at && id.view().data() < at + sizeof id;
        BOOST_TEST(inside == (n <= 23));
    }
    id.clear();
    BOOST_TEST(id.view().empty());
}

BOOST_AUTO_TEST_CASE(slots_are_used_again_under_a_new_generation) {
    slot_table<int> table;
    const auto i = table.add(1, "a", standing::online);
    const auto old = table.handle(i);
    BOOST_TEST(static_cast<bool>(old));
    BOOST_TEST(table.find(old)->way == 1);
    table.remove(i);
    BOOST_TEST(table.find(old) == nullptr);
    BOOST_TEST(table.add(2, "b", standing::online) == i);
    BOOST_TEST(table.find(old) == nullptr);
    BOOST_TEST(table.find(table.handle(i))->id.view() == "b");
}

BOOST_AUTO_TEST_CASE(a_handle_never_handed_out_finds_nobody) {
    slot_table<int> table;
    BOOST_TEST(table.find({}) == nullptr);
    BOOST_TEST(table.find({5, 1}) == nullptr);
    table.add(1, "a", standing::online);
    BOOST_TEST(table.find({}) == nullptr);
    BOOST_TEST(table.find({1, 1}) == nullptr);
    BOOST_TEST(table.find({0xffffffff, 1}) == nullptr);
}

BOOST_AUTO_TEST_CASE(addresses_stay) {
    slot_table<std::uint32_t> table;
    std::deque<std::pair<std::uint32_t, std::string_view>> ids;
    for (std::uint32_t n = 0; n < 2000; ++n) {
        const auto i = table.add(n, std::to_string(n), standing::online);
        ids.emplace_back(i, table[i].id.view());
    }
    for (std::uint32_t n = 0; n < 2000; ++n) {
        BOOST_TEST_REQUIRE(ids[n].second == std::to_string(n));
        BOOST_TEST_REQUIRE(table[ids[n].first].way == n);
    }
}

BOOST_AUTO_TEST_CASE(a_slot_that_had_every_generation_is_never_let_again) {
    slot_table<int> table;
    const auto i = table.add(1, "a", standing::online);
    table[i].generation = 0xffffffff;
    const auto last = table.handle(i);
    table.remove(i);
    BOOST_TEST(table.find(last) == nullptr);
    BOOST_TEST(table.find({i, 0}) == nullptr);
    for (int n = 0; n < 500; ++n) BOOST_TEST_REQUIRE(table.add(1, "b", standing::online) != i);
}

BOOST_AUTO_TEST_CASE(channels_live_as_long_as_their_tenants) {
    const auto alive = std::make_shared<int>();
    {
        slot_table<std::shared_ptr<int>> table;
        const auto i = table.add(alive, "a", standing::online);
        table.add(alive, std::string(100, 'b'), standing::claimant);
        BOOST_TEST(alive.use_count() == 3);
        table.remove(i);
        BOOST_TEST(alive.use_count() == 2);
    }
    BOOST_TEST(alive.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
