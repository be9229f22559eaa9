// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/line_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(log_line_queue)

BOOST_AUTO_TEST_CASE(lines_come_out_in_their_order) {
    line_queue q{100, 10};
    BOOST_TEST(q.empty());
    BOOST_TEST(q.push("a\n"));
    BOOST_TEST(q.push("b\n"));
    BOOST_TEST(!q.empty());
    std::string out = "old";
    BOOST_TEST(q.take(out) == 0u);
    BOOST_TEST(out == "a\nb\n");
    BOOST_TEST(q.empty());
    BOOST_TEST(q.take(out) == 0u);
    BOOST_TEST(out == "");
}

BOOST_AUTO_TEST_CASE(bytes_have_a_limit) {
    line_queue q{6, 10};
    BOOST_TEST(q.push("123\n"));
    BOOST_TEST(q.push("1\n"));
    BOOST_TEST(!q.push("\n"));
    std::string out;
    BOOST_TEST(q.take(out) == 1u);
    BOOST_TEST(out == "123\n1\n");
    BOOST_TEST(!q.push("1234567"));
    BOOST_TEST(q.take(out) == 1u);
}

BOOST_AUTO_TEST_CASE(lines_have_a_limit) {
    line_queue q{100, 2};
    for (int i = 0; i < 5; ++i) q.push("x\n");
    std::string out;
    BOOST_TEST(q.take(out) == 3u);
    BOOST_TEST(out == "x\nx\n");
    BOOST_TEST(q.push("y\n"));
    BOOST_TEST(q.take(out) == 0u);
    BOOST_TEST(out == "y\n");
}

BOOST_AUTO_TEST_CASE(a_batch_has_one_gap_at_its_end) {
    line_queue q{6, 10};
    q.push("1234\n");
    BOOST_TEST(!q.push("long\n"));
    BOOST_TEST(!q.push("\n")); // there is room, but not for the line before
    std::string out;
    BOOST_TEST(q.take(out) == 2u);
    BOOST_TEST(out == "1234\n");
}

BOOST_AUTO_TEST_CASE(a_loss_alone_is_something_to_take) {
    line_queue q{6, 10};
    q.lose();
    BOOST_TEST(!q.empty());
    std::string out;
    BOOST_TEST(q.take(out) == 1u);
    BOOST_TEST(q.empty());
}

BOOST_AUTO_TEST_CASE(a_burst_does_not_keep_its_memory) {
    line_queue q{1 << 20, 10};
    std::string out;
    for (int i = 0; i < 3; ++i) {
        q.push(std::string(500'000, 'x'));
        q.take(out);
    }
    for (int i = 0; i < 3; ++i) {
        q.push("x");
        q.take(out);
        BOOST_TEST(out == "x");
    }
    BOOST_TEST(out.capacity() <= 65'536u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
