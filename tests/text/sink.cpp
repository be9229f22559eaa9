// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/sink.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(text_sink)

// Pieces of every length, in memory of exactly their size: each way to copy.
BOOST_AUTO_TEST_CASE(all_take_the_same) {
    for (std::size_t n = 0; n < 100; ++n) {
        std::string piece;
        for (std::size_t i = 0; i < n; ++i) piece += static_cast<char>('a' + i % 26);
        const std::vector<char> source(piece.begin(), piece.end());
        std::vector<char> room(2 * n + 1, '!');
        std::string text = "";
        count_sink count;
        memory_sink memory{room.data()};
        string_sink string{text};
        for (int i = 0; i < 2; ++i) {
            count(source.data(), n);
            memory(source.data(), n);
            string(source.data(), n);
        }
        BOOST_TEST(count.size() == 2 * n);
        BOOST_TEST(memory.size() == 2 * n);
        BOOST_TEST(string.size() == 2 * n);
        BOOST_TEST(text == piece + piece);
        BOOST_TEST(std::string(room.data(), 2 * n) == piece + piece);
        BOOST_TEST(room.back() == '!');
    }
}

BOOST_AUTO_TEST_CASE(a_string_keeps_its_text) {
    std::string text = "ab";
    string_sink out{text};
    out("cd", 2);
    BOOST_TEST(text == "abcd");
    BOOST_TEST(out.size() == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
