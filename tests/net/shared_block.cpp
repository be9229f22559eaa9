// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/shared_block.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <utility>

namespace {

using sigfire::shared_block;

BOOST_AUTO_TEST_SUITE(shared_block_)

BOOST_AUTO_TEST_CASE(copies_refer_to_the_same_bytes) {
    shared_block a{5};
    std::memcpy(a.data(), "hello", 5);
    a.shrink(4);
    const auto b = a;
    BOOST_TEST(b.view() == "hell");
    BOOST_TEST((b.view().data() == a.data()));
    const auto c = std::move(a);
    BOOST_TEST(c.view() == "hell");
    a = b;
    a = shared_block{};
    BOOST_TEST(a.size() == 0u);
    BOOST_TEST(a.view() == "");
    BOOST_TEST(b.size() == 4u);
    static_assert(sizeof(shared_block) == sizeof(void*));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
