// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/admission.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(admission)

BOOST_AUTO_TEST_CASE(notes_keep_one_value_of_each_type) {
    notes n;
    BOOST_TEST(n.empty());
    BOOST_TEST(n.find<int>() == nullptr);
    n.put(7);
    n.put(std::string{"seven"});
    BOOST_TEST(!n.empty());
    BOOST_TEST_REQUIRE(n.find<int>() != nullptr);
    BOOST_TEST(*n.find<int>() == 7);
    BOOST_TEST(*n.find<std::string>() == "seven");
    BOOST_TEST(n.find<long>() == nullptr);
    n.put(8);
    BOOST_TEST(*n.find<int>() == 8);
    BOOST_TEST(*n.find<std::string>() == "seven");
}

BOOST_AUTO_TEST_CASE(copies_of_notes_share_the_values_but_not_later_ones) {
    notes n;
    n.put(std::make_shared<int>(1));
    auto copy = n;
    BOOST_TEST(n.find<std::shared_ptr<int>>()->get() == copy.find<std::shared_ptr<int>>()->get());
    copy.put(std::string{"later"});
    copy.put(std::make_shared<int>(2));
    BOOST_TEST(n.find<std::string>() == nullptr);
    BOOST_TEST(**n.find<std::shared_ptr<int>>() == 1);
    n = {};
    BOOST_TEST(**copy.find<std::shared_ptr<int>>() == 2);
}

BOOST_AUTO_TEST_CASE(values_end_with_the_last_notes_that_have_them) {
    const auto value = std::make_shared<int>(1);
    {
        notes n;
        n.put(value);
        const auto copy = n;
        n = {};
        BOOST_TEST(value.use_count() == 2);
    }
    BOOST_TEST(value.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_refusal_owns_its_texts) {
    refusal r{429, 4429, "slow down", "bye", std::chrono::seconds{3}};
    const ending how = r;
    BOOST_TEST(how.http_status == 429u);
    BOOST_TEST(how.close_code == 4429);
    BOOST_TEST(how.text == "slow down");
    BOOST_TEST(how.last_message == "bye");
    BOOST_TEST(how.retry_after.count() == 3);
    BOOST_TEST(how.text.data() == r.text.data());
}

BOOST_AUTO_TEST_CASE(parties_have_numbers_of_their_own_on_all_threads) {
    std::vector<std::uint32_t> numbers(4 * 100);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t)
        threads.emplace_back([&numbers, t] {
            for (std::size_t i = 0; i < 100; ++i) numbers[t * 100 + i] = party::fresh_number();
        });
    for (auto& t : threads) t.join();
    std::sort(numbers.begin(), numbers.end());
    BOOST_TEST(numbers.front() != 0u);
    BOOST_TEST((std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
