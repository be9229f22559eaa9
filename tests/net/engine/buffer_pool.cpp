// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/engine/buffer_pool.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <vector>

namespace {

using pool_type = sigfire::detail::buffer_pool;

BOOST_AUTO_TEST_SUITE(buffer_pool)

BOOST_AUTO_TEST_CASE(a_buffer_has_the_next_power_of_two) {
    pool_type pool;
    const struct {
        std::size_t asked, got;
    } rows[] = {{0, 4096},    {1, 4096},        {4096, 4096},         {4097, 8192},
                {8192, 8192}, {65'537, 131072}, {1u << 20, 1u << 20}, {(4u << 20) + 1, 8u << 20}};
    for (const auto& row : rows) {
        const auto b = pool.get(row.asked);
        BOOST_TEST(b.size == row.got);
        std::memset(b.data, 1, b.size);
        pool.put(b);
    }
}

BOOST_AUTO_TEST_CASE(the_last_in_is_the_first_out_of_its_size) {
    pool_type pool;
    const auto a = pool.get(1), b = pool.get(1), large = pool.get(10'000);
    pool.put(a);
    pool.put(large);
    pool.put(b);
    BOOST_TEST(static_cast<void*>(pool.get(1).data) == b.data);
    BOOST_TEST(static_cast<void*>(pool.get(1).data) == a.data);
    BOOST_TEST(static_cast<void*>(pool.get(10'000).data) == large.data);
    pool.put(a);
    pool.put(b);
    pool.put(large);
}

// Buffers over the share of their size go back to the system: the address sanitizer would see a leak, or a
// use after the free.
BOOST_AUTO_TEST_CASE(many_come_and_go) {
    pool_type pool;
    for (int round = 0; round < 3; ++round) {
        std::vector<pool_type::buffer> all;
        for (std::size_t i = 0; i < 300; ++i) all.push_back(pool.get(4096u << (i % 4)));
        for (const auto& b : all) std::memset(b.data, 2, b.size);
        for (const auto& b : all) pool.put(b);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
