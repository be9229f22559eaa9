// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/framing/length.hpp>

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire;
using framing::length;
using events = std::vector<std::string>;

namespace {

std::string frame(std::string_view payload) {
    std::string s(4, '\0');
    for (unsigned i = 0; i < 4; ++i) s[i] = static_cast<char>(payload.size() >> (24 - 8 * i));
    return s.append(payload);
}

// All cuts into two, and single bytes: always the same.
events all_cuts(const std::string& wire, const framing_limits& limits = {}) {
    length whole;
    const auto result = test::feed_in_pieces(whole, wire, wire.size(), 1, limits);
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
        length f;
        BOOST_TEST(test::feed_in_pieces(f, wire, cut, wire.size(), limits) == result, "cut at " << cut);
    }
    length f;
    BOOST_TEST(test::feed_in_pieces(f, wire, 1, 1, limits) == result);
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(framing_length)

BOOST_AUTO_TEST_CASE(laws) {
    test::framing_laws([] { return length{}; }, [] { return length{}; },
                       [](bool ok, const char* law) { BOOST_TEST(ok, law); });
    static_assert(sizeof(length) <= 16);
}

BOOST_AUTO_TEST_CASE(messages_are_text_even_if_sealed_as_binary) {
    length f;
    BOOST_TEST(test::sealed(f, message_type::binary, "ab", 4) == frame("ab"));
    BOOST_TEST(test::sealed(f, message_type::text, "ab", 9) == frame("ab"));
    BOOST_TEST(all_cuts(frame("ab") + frame("") + frame(std::string(300, 'c'))) ==
               (events{"text:ab", "text:", "text:" + std::string(300, 'c')}));
}

BOOST_AUTO_TEST_CASE(limits) {
    const framing_limits ten{.message = 10};
    BOOST_TEST(all_cuts(frame("0123456789"), ten) == events{"text:0123456789"});
    BOOST_TEST(all_cuts(frame("a") + frame("0123456789a"), ten) == (events{"text:a", "Message Too Large"}));
    BOOST_TEST(all_cuts("\xff\xff\xff\xff", ten) == events{"Message Too Large"});
    // The header alone: nothing is stored for bytes that were only announced.
    length f;
    test::framing_record record;
    auto head = frame(std::string(1 << 20, 'x')).substr(0, 6);
    f.feed(head, {}, record);
    BOOST_TEST(f.incomplete() > 0u);
    BOOST_TEST(f.incomplete() < 256u);
}

BOOST_AUTO_TEST_CASE(empty_messages_without_end_are_a_flood) {
    const framing_limits three{.idle_frames = 3};
    const auto e = frame("");
    BOOST_TEST(all_cuts(e + e + e + frame("a") + e + e + e, three) ==
               (events{"text:", "text:", "text:", "text:a", "text:", "text:", "text:"}));
    BOOST_TEST(all_cuts(e + e + e + e + frame("a"), three) ==
               (events{"text:", "text:", "text:", "Too Many Control or Empty Frames"}));
}

BOOST_AUTO_TEST_CASE(utf8_is_checked_if_asked_for) {
    BOOST_TEST(all_cuts(frame("\xc3\xa9") + frame("\xc3")) == (events{"text:\xc3\xa9", "Invalid UTF-8"}));
    BOOST_TEST(all_cuts(frame("\xc3"), {.check_utf8 = false}) == events{"text:\xc3"});
}

BOOST_AUTO_TEST_CASE(no_control_messages) {
    length f;
    char room[1];
    BOOST_TEST(f.write_control(control::ping, 0, "x", room) == 0u);
    BOOST_TEST(length::control_bound == 0u);
}

BOOST_AUTO_TEST_CASE(a_whole_message_is_lent_from_the_bytes_fed) {
    auto wire = frame("hello");
    struct {
        const char* at = nullptr;
        bool on_message(message m) { return at = m.bytes.data(), true; }
        bool on_control(control, std::uint16_t, std::string_view) { return true; }
    } handler;
    length f;
    f.feed(wire, {}, handler);
    BOOST_TEST(static_cast<const void*>(handler.at) == static_cast<const void*>(wire.data() + 4));
}

BOOST_AUTO_TEST_SUITE_END()
