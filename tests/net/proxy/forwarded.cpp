// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/proxy/forwarded.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(forwarded)

BOOST_AUTO_TEST_CASE(headers_are_believed_as_far_as_proxies_wrote_them) {
    const std::vector<std::string> networks{"10.0.0.0/8", "::1", "unix"};
    const detail::network_list proxies{networks};
    using fields = std::vector<header>;
    const struct {
        const char* from;
        fields headers;
        const char* remote;
        bool secure;
    } rows[] = {
        {"10.0.0.1", {}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-For", "192.0.2.7"}}, "192.0.2.7", false},
        {"192.0.2.1", {{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.1", false},
        {"", {{"x-forwarded-for", "192.0.2.7"}, {"X-FORWARDED-PROTO", "HTTPS"}}, "192.0.2.7", true},
        {"::1", {{"X-Forwarded-For", "[2001:db8::1]:80"}}, "2001:db8::1", false},
        {"::1", {{"X-Forwarded-For", "2001:db8::1"}}, "2001:db8::1", false},
        {"::1", {{"X-Forwarded-For", "192.0.2.7:8080"}}, "192.0.2.7", false},
        // an address by a stranger is not reached
        {"10.0.0.1", {{"X-Forwarded-For", "1.2.3.4, 192.0.2.7"}}, "192.0.2.7", false},
        {"10.0.0.1", {{"X-Forwarded-For", "1.2.3.4, 192.0.2.7 ,10.9.9.9"}}, "192.0.2.7", false},
        {"10.0.0.1",
         {{"X-Forwarded-For", "1.2.3.4"}, {"Host", "x"}, {"X-Forwarded-For", "192.0.2.7,10.1.1.1"}},
         "192.0.2.7",
         false},
        {"10.0.0.1", {{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-For", "10.1.1.1"}}, "192.0.2.7", false},
        // proxies all the way
        {"10.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}, "10.0.0.3", false},
        // a text that is no address ends it
        {"10.0.0.1", {{"X-Forwarded-For", "1.2.3.4, unknown"}}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-For", "1.2.3.4, unknown, 10.0.0.2"}}, "10.0.0.2", false},
        {"10.0.0.1", {{"X-Forwarded-For", ""}}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-For", "["}}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-For", ",,"}}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-Proto", "https, http"}}, "10.0.0.1", false},
        {"10.0.0.1", {{"X-Forwarded-Proto", "http"}, {"X-Forwarded-Proto", "wss"}}, "10.0.0.1", true},
    };
    for (const auto& row : rows) {
        request r{"GET", "/", row.headers, row.from};
        detail::apply_forwarded(r, proxies);
        BOOST_TEST(r.remote == row.remote);
        BOOST_TEST(r.secure == row.secure);
    }
    request direct{"GET", "/", {}, "10.0.0.1"};
    direct.secure = true; // by TLS of our own, and the proxy says nothing else
    detail::apply_forwarded(direct, proxies);
    BOOST_TEST(direct.secure);
}

BOOST_AUTO_TEST_CASE(one_kind_of_header_is_believed) {
    const std::vector<std::string> networks{"10.0.0.0/8"};
    const detail::network_list proxies{networks};
    using enum forwarded_header;
    using fields = std::vector<header>;
    const struct {
        forwarded_header kind;
        fields headers;
        const char* remote;
        bool secure;
    } rows[] = {
        {forwarded, {{"Forwarded", "for=192.0.2.7"}}, "192.0.2.7", false},
        {forwarded, {{"forwarded", "For=192.0.2.7:80; Proto=HTTPS;by=x"}}, "192.0.2.7", true},
        {forwarded, {{"Forwarded", R"(proto=https;for="[2001:db8::1]:80")"}}, "2001:db8::1", true},
        {forwarded, {{"Forwarded", "for=1.2.3.4;proto=https, for=192.0.2.7;proto=http"}}, "192.0.2.7", false},
        {forwarded, {{"Forwarded", "for=1.2.3.4, for=192.0.2.7, for=10.0.0.9;proto=wss"}}, "192.0.2.7", true},
        {forwarded, {{"Forwarded", R"(for="1.2.3.4)"}, {"Forwarded", "for=192.0.2.7"}}, "192.0.2.7", false},
        {forwarded, {{"Forwarded", "for=1.2.3.4, for=unknown"}}, "10.0.0.1", false},
        {forwarded, {{"Forwarded", "for=_hidden;proto=https"}}, "10.0.0.1", true},
        {forwarded, {{"Forwarded", "proto=https"}}, "10.0.0.1", true},
        {forwarded, {{"Forwarded", ";;=;for"}}, "10.0.0.1", false},
        // what a stranger wrote, and the proxy passed on
        {forwarded, {{"X-Forwarded-For", "1.2.3.4"}, {"X-Real-IP", "1.2.3.4"}}, "10.0.0.1", false},
        {x_forwarded, {{"Forwarded", "for=1.2.3.4"}, {"X-Real-IP", "1.2.3.4"}}, "10.0.0.1", false},
        {x_real_ip, {{"X-Real-IP", "192.0.2.7"}, {"X-Forwarded-Proto", "https"}}, "192.0.2.7", true},
        {x_real_ip, {{"X-Forwarded-For", "1.2.3.4"}, {"Forwarded", "for=1.2.3.4"}}, "10.0.0.1", false},
    };
    for (const auto& row : rows) {
        request r{"GET", "/", row.headers, "10.0.0.1"};
        detail::apply_forwarded(r, proxies, row.kind);
        BOOST_TEST(r.remote == row.remote);
        BOOST_TEST(r.secure == row.secure);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
