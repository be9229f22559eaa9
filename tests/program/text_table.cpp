// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/text_table.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(program_text_table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
    BOOST_TEST(text_table({{{"A"}, {"LONG"}, {"C"}}, {{"abc"}, {"x"}, {"y"}}}, false) == "A    LONG  C\n"
                                                                                         "abc  x     y\n");
    BOOST_TEST(text_table({{{"é€"}, {"x"}}, {{"abc"}, {"y"}}}, false) == "é€   x\nabc  y\n");
    BOOST_TEST(text_table({}, false) == "");
}

BOOST_AUTO_TEST_CASE(colours_do_not_change_the_widths) {
    BOOST_TEST(text_table({{{"A", 1}, {"B"}}, {{"abc", 32}, {"x"}}}, true) == "\033[1mA\033[0m    B\n"
                                                                              "\033[32mabc\033[0m  x\n");
    BOOST_TEST(text_table({{{"A", 1}}}, false) == "A\n");
}

BOOST_AUTO_TEST_CASE(text_cannot_act_on_the_terminal) {
    BOOST_TEST(text_table({{{"a\033[2Jb\nc\x7f"}}}, false) == "a?[2Jb?c?\n");
}

BOOST_AUTO_TEST_CASE(times_and_sizes_are_readable) {
    BOOST_TEST(readable_time(0s) == "0 s");
    BOOST_TEST(readable_time(-5s) == "0 s");
    BOOST_TEST(readable_time(59s) == "59 s");
    BOOST_TEST(readable_time(60s) == "1 min");
    BOOST_TEST(readable_time(3599s) == "59 min 59 s");
    BOOST_TEST(readable_time(3660s) == "1 h 1 min");
    BOOST_TEST(readable_time(49h) == "2 d 1 h");
    BOOST_TEST(readable_size(0) == "0 B");
    BOOST_TEST(readable_size(1023) == "1023 B");
    BOOST_TEST(readable_size(1024) == "1.0 KiB");
    BOOST_TEST(readable_size(1'572'864) == "1.5 MiB");
    BOOST_TEST(readable_size(std::uint64_t{3} << 30) == "3.0 GiB");
    BOOST_TEST(readable_size(std::uint64_t{5} << 50) == "5120.0 TiB");
}

BOOST_AUTO_TEST_CASE(colours_are_for_terminals) {
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    BOOST_TEST(!shows_colours(ends[1]));
    for (const int fd : ends) ::close(fd);
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) return; // this machine has no pseudo-terminals
    BOOST_TEST(shows_colours(terminal));
    ::setenv("NO_COLOR", "1", 1);
    BOOST_TEST(!shows_colours(terminal));
    ::setenv("NO_COLOR", "", 1);
    BOOST_TEST(shows_colours(terminal));
    ::setenv("TERM", "dumb", 1);
    BOOST_TEST(!shows_colours(terminal));
    ::unsetenv("NO_COLOR");
    ::close(terminal);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
