// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/msgpack/scan.hpp>
#include <sigfire/text/msgpack/write.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire::detail;
using namespace std::literals;
using enum msgpack_kind;

// Memory of exactly the text's size, so that a look beyond it is seen.
template <class F>
auto exactly(std::string_view text, F f) {
    const std::vector<char> bytes(text.begin(), text.end());
    return f(std::string_view{bytes.data(), bytes.size()});
}

msgpack_value read(std::string_view text) {
    return read_msgpack(text.data(), text.data() + text.size());
}

bool valid(std::string_view text) {
    return exactly(text, [](std::string_view s) {
        msgpack_scanner scan{s};
        return !scan.value().empty() && scan.finished();
    });
}

template <class F>
std::string written(F f) {
    std::string out;
    msgpack_writer w{string_sink{out}};
    f(w);
    msgpack_writer count{count_sink{}};
    f(count);
    BOOST_TEST(count.size() == out.size());
    std::vector<char> memory(out.size());
    msgpack_writer direct{memory_sink{memory.data()}};
    f(direct);
    BOOST_TEST(std::string(memory.begin(), memory.end()) == out);
    return out;
}

std::string nested(std::string_view head, unsigned n) {
    std::string s;
    for (unsigned i = 0; i < n; ++i) s += head;
    return s;
}

} // namespace

BOOST_AUTO_TEST_SUITE(detail_msgpack_scan)

