// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using sigfire::detail::is_name, sigfire::detail::is_utf8;
using sigfire::detail::utf8;

namespace {

std::string encode(std::uint32_t c, int size) {
    if (size == 1) return {static_cast<char>(c)};
    std::string s;
    for (; size > 1; --size, c >>= 6) s.insert(s.begin(), static_cast<char>(0x80 | (c & 0x3f)));
    const std::uint32_t lead[] = {0xc0, 0xe0, 0xf0};
    s.insert(s.begin(), static_cast<char>(lead[s.size() - 1] | c));
    return s;
}

int shortest(std::uint32_t c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

} // namespace

BOOST_AUTO_TEST_SUITE(detail_utf8)

BOOST_AUTO_TEST_CASE(size_is_small) {
    static_assert(sizeof(utf8) <= 4);
}

// Every code point in every length that can hold it: only the shortest form of a non-surrogate is valid.
BOOST_AUTO_TEST_CASE(every_code_point_in_every_length) {
    const std::uint32_t room[] = {0x80, 0x800, 0x10000, 0x200000};
    long wrong = 0;
    for (std::uint32_t c = 0; c < 0x200000; ++c)
        for (int size = 1; size <= 4; ++size) {
            if (c >= room[size - 1]) continue;
            const bool valid = size == shortest(c) && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
            if (is_utf8(encode(c, size)) != valid) ++wrong;
        }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(fails_at_the_first_byte_that_cannot_be) {
    struct {
        std::string_view bytes;
        std::size_t valid; // bytes until it shows
    } const table[] = {
        {"\x80", 0},
        {"\xc0", 0},
        {"\xc1", 0},
        {"\xf5", 0},
        {"\xff", 0},
        {"a\xbf", 1},
        {"\xc2\x41", 1},
        {"\xe0\x9f", 1},
        {"\xed\xa0", 1},
        {"\xf0\x8f", 1},
        {"\xf4\x90", 1},
        {"\xe1\x80\x20", 2},
        {"\xf1\x80\x80\xc0", 3},
        {"\xc3\xa9\xc3\xa9\xfe", 4},
        {"\xed\x9f\xc0", 2},
        {"\xf4\x8f\xbf\x7f", 3},
    };
    for (const auto& row : table) {
        BOOST_TEST(!is_utf8(row.bytes));
        utf8 check;
        std::size_t fed = 0;
        while (fed < row.bytes.size() && check.feed(row.bytes.substr(fed, 1))) ++fed;
        BOOST_TEST(fed == row.valid);
    }
}

BOOST_AUTO_TEST_CASE(cut_anywhere_behind_any_run_of_ascii) {
    const std::string_view tail = "\xc3\xa9-\xe2\x82\xac-\xf0\x9f\x94\xa5";
    for (std::size_t ascii = 0; ascii < 40; ++ascii) {
        const auto text = std::string(ascii, 'a') + std::string(tail) + std::string(ascii, 'z');
        BOOST_TEST(is_utf8(text));
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            utf8 check;
            const bool inside = cut < text.size() && (text[cut] & 0xc0) == 0x80;
            BOOST_TEST(check.feed(std::string_view(text).substr(0, cut)));
            BOOST_TEST(check.complete() == !inside);
            BOOST_TEST(check.feed(std::string_view(text).substr(cut)));
            BOOST_TEST(check.complete());
        }
        // One bad byte at each place is seen, also by the word-wise path.
        auto bad = std::string(ascii + 1, 'a');
        for (auto& c : bad) {
            c = '\xff';
            BOOST_TEST(!is_utf8(bad));
            c = 'a';
        }
    }
    BOOST_TEST(is_utf8(""));
    BOOST_TEST(!is_utf8("\xe2\x82"));
}

BOOST_AUTO_TEST_CASE(names) {
    BOOST_TEST(is_name("x"));
    BOOST_TEST(is_name("\xc3\xa9"));
    BOOST_TEST(is_name(std::string(1, '\0')));
    BOOST_TEST(is_name(std::string(256, 'x')));
    BOOST_TEST(!is_name(""));
    BOOST_TEST(!is_name("\xc3"));
    BOOST_TEST(!is_name(std::string(257, 'x')));
}

BOOST_AUTO_TEST_SUITE_END()
