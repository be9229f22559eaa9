// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/proxy/network_list.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using sigfire::detail::network_list;
using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(network_list_)

BOOST_AUTO_TEST_CASE(a_network_contains_its_addresses_only) {
    const struct {
        const char* network;
        strings in, out;
    } rows[] = {
        {"10.0.0.0/8",
         {"10.0.0.0", "10.255.1.2", "::ffff:10.1.1.1"},
         {"11.0.0.0", "9.255.255.255", "::a00:1"}},
        {"192.0.2.1", {"192.0.2.1"}, {"192.0.2.2", "192.0.2.0"}},
        {"192.0.2.128/25", {"192.0.2.128", "192.0.2.255"}, {"192.0.2.127"}},
        {"192.0.2.1/31", {"192.0.2.0", "192.0.2.1"}, {"192.0.2.2"}},
        {"0.0.0.0/0", {"1.2.3.4"}, {"2001:db8::1", ""}},
        {"2001:db8::/33", {"2001:db8::1", "2001:db8:7fff::"}, {"2001:db8:8000::", "1.2.3.4"}},
        {"::1", {"::1"}, {"::2", "127.0.0.1"}},
        {"::/0", {"::1", "1.2.3.4"}, {""}},
        {"unix", {""}, {"127.0.0.1", "unix"}},
    };
    for (const auto& row : rows) {
        const network_list l{strings{row.network}};
        BOOST_TEST(l.valid());
        BOOST_TEST(!l.empty());
        for (const auto& a : row.in) BOOST_TEST(l.contains(a), row.network << " " << a);
        for (const auto& a : row.out) BOOST_TEST(!l.contains(a), row.network << " " << a);
    }
    const network_list several{strings{"10.0.0.0/8", "::1"}};
    BOOST_TEST(several.contains("::1"));
    BOOST_TEST(several.contains("10.0.0.1"));
    BOOST_TEST(!several.contains("what is this"));
    BOOST_TEST(network_list{}.empty());
    BOOST_TEST(!network_list{}.contains("127.0.0.1"));
    BOOST_TEST(!network_list{}.contains(""));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_network_is_not_valid) {
    for (const char* wrong : {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8",
                              "::1/129", "example.org", "10.0.0.0/8/8", " 10.0.0.1"})
        BOOST_TEST(!network_list(strings{"10.0.0.1", wrong}).valid(), wrong);
    BOOST_TEST(!network_list(strings{std::string{"10.0.0.1\0x", 10}}).valid());
    BOOST_TEST(!network_list(strings{"10.0.0.1"}).contains(std::string_view{"10.0.0.1\0x", 10}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