BOOST_AUTO_TEST_CASE(values) {
    struct row {
        std::string bytes;
        msgpack_kind kind;
        std::uint64_t number;
        std::string contents;
    };
    const auto bits = [](double d) { return std::bit_cast<std::uint64_t>(d); };
    const auto minus = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
    const std::string long300(300, 'x'), long70000(70000, 'y');
    const row rows[] = {
        {"\xc0"s, nil, 0, ""},
        {"\xc2"s, boolean, 0, ""},
        {"\xc3"s, boolean, 1, ""},
        {"\x00"s, number, 0, ""},
        {"\x7f"s, number, 127, ""},
        {"\xcc\x05"s, number, 5, ""},
        {"\xcc\xff"s, number, 255, ""},
        {"\xcd\x01\x02"s, number, 0x102, ""},
        {"\xce\x01\x02\x03\x04"s, number, 0x1020304, ""},
        {"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s, number, UINT64_MAX, ""},
        {"\xff"s, negative, minus(-1), ""},
        {"\xe0"s, negative, minus(-32), ""},
        {"\xd0\x80"s, negative, minus(-128), ""},
        {"\xd0\x05"s, number, 5, ""},
        {"\xd1\x80\x00"s, negative, minus(-32768), ""},
        {"\xd2\x80\x00\x00\x00"s, negative, minus(INT32_MIN), ""},
        {"\xd2\x00\x00\x00\x01"s, number, 1, ""},
        {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s, negative, minus(INT64_MIN), ""},
        {"\xd3\x00\x00\x00\x00\x00\x00\x00\x07"s, number, 7, ""},
        {"\xca\x3f\x00\x00\x00"s, real, bits(0.5), ""},
        {"\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"s, real, bits(0.5), ""},
        {"\xa0"s, text, 0, ""},
        {"\xa2no"s, text, 0, "no"},
        {"\xbf" + std::string(31, 'z'), text, 0, std::string(31, 'z')},
        {"\xd9\x02no"s, text, 0, "no"},
        {"\xda\x01\x2c"s + long300, text, 0, long300},
        {"\xdb\x00\x01\x11\x70"s + long70000, text, 0, long70000},
        {"\xc4\x02\xff\x00"s, bytes, 0, "\xff\x00"s},
        {"\xc5\x01\x2c"s + long300, bytes, 0, long300},
        {"\xc6\x00\x01\x11\x70"s + long70000, bytes, 0, long70000},
        {"\xd4\x05z"s, ext, 0, "z"},
        {"\xd5\x05zz"s, ext, 0, "zz"},
        {"\xd6\xff\x00\x00\x00\x01"s, ext, 0, "\x00\x00\x00\x01"s},
        {"\xd7\x05" + std::string(8, 'z'), ext, 0, std::string(8, 'z')},
        {"\xd8\x05" + std::string(16, 'z'), ext, 0, std::string(16, 'z')},
        {"\xc7\x03\x05zzz"s, ext, 0, "zzz"},
        {"\xc8\x01\x2c\x05"s + long300, ext, 0, long300},
        {"\xc9\x00\x01\x11\x70\x05"s + long70000, ext, 0, long70000},
        {"\x90"s, array, 0, ""},
        {"\xdc\x00\x00"s, array, 0, ""},
        {"\xdd\x00\x00\x00\x00"s, array, 0, ""},
        {"\x80"s, map, 0, ""},
        {"\xde\x00\x00"s, map, 0, ""},
        {"\xdf\x00\x00\x00\x00"s, map, 0, ""},
    };
    for (const auto& r : rows) {
        const auto v = read(r.bytes);
        BOOST_TEST_CONTEXT("first byte " << static_cast<unsigned>(static_cast<unsigned char>(r.bytes[0]))) {
            BOOST_TEST((v.kind == r.kind));
            BOOST_TEST(v.number == r.number);
            BOOST_TEST((v.contents == r.contents));
            BOOST_TEST((v.behind == r.bytes.data() + r.bytes.size()));
            BOOST_TEST(valid(r.bytes));
            BOOST_TEST(!valid(r.bytes + '\0'));
            for (std::size_t n = 0; n < std::min<std::size_t>(r.bytes.size(), 400); ++n)
                BOOST_TEST(!valid(std::string_view{r.bytes}.substr(0, n)));
        }
    }
    BOOST_TEST(!valid("\xc1"));
    BOOST_TEST(!valid("\x91\xc1"));
}

BOOST_AUTO_TEST_CASE(lengths_that_are_only_announced) {
    for (const auto bomb : {"\xdd\xff\xff\xff\xff"sv, "\xdf\xff\xff\xff\xff"sv, "\xdb\xff\xff\xff\xff"sv,
                            "\xc6\xff\xff\xff\xff"sv, "\xc9\xff\xff\xff\xff\x01"sv, "\xdc\xff\xff"sv,
                            "\xde\xff\xff\x01"sv, "\x8f\x01"sv, "\x9f\x01"sv}) {
        BOOST_TEST((read(bomb).is(wrong)));
        BOOST_TEST(!valid(bomb));
        BOOST_TEST(!valid("\x91"s.append(bomb)));
        BOOST_TEST(!valid("\x81\xa1"
                          "a"s.append(bomb)));
    }
    // Each fits by itself, all of them do not.
    BOOST_TEST(!valid("\x93\x93\x93\x01\x02\x03\x04"sv));
    BOOST_TEST(!valid(nested("\x9f", 40)));
}

BOOST_AUTO_TEST_CASE(nesting) {
    BOOST_TEST(valid(nested("\x91", 512) + "\x01"));
    BOOST_TEST(!valid(nested("\x91", 513) + "\x01"));
    BOOST_TEST(valid(nested("\x91", 511) + "\x90"));
    BOOST_TEST(!valid(nested("\x91", 512) + "\x90"));
    BOOST_TEST(valid(nested("\x81\x01", 512) + "\x01"));
    BOOST_TEST(!valid(nested("\x81\x01", 512) + "\x80"));
    BOOST_TEST(!valid(nested("\x91", 1'000'000)));
    // in keys too
    BOOST_TEST(valid(nested("\x81", 512) + nested("\x01", 513)));
    BOOST_TEST(!valid(nested("\x81", 513) + nested("\x01", 514)));
    // and below maps that were walked into
    const auto inside = [](unsigned n) {
        const auto all = "\x81\xa1"
                         "a"s +
                         nested("\x91", n) + "\x01";
        msgpack_scanner scan{all};
        return !scan.map([&](std::string_view) { return !scan.value().empty(); }).empty() && scan.finished();
    };
    BOOST_TEST(inside(511));
    BOOST_TEST(!inside(512));
}

BOOST_AUTO_TEST_CASE(texts_are_utf8) {
    BOOST_TEST(valid("\xa2\xc3\xa9"));
    BOOST_TEST(valid("\xa4\xf0\x9f\x98\x80"));
    for (const auto bad : {"\xa1\xff"sv, "\xa2\xc0\x80"sv, "\xa1\xc3"sv, "\xa3\xed\xa0\x80"sv}) {
        BOOST_TEST(!valid(bad));
        BOOST_TEST(!valid("\x91"s.append(bad)));
        BOOST_TEST(!valid("\x81"s.append(bad) + "\x01")); // a key
        BOOST_TEST(!valid("\x81\x01"s.append(bad)));
    }
    BOOST_TEST(valid("\xc4\x01\xff"sv)); // bytes may be anything
    BOOST_TEST(valid("\xd4\x01\xff"sv));
}

BOOST_AUTO_TEST_CASE(members) {
    const auto all = "\x85\xa1"
                     "a\x01\x02\xa1z\xc0\x03\xa1"
                     "b\x92\x01\x02\xd9\x01"
                     "c\x81\xa1"
                     "d\x04"s;
    std::vector<std::pair<std::string, std::string>> seen;
    msgpack_scanner scan{all};
    BOOST_TEST(scan.at_map());
    const auto whole = scan.map([&](std::string_view name) {
        if (name == "c") {
            BOOST_TEST(scan.at_map());
            return !scan.map([&](std::string_view inner) {
                            seen.emplace_back("c." + std::string{inner}, scan.value());
                            return true;
                        })
                        .empty();
        }
        seen.emplace_back(name, scan.value());
        return !seen.back().second.empty();
    });
    BOOST_TEST((whole == all));
    BOOST_TEST(scan.finished());
    const std::vector<std::pair<std::string, std::string>> expected{
        {"a", "\x01"}, {"", "\xa1z"}, {"", "\x03"}, {"b", "\x92\x01\x02"}, {"c.d", "\x04"}};
    BOOST_TEST((seen == expected));

    const auto walk = [](std::string_view s) {
        return exactly(s, [](std::string_view text) {
            msgpack_scanner map{text};
            return !map.map([&](std::string_view) { return !map.value().empty(); }).empty();
        });
    };
    BOOST_TEST(walk(all));
    for (std::size_t n = 0; n < all.size(); ++n) BOOST_TEST(!walk(std::string_view{all}.substr(0, n)));
    for (const auto none : {""sv, "\x01"sv, "\x91\x01"sv, "\xc1"sv}) {
        BOOST_TEST(!msgpack_scanner{none}.at_map());
        BOOST_TEST(!walk(none));
    }
    BOOST_TEST(!walk("\x81\xa1\xff\x01"));
    // the walker may give up
    msgpack_scanner given_up{all};
    BOOST_TEST(given_up.map([](std::string_view) { return false; }).empty());
}

BOOST_AUTO_TEST_CASE(values_are_read_as_text_number_or_truth) {
    BOOST_TEST(msgpack_text("\xa2no") == "no");
    BOOST_TEST(msgpack_text("\xc4\x02no") == "");
    BOOST_TEST(msgpack_text("\x05") == "");
    BOOST_TEST(msgpack_text("") == "");
    BOOST_TEST((msgpack_uint("\x05") == 5u));
    BOOST_TEST((msgpack_uint("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"sv) == UINT64_MAX));
    BOOST_TEST((msgpack_uint("\xcb\x42\x02\xa0\x5f\x20\x00\x00\x00"sv) == 10'000'000'000u)); // 1e10
    BOOST_TEST((msgpack_uint("\xd0\x05") == 5u));
    for (const auto none :
         {""sv, "\xff"sv,
          "\xa1"
          "5"sv,
          "\xc0"sv, "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"sv, "\xcb\xbf\xf0\x00\x00\x00\x00\x00\x00"sv,
          "\xca\x7f\xc0\x00\x00"sv, "\xca\x7f\x80\x00\x00"sv, "\xcb\x43\xe0\x00\x00\x00\x00\x00\x00"sv})
        BOOST_TEST(!msgpack_uint(none));
    for (const auto no : {""sv, "\xc0"sv, "\xc2"sv, "\0"sv, "\xcc\0"sv, "\xd3\0\0\0\0\0\0\0\0"sv, "\xa0"sv,
                          "\xd9\0"sv, "\xca\0\0\0\0"sv, "\xca\x80\0\0\0"sv, "\xca\x7f\xc0\0\0"sv})
        BOOST_TEST(!msgpack_truthy(no));
    for (const auto yes : {"\xc3"sv, "\x01"sv, "\xff"sv, "\xa1\0"sv, "\xca\x3f\0\0\0"sv, "\xca\xbf\0\0\0"sv,
                           "\xc4\0"sv, "\x90"sv, "\x80"sv, "\xd4\0\0"sv})
        BOOST_TEST(msgpack_truthy(yes));
}

BOOST_AUTO_TEST_CASE(written_values_are_short_and_read_the_same) {
    const std::pair<std::uint64_t, std::size_t> naturals[] = {
        {0, 1},     {127, 1},   {128, 2},        {255, 2},         {256, 3},
        {65535, 3}, {65536, 5}, {0xffffffff, 5}, {0x100000000, 9}, {UINT64_MAX, 9}};
    for (const auto& [n, size] : naturals) {
        const auto s = written([value = n](auto& w) { w.number(value); });
        BOOST_TEST(s.size() == size);
        BOOST_TEST((read(s).is(number) && read(s).number == n));
    }
    const std::pair<std::int64_t, std::size_t> negatives[] = {
        {-1, 1},       {-32, 1},       {-33, 2},
        {-128, 2},     {-129, 3},      {-32768, 3},
        {-32769, 5},   {INT32_MIN, 5}, {std::int64_t{INT32_MIN} - 1, 9},
        {INT64_MIN, 9}};
    for (const auto& [n, size] : negatives) {
        const auto s = written([value = n](auto& w) { w.negative(value); });
        BOOST_TEST(s.size() == size);
        BOOST_TEST((read(s).is(negative) && static_cast<std::int64_t>(read(s).number) == n));
    }
    const std::pair<std::size_t, std::size_t> texts[] = {{0, 1},   {31, 1},    {32, 2},   {255, 2},
                                                         {256, 3}, {65535, 3}, {65536, 5}};
    for (const auto& [n, head] : texts) {
        const std::string all(n, 'x');
        const auto s = written([&](auto& w) { w.text(all); });
        BOOST_TEST(s.size() == n + head);
        BOOST_TEST((read(s).contents == all));
    }
    const std::pair<std::size_t, std::size_t> counts[] = {{0, 1}, {15, 1}, {16, 3}, {65535, 3}, {65536, 5}};
    for (const auto& [n, head] : counts) {
        auto s = written([value = n](auto& w) { w.array(value); });
        BOOST_TEST(s.size() == head);
        s.append(2 * n, '\x01');
        BOOST_TEST((read(s).is(array) && read(s).number == n));
        s = written([value = n](auto& w) { w.map(value); });
        BOOST_TEST(s.size() == head);
        s.append(2 * n, '\x01');
        BOOST_TEST((read(s).is(map) && read(s).number == n));
    }
    BOOST_TEST(written([](auto& w) { w.nil(), w.boolean(true), w.boolean(false); }) == "\xc0\xc3\xc2");
    for (const double d : {0.0, -0.5, 1e300, std::numeric_limits<double>::infinity()}) {
        const auto s = written([d](auto& w) { w.real(d); });
        BOOST_TEST(s.size() == 9u);
        BOOST_TEST(std::bit_cast<double>(read(s).number) == d);
    }
}

BOOST_AUTO_TEST_SUITE_END()
