// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/framing/websocket.hpp>

#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using namespace sigfire;
using framing::role;
using server = framing::websocket<role::server>;
using client = framing::websocket<role::client>;
using events = std::vector<std::string>;
using namespace std::string_literals;

namespace {

constexpr unsigned fin = 0x80;

// A frame by hand, independent of the tested code; `key` empty = not masked.
std::string frame(unsigned first, std::string_view payload, std::string_view key = "\x37\xfa\x21\x3d") {
    std::string s{static_cast<char>(first)};
    const auto n = payload.size();
    const unsigned masked = key.empty() ? 0 : 0x80;
    const unsigned bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;
    s += static_cast<char>(masked | (n < 126 ? n : n < 65536 ? 126 : 127));
    for (unsigned i = bytes; i-- > 0;) s += static_cast<char>(std::uint64_t{n} >> 8 * i);
    s += key;
    for (std::size_t i = 0; i < n; ++i)
        s += static_cast<char>(key.empty() ? payload[i] : payload[i] ^ key[i % 4]);
    return s;
}

std::string bare(unsigned first, std::string_view payload) {
    return frame(first, payload, "");
}

std::string close_body(unsigned code, std::string_view reason = "") {
    return std::string{static_cast<char>(code >> 8), static_cast<char>(code)}.append(reason);
}

std::string error(errc e) {
    return std::string(to_string(e));
}

// All cuts into two, and pieces of 1, 2 and 3 bytes: always the same.
template <class F>
events all_cuts(std::string_view wire, const framing_limits& limits = {}) {
    F whole;
    const auto result = test::feed_in_pieces(whole, wire, wire.size(), 1, limits);
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
        F f;
        BOOST_TEST(test::feed_in_pieces(f, wire, cut, wire.size(), limits) == result, "cut at " << cut);
    }
    for (std::size_t piece = 1; piece <= 3; ++piece) {
        F f;
        BOOST_TEST(test::feed_in_pieces(f, wire, piece, piece, limits) == result, "pieces of " << piece);
    }
    return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(framing_websocket)

static_assert(sizeof(server) <= 16 && sizeof(client) <= 16);
static_assert(std::is_nothrow_default_constructible_v<server> &&
              std::is_nothrow_move_constructible_v<server>);

BOOST_AUTO_TEST_CASE(laws) {
    const auto check = [](bool ok, const char* law) { BOOST_TEST(ok, law); };
    const auto s = [] { return server{}; };
    const auto c = [] { return client{}; };
    test::framing_laws(s, c, check);
    test::framing_laws(c, s, check);
}

// RFC 6455 section 5.7, byte by byte.
BOOST_AUTO_TEST_CASE(examples_of_the_rfc) {
    BOOST_TEST(all_cuts<client>("\x81\x05\x48\x65\x6c\x6c\x6f"s) == events{"text:Hello"});
    BOOST_TEST(all_cuts<server>("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s) == events{"text:Hello"});
    BOOST_TEST(all_cuts<client>("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"s) == events{"text:Hello"});
    BOOST_TEST(all_cuts<client>("\x89\x05\x48\x65\x6c\x6c\x6f"s) == events{"ping:Hello"});
    BOOST_TEST(all_cuts<server>("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s) == events{"pong:Hello"});
    const std::string kilo(256, 'k'), large(65536, 'l');
    BOOST_TEST(all_cuts<client>("\x82\x7e\x01\x00"s + kilo) == events{"binary:" + kilo});
    client f;
    BOOST_TEST(test::feed_in_pieces(f, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + large, 9, 1000) ==
               events{"binary:" + large});
}

BOOST_AUTO_TEST_CASE(fragments_with_controls_between) {
    const auto wire = frame(1, "on") + frame(fin | 9, "p1") + frame(0, "") + frame(fin | 10, "") +
                      frame(0, "e, t") + frame(fin | 9, std::string(125, 'p')) + frame(fin | 0, "wo") +
                      frame(fin | 2, "three") + frame(2, "") + frame(fin | 0, "") + frame(fin | 1, "");
    BOOST_TEST(all_cuts<server>(wire) == (events{"ping:p1", "pong:", "ping:" + std::string(125, 'p'),
                                                 "text:one, two", "binary:three", "binary:", "text:"}));
}

BOOST_AUTO_TEST_CASE(violations) {
    const struct {
        const char* what;
        std::string wire;
    } table[] = {
        {"rsv1", frame(fin | 0x41, "x")},
        {"rsv2", frame(fin | 0x21, "x")},
        {"rsv3", frame(fin | 0x11, "x")},
        {"rsv1 on a control frame", frame(fin | 0x49, "x")},
        {"opcode 3", frame(fin | 3, "x")},
        {"opcode 7", frame(fin | 7, "x")},
        {"opcode 11", frame(fin | 11, "x")},
        {"opcode 15", frame(fin | 15, "x")},
        {"fragmented ping", frame(9, "x")},
        {"fragmented close", frame(8, "")},
        {"long ping", frame(fin | 9, std::string(126, 'x'))},
        {"continuation without start", frame(fin | 0, "x")},
        {"unmasked", bare(fin | 1, "x")},
        {"unmasked empty", bare(fin | 1, "")},
        {"16-bit length of 125", "\x81\xfe\x00\x7d"s + std::string(129, '\0')},
        {"64-bit length of 65535", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"s + std::string(4, '\0')},
        {"64-bit length with top bit", "\x82\xff\x80\x00\x00\x00\x00\x01\x00\x00"s + std::string(4, '\0')},
        {"close of one byte", frame(fin | 8, "x")},
    };
    for (const auto& row : table)
        BOOST_TEST(all_cuts<server>(frame(fin | 1, "a") + row.wire + frame(fin | 1, "b")) ==
                       (events{"text:a", error(errc::protocol_violation)}),
                   row.what);
    for (const unsigned opcode : {1u, 2u})
        BOOST_TEST(all_cuts<server>(frame(1, "a") + frame(fin | opcode, "b")) ==
                   events{error(errc::protocol_violation)});
    BOOST_TEST(all_cuts<server>(frame(1, "a") + frame(fin | 0, "b") + frame(fin | 0, "c")) ==
               (events{"text:ab", error(errc::protocol_violation)}));
    BOOST_TEST(all_cuts<client>(frame(fin | 1, "x")) == events{error(errc::protocol_violation)});
    // The least lengths of each form are accepted.
    for (const std::size_t n : {126u, 65535u, 65536u}) {
        server f;
        BOOST_TEST(test::feed_in_pieces(f, frame(fin | 2, std::string(n, 'x')), 3, 4096) ==
                   events{"binary:" + std::string(n, 'x')});
    }
}

BOOST_AUTO_TEST_CASE(close) {
    const auto x = frame(fin | 1, "x");
    BOOST_TEST(all_cuts<server>(frame(fin | 8, "") + x) == events{"close:"});
    BOOST_TEST(all_cuts<server>(frame(1, "a") + frame(fin | 8, close_body(1000, "b\xc3\xa9")) + "garbage") ==
               events{"close:1000:b\xc3\xa9"});
    BOOST_TEST(all_cuts<server>(frame(fin | 8, close_body(1001, std::string(123, 'r')))) ==
               events{"close:1001:" + std::string(123, 'r')});
    BOOST_TEST(all_cuts<server>(frame(fin | 8, close_body(1000, "\xc3"))) == events{error(errc::bad_utf8)});
    BOOST_TEST(all_cuts<server>(frame(fin | 8, close_body(1000, "\xff")), {.check_utf8 = false}) ==
               events{error(errc::bad_utf8)});
    const std::set<unsigned> good{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (unsigned code = 0; code < 65536; ++code) {
        server f;
        const auto got = test::feed_in_pieces(f, frame(fin | 8, close_body(code)), 8, 1);
        const bool expected = good.contains(code) || (code >= 3000 && code < 5000);
        if (got != events{expected ? "close:" + std::to_string(code) + ":" : error(errc::protocol_violation)})
            BOOST_ERROR("code " << code << ": " << got[0]);
    }
}

// A caller that stops at the close, or feeds on after it, gets all the rest used up and no memory held.
BOOST_AUTO_TEST_CASE(behind_a_close_all_is_used_up) {
    auto wire = frame(1, "begun") + frame(fin | 8, "");
    const auto closed = wire.size();
    wire += frame(fin | 1, "x");
    server f;
    test::framing_record record{.events = {}, .stop_after = 1};
    BOOST_TEST(f.feed(wire, {}, record).consumed == closed);
    BOOST_TEST(f.incomplete() == 0u);
    const auto after = f.feed({wire.data() + closed, wire.size() - closed}, {}, record);
    BOOST_TEST((after.consumed == wire.size() - closed && after.error == errc::ok));
    BOOST_TEST(record.events == events{"close:"});
}

BOOST_AUTO_TEST_CASE(utf8) {
    const auto bad = error(errc::bad_utf8);
    BOOST_TEST(all_cuts<server>(frame(1, "\xf0\x9f") + frame(fin | 9, "\xff") + frame(0, "\x94") +
                                frame(fin | 0, "\xa5!")) == (events{"ping:\xff", "text:\xf0\x9f\x94\xa5!"}));
    BOOST_TEST(all_cuts<server>(frame(fin | 1, "ab\xff")) == events{bad});
    BOOST_TEST(all_cuts<server>(frame(fin | 1, "\xe2\x82")) == events{bad});
    BOOST_TEST(all_cuts<server>(frame(1, "\xe2") + frame(fin | 0, "\x82")) == events{bad});
    BOOST_TEST(all_cuts<server>(frame(fin | 2, "\xff") + frame(2, "\xff") + frame(fin | 0, "")) ==
               (events{"binary:\xff", "binary:\xff"}));
    BOOST_TEST(all_cuts<server>(frame(fin | 1, "\xff") + frame(1, "\xff") + frame(fin | 0, ""),
                                {.check_utf8 = false}) == (events{"text:\xff", "text:\xff"}));
    // As soon as it shows: the first byte of an unfinished frame of an unfinished message.
    server f;
    BOOST_TEST(test::feed_in_pieces(f, frame(1, "\xc0 and more to come").substr(0, 7), 7, 1) == events{bad});
    // A message starts afresh after any other.
    BOOST_TEST(all_cuts<server>(frame(1, "\xc3") + frame(fin | 0, "\xa9") + frame(1, "a") +
                                frame(fin | 0, "b")) == (events{"text:\xc3\xa9", "text:ab"}));
}

BOOST_AUTO_TEST_CASE(too_large) {
    const framing_limits ten{.message = 10};
    const auto large = error(errc::too_large);
    BOOST_TEST(all_cuts<server>(frame(fin | 1, "0123456789"), ten) == events{"text:0123456789"});
    BOOST_TEST(all_cuts<server>(frame(fin | 1, "0123456789a"), ten) == events{large});
    BOOST_TEST(all_cuts<server>(frame(1, "01234") + frame(fin | 9, std::string(50, 'p')) +
                                    frame(fin | 0, "56789") + frame(1, "01234") + frame(0, "56789a"),
                                ten) == (events{"ping:" + std::string(50, 'p'), "text:0123456789", large}));
    BOOST_TEST(all_cuts<server>("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s + "mask") == events{large});
    BOOST_TEST(all_cuts<server>("\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00"s + "mask",
                                {.message = 0xffffffff}) == events{large});
}

BOOST_AUTO_TEST_CASE(frames_without_data_end_in_a_flood) {
    const framing_limits three{.idle_frames = 3};
    const auto flood = error(errc::flood), ping = frame(fin | 9, ""), empty = frame(fin | 1, "");
    BOOST_TEST(all_cuts<server>(ping + ping + ping + ping, three) ==
               (events{"ping:", "ping:", "ping:", flood}));
    BOOST_TEST(all_cuts<server>(empty + ping + empty + empty, three) ==
               (events{"text:", "ping:", "text:", flood}));
    BOOST_TEST(all_cuts<server>(frame(1, "") + frame(0, "") + frame(0, "") + frame(0, ""), three) ==
               events{flood});
    // Data, whole or in a fragment, starts the count anew.
    const auto pings = ping + ping + ping;
    BOOST_TEST(all_cuts<server>(pings + frame(fin | 1, "a") + pings + frame(1, "b") + pings +
                                    frame(fin | 0, "c") + pings + frame(fin | 8, ""),
                                three)
                   .back() == flood);
    BOOST_TEST(all_cuts<server>(pings + frame(fin | 1, "a") + pings + frame(1, "b") + pings +
                                    frame(fin | 0, "c") + pings,
                                three)
                   .size() == 14u);
}

BOOST_AUTO_TEST_CASE(a_whole_message_is_lent_from_the_bytes_fed) {
    struct {
        std::vector<const char*> at;
        bool on_message(message m) { return at.push_back(m.bytes.data()), true; }
        bool on_control(control, std::uint16_t, std::string_view t) { return at.push_back(t.data()), true; }
    } handler;
    server f;
    auto wire = frame(fin | 1, "hello") + frame(fin | 9, "p") + frame(fin | 2, std::string(200, 'x'));
    f.feed(wire, {}, handler);
    const std::vector<const char*> expected{&wire[6], &wire[17], &wire[26]};
    BOOST_TEST((handler.at == expected));
    // Also when only the header was cut.
    wire = frame(fin | 1, "hello");
    f.feed({wire.data(), 3}, {}, handler);
    f.feed({wire.data() + 3, wire.size() - 3}, {}, handler);
    BOOST_TEST((handler.at.back() == &wire[6]));
    BOOST_TEST(f.incomplete() == 0u);
}

BOOST_AUTO_TEST_CASE(memory_follows_the_bytes_received) {
    server f;
    test::framing_record record;
    // A megabyte announced, one byte sent.
    auto wire = frame(fin | 2, std::string(1 << 20, 'x'));
    f.feed({wire.data(), 15}, {}, record);
    BOOST_TEST((f.incomplete() > 0 && f.incomplete() < 256));
    // Never more than twice the bytes that came, and in the end not more than was announced.
    for (std::size_t i = 15; i < wire.size() - 1;) {
        const auto n = std::min<std::size_t>(1000, wire.size() - 1 - i);
        f.feed({&wire[i], n}, {}, record);
        i += n;
        if (f.incomplete() > 2 * i + 256) BOOST_ERROR("holds " << f.incomplete() << " after " << i);
    }
    BOOST_TEST(f.incomplete() <= (1u << 20) + 256);
    f.feed({&wire.back(), 1}, {}, record);
    BOOST_TEST(f.incomplete() == 0u);
    BOOST_TEST(record.events.size() == 1u);
    // An error frees the memory held.
    wire = frame(1, "begun") + frame(1, "again");
    f.feed(wire, {}, record);
    BOOST_TEST(f.incomplete() == 0u);
}

BOOST_AUTO_TEST_CASE(stops_right_behind_the_message_that_the_handler_refused) {
    const std::string parts[] = {frame(fin | 1, "a"), frame(1, "b") + frame(fin | 9, "p"),
                                 frame(fin | 0, "c"), frame(fin | 10, "q"), frame(fin | 2, "")};
    std::string all;
    for (const auto& part : parts) all += part;
    for (std::size_t cut = 1; cut <= all.size(); ++cut) {
        auto wire = all; // is unmasked in place
        server f;
        std::size_t at = 0;
        test::framing_record record;
        for (const auto& part : parts) {
            const auto stop = at + part.size();
            record.stop_after = record.events.size() + 1;
            // The bytes up to the cut first, then all the rest.
            if (at < cut && cut < stop) at += f.feed({&wire[at], cut - at}, {}, record).consumed;
            at += f.feed({&wire[at], wire.size() - at}, {}, record).consumed;
            BOOST_TEST(at == stop);
        }
        BOOST_TEST(record.events == (events{"text:a", "ping:p", "text:bc", "pong:q", "binary:"}));
    }
}

BOOST_AUTO_TEST_CASE(moves_in_the_middle_of_a_message) {
    auto wire = frame(1, "ab") + frame(fin | 0, "cd");
    test::framing_record record;
    server f;
    f.feed({wire.data(), 11}, {}, record);
    server g = std::move(f);
    g.feed({wire.data() + 11, wire.size() - 11}, {}, record);
    BOOST_TEST(record.events == events{"text:abcd"});
}

BOOST_AUTO_TEST_CASE(headers_written) {
    server s;
    BOOST_TEST(test::sealed(s, message_type::text, "Hello", 2) == bare(fin | 1, "Hello"));
    BOOST_TEST(test::sealed(s, message_type::binary, "Hello", 10) == bare(fin | 2, "Hello"));
    for (const std::size_t n : {0u, 125u, 126u, 65535u, 65536u}) {
        const std::string payload(n, 'x');
        const std::size_t bound = n < 126 ? 2 : n < 65536 ? 4 : 10;
        BOOST_TEST(server::header_bound(n) == bound);
        BOOST_TEST(client::header_bound(n) == bound + 4);
        for (const std::size_t head : {bound, std::size_t{10}})
            BOOST_TEST((test::sealed(s, message_type::text, payload, head) == bare(fin | 1, payload)));
        client c;
        for (const std::size_t head : {bound + 4, std::size_t{14}}) {
            const auto got = test::sealed(c, message_type::text, payload, head);
            BOOST_TEST((got == frame(fin | 1, payload, got.substr(bound, 4))));
        }
    }
}

BOOST_AUTO_TEST_CASE(masking_keys_differ) {
    client a, b;
    std::set<std::string> keys;
    for (int i = 0; i < 500; ++i) {
        keys.insert(test::sealed(a, message_type::text, "", 6).substr(2));
        keys.insert(test::sealed(b, message_type::text, "", 6).substr(2));
    }
    BOOST_TEST(keys.size() >= 998u); // two of a thousand drawn from 2^32 may meet
}

BOOST_AUTO_TEST_CASE(controls_written) {
    const auto written = [](auto f, control c, std::uint16_t code, std::string_view text) {
        std::vector<char> room(decltype(f)::control_bound);
        const auto n = f.write_control(c, code, text, room.data());
        return std::string(room.data(), n);
    };
    const std::string fire = "\xf0\x9f\x94\xa5";
    BOOST_TEST(written(server{}, control::ping, 0, "hi") == bare(fin | 9, "hi"));
    BOOST_TEST(written(server{}, control::pong, 0, "") == bare(fin | 10, ""));
    BOOST_TEST(written(server{}, control::pong, 0, std::string(200, '\xff')) ==
               bare(fin | 10, std::string(125, '\xff')));
    BOOST_TEST(written(server{}, control::close, 1001, "bye") == bare(fin | 8, close_body(1001, "bye")));
    for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535})
        BOOST_TEST(written(server{}, control::close, static_cast<std::uint16_t>(code), "x") ==
                   bare(fin | 8, ""));
    BOOST_TEST(written(server{}, control::close, 4999, std::string(123, 'r')) ==
               bare(fin | 8, close_body(4999, std::string(123, 'r'))));
    for (std::size_t n = 119; n <= 124; ++n) // a character that does not fit whole is left out
        BOOST_TEST(
            written(server{}, control::close, 4000, std::string(n, 'r') + fire + "rr") ==
            bare(fin | 8, close_body(4000, n == 119 ? std::string(n, 'r') + fire
                                                    : std::string(std::min<std::size_t>(n, 123), 'r'))));
    BOOST_TEST(written(server{}, control::close, 4000, "\xff") == bare(fin | 8, close_body(4000)));
    for (const auto& [c, code, text] : {std::tuple{control::ping, 0, std::string(125, 'p')},
                                        std::tuple{control::close, 1009, "too large"s}}) {
        server f;
        const auto wire = written(client{}, c, static_cast<std::uint16_t>(code), text);
        BOOST_TEST(test::feed_in_pieces(f, wire, 3, 50) ==
                   events{c == control::ping ? "ping:" + text : "close:1009:" + text});
    }
}

BOOST_AUTO_TEST_CASE(close_codes) {
    using framing::close_code;
    const std::pair<errc, int> table[] = {
        {errc::closed, 1000},       {errc::stopping, 1001},  {errc::protocol_violation, 1002},
        {errc::bad_utf8, 1007},     {errc::flood, 1008},     {errc::too_large, 1009},
        {errc::overloaded, 1013},   {errc::malformed, 1011}, {errc::lost, 1011},
        {errc::pong_timeout, 4002},
    };
    for (const auto& [cause, code] : table) BOOST_TEST(close_code(cause) == code);
    for (int e = 0; e <= static_cast<int>(errc::bad_welcome); ++e)
        BOOST_TEST(framing::is_close_code(close_code(static_cast<errc>(e))));
}

BOOST_AUTO_TEST_SUITE_END()
