// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/proxy/proxy_protocol.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace {

using sigfire::detail::parse_proxy_header, sigfire::detail::proxy_header;
using verdict = proxy_header::verdict;
using namespace std::literals;

std::string v2(unsigned version_command, unsigned family, const std::string& rest) {
    std::string out = "\r\n\r\n\0\r\nQUIT\n"s;
    for (const auto b : {version_command, family, static_cast<unsigned>(rest.size() >> 8),
                         static_cast<unsigned>(rest.size() & 255)})
        out += static_cast<char>(b);
    return out + rest;
}

const std::string four = "\xc0\x00\x02\x07\x0a\x00\x00\x01\x12\x34\x01\xbb"s; // 192.0.2.7 -> 10.0.0.1
const std::string six = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s + std::string(20, '\x01');

// Whole, it is good; each beginning of it is incomplete; bytes behind it do not matter.
void good(const std::string& header, std::string_view source, bool secure = false) {
    for (const std::string& more : {""s, "GET / HTTP/1.1\r\n\r\n"s, "\0"s, "PROXY "s}) {
        const auto h = parse_proxy_header(header + more);
        BOOST_TEST((h.is == verdict::good), header);
        BOOST_TEST(h.size == header.size());
        BOOST_TEST(h.source == source);
        BOOST_TEST(h.secure == secure);
    }
    for (std::size_t i = 0; i < header.size(); ++i)
        BOOST_TEST((parse_proxy_header(std::string_view{header}.substr(0, i)).is == verdict::incomplete));
}

BOOST_AUTO_TEST_SUITE(proxy_protocol)

BOOST_AUTO_TEST_CASE(version_1) {
    good("PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n", "192.0.2.7");
    good("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255");
    good("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1");
    good("PROXY UNKNOWN\r\n", "");
    good("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "");
    for (const std::string& wrong : {"PROXY\r\n"s,
                                     "PROXY TCP4\r\n"s,
                                     "PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n"s,
                                     "PROXY TCP4 2001:db8::1 ::1 1 2\r\n"s,
                                     "PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1 -1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7\0 10.0.0.1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1\0x 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7 10.0.0.1 1\0 2\r\n"s,
                                     "PROXY TCP6 fe80::1%lo ::1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2.7  10.0.0.1 1 2\r\n"s,
                                     "PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n"s,
                                     "PROXY TCP4 example.org 10.0.0.1 1 2\r\n"s,
                                     "proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n"s,
                                     "GET / HTTP/1.1\r\n\r\n"s,
                                     "PROXX"s,
                                     "\x16\x03\x01"s,
                                     "PROXY UNKNOWN "s + std::string(100, 'x')})
        BOOST_TEST((parse_proxy_header(wrong).is == verdict::bad), wrong);
    const auto longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
    BOOST_TEST(longest.size() == 107u);
    good(longest, "");
}

BOOST_AUTO_TEST_CASE(version_2) {
    good(v2(0x21, 0x11, four), "192.0.2.7");
    good(v2(0x21, 0x21, six), "2001:db8::1");
    good(v2(0x21, 0x21, std::string(10, '\0') + "\xff\xff\xc0\x00\x02\x07"s + std::string(20, '\1')),
         "192.0.2.7");
    good(v2(0x21, 0x31, std::string(216, 'x')), "");
    good(v2(0x21, 0x00, "anything"), "");
    good(v2(0x20, 0x00, ""), "");
    good(v2(0x20, 0x11, four), "");
    // What a proxy adds: another thing first, then that the client came by TLS, or not.
    good(v2(0x21, 0x11, four + "\x01\x00\x02h2"s + "\x20\x00\x05\x01\0\0\0\0"s), "192.0.2.7", true);
    good(v2(0x21, 0x11, four + "\x20\x00\x05\x04\0\0\0\0"s), "192.0.2.7", false);
    good(v2(0x21, 0x11, four + "\x20\x00\x00"s), "192.0.2.7", false);
    good(v2(0x21, 0x11, four + "\x04"s), "192.0.2.7"); // padding too short to be anything
    good(v2(0x21, 0x11, four + "\x04\x0f\xf1"s + std::string(4081, 'x')), "192.0.2.7");
    for (const std::string& wrong :
         {v2(0x11, 0x11, four), v2(0x31, 0x11, four), v2(0x22, 0x11, four), v2(0x21, 0x11, four.substr(1)),
          v2(0x21, 0x21, six.substr(1)), v2(0x21, 0x31, std::string(215, 'x')),
          v2(0x21, 0x11, four + "\x20\x00\x06\x01\0\0\0\0"s), v2(0x21, 0x11, four + std::string(5000, '\0')),
          "\r\n\r\n\0\r\nQUIT\r"s})
        BOOST_TEST((parse_proxy_header(wrong).is == verdict::bad), wrong.size());
}

BOOST_AUTO_TEST_CASE(any_bytes) {
    std::mt19937 random{1};
    const std::string good[] = {"PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n",
                                v2(0x21, 0x11, four + "\x20\x00\x01\x01"s)};
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = good[random() % 2];
        for (auto n = random() % 4; n-- > 0;) bytes[random() % bytes.size()] = static_cast<char>(random());
        bytes.resize(random() % 2 ? bytes.size() : random() % (bytes.size() + 1));
        const std::string exact = bytes; // memory of just its size
        const auto h = parse_proxy_header(exact);
        BOOST_TEST_REQUIRE((h.is != verdict::good || h.size <= exact.size()));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
