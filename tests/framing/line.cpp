// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/framing/line.hpp>

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire;
using framing::line;
using events = std::vector<std::string>;

namespace {

// All cuts into two, and single bytes: always the same.
events all_cuts(const std::string& wire, const framing_limits& limits = {}) {
    line whole;
    const auto result = test::feed_in_pieces(whole, wire, wire.size(), 1, limits);
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
        line f;
        BOOST_TEST(test::feed_in_pieces(f, wire, cut, wire.size(), limits) == result, "cut at " << cut);
    }
    line f;
    BOOST_TEST(test::feed_in_pieces(f, wire, 1, 1, limits) == result);
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(framing_line)

BOOST_AUTO_TEST_CASE(laws) {
    test::framing_laws([] { return line{}; }, [] { return line{}; },
                       [](bool ok, const char* law) { BOOST_TEST(ok, law); });
    static_assert(sizeof(line) <= 16);
}

BOOST_AUTO_TEST_CASE(lines_are_text_even_if_sealed_as_binary) {
    line f;
    BOOST_TEST(test::sealed(f, message_type::binary, "ab", 1) == "ab\n");
    BOOST_TEST(test::sealed(f, message_type::text, "ab", 9) == "ab\n");
    BOOST_TEST(all_cuts("ab\n" + std::string(300, 'c') + "\nrest") ==
               (events{"text:ab", "text:" + std::string(300, 'c')}));
}

BOOST_AUTO_TEST_CASE(one_cr_before_the_lf_is_dropped) {
    BOOST_TEST(all_cuts("a\r\n\r\n\r\r\na\rb\n\rc\n") ==
               (events{"text:a", "text:", "text:\r", "text:a\rb", "text:\rc"}));
}

BOOST_AUTO_TEST_CASE(limits) {
    const framing_limits ten{.message = 10};
    BOOST_TEST(all_cuts("0123456789\n0123456789\r\n", ten) == (events{"text:0123456789", "text:0123456789"}));
    for (const std::string wire : {"0123456789a", "0123456789a\n", "0123456789\r\r\n", "0123456789\ra"})
        BOOST_TEST(all_cuts("a\n" + wire, ten) == (events{"text:a", "Message Too Large"}), wire);
    BOOST_TEST(all_cuts("0123456789\r", ten) == events{}); // may yet be right
    BOOST_TEST(all_cuts("\n\r\na", {.message = 0}) == (events{"text:", "text:", "Message Too Large"}));

    // Nothing beyond the limit is stored.
    line f;
    test::framing_record record;
    std::size_t most = 0;
    for (auto e = errc::ok; e == errc::ok; most = std::max(most, f.incomplete())) {
        std::string piece(1000, 'x');
        e = f.feed(piece, {.message = 10'000}, record).error;
    }
    BOOST_TEST(most <= 10'000u + 64u);
    BOOST_TEST(f.incomplete() == 0u);
}

BOOST_AUTO_TEST_CASE(empty_lines_without_end_are_a_flood) {
    const framing_limits three{.idle_frames = 3};
    BOOST_TEST(all_cuts("\n\r\n\na\n\n\n\n", three) ==
               (events{"text:", "text:", "text:", "text:a", "text:", "text:", "text:"}));
    BOOST_TEST(all_cuts("\n\n\r\n\r\na\n", three) ==
               (events{"text:", "text:", "text:", "Too Many Control or Empty Frames"}));
    line f;
    test::framing_record record;
    for (int i = 0; i < 10; ++i) {
        std::string wire = "\n\n\n";
        BOOST_TEST((f.feed(wire, three, record).error == errc::ok));
        f.reset_idle_count();
    }
}

BOOST_AUTO_TEST_CASE(utf8_is_checked_if_asked_for) {
    BOOST_TEST(all_cuts("\xc3\xa9\n\xc3\n") == (events{"text:\xc3\xa9", "Invalid UTF-8"}));
    BOOST_TEST(all_cuts("\xc3\n", {.check_utf8 = false}) == events{"text:\xc3"});
}

BOOST_AUTO_TEST_CASE(a_sealed_message_stays_one_line) {
    line f;
    BOOST_TEST(test::sealed(f, message_type::text, "{\n\"a\":\n1}", 1) == "{ \"a\": 1}\n");
}

BOOST_AUTO_TEST_CASE(no_control_messages) {
    line f;
    char room[1];
    BOOST_TEST(f.write_control(control::ping, 0, "x", room) == 0u);
    BOOST_TEST(line::control_bound == 0u);
}

BOOST_AUTO_TEST_CASE(a_whole_line_is_lent_from_the_bytes_fed) {
    std::string wire = "hello\n";
    struct {
        const char* at = nullptr;
        bool on_message(message m) { return at = m.bytes.data(), true; }
        bool on_control(control, std::uint16_t, std::string_view) { return true; }
    } handler;
    line f;
    f.feed(wire, {}, handler);
    BOOST_TEST(static_cast<const void*>(handler.at) == static_cast<const void*>(wire.data()));
}

BOOST_AUTO_TEST_SUITE_END()
