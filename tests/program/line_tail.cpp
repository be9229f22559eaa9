// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/line_tail.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(program_line_tail)

using lines = std::deque<std::string>;

BOOST_AUTO_TEST_CASE(bytes_in_any_pieces_become_lines) {
    line_tail t;
    for (const char c : std::string{"one\ntwo\n\nfour"}) t.add({&c, 1});
    BOOST_TEST((t.lines() == lines{"one", "two", "", "four"}));
    t.add(" and more\n");
    BOOST_TEST((t.lines() == lines{"one", "two", "", "four and more"}));
}

BOOST_AUTO_TEST_CASE(the_last_lines_stay) {
    line_tail t{2};
    t.add("a\nb\nc\n");
    BOOST_TEST((t.lines() == lines{"b", "c"}));
    t.add("d");
    BOOST_TEST((t.lines() == lines{"c", "d"}));
}

BOOST_AUTO_TEST_CASE(long_lines_are_cut) {
    line_tail t{3, 4};
    t.add("123456\n12\n" + std::string(1'000'000, 'x'));
    BOOST_TEST((t.lines() == lines{"1234", "12", "xxxx"}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
