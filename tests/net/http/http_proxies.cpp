// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/http_proxies.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <stdexcept>
#include <string>

namespace {

using namespace sigfire;
using detail::http_proxy_rules, detail::parse_http_url;
using variables = std::map<std::string, std::string>;

http_proxies read(const variables& all) {
    return proxies_from([&](const char* name) -> const char* {
        const auto found = all.find(name);
        return found == all.end() ? nullptr : found->second.c_str();
    });
}

// Host of the proxy for `url`; empty: none.
std::string proxy(const http_proxies& from, const std::string& url) {
    const http_proxy_rules rules{from};
    const auto* const p = rules.of(*parse_http_url(url));
    return p == nullptr ? "" : p->host + ':' + std::to_string(p->port);
}

BOOST_AUTO_TEST_SUITE(http_proxies_)

BOOST_AUTO_TEST_CASE(variables_of_both_cases_count_and_lower_case_wins) {
    const auto upper = read({{"HTTP_PROXY", "a"}, {"HTTPS_PROXY", "b"}, {"NO_PROXY", "c"}});
    BOOST_TEST((upper.http == "a" && upper.https == "b" && upper.none == "c"));
    const auto both = read({{"HTTP_PROXY", "a"},
                            {"http_proxy", "d"},
                            {"https_proxy", "e"},
                            {"no_proxy", "f"},
                            {"NO_PROXY", "c"},
                            {"HTTPS_PROXY", "b"}});
    BOOST_TEST((both.http == "d" && both.https == "e" && both.none == "f"));
    BOOST_TEST(read({{"http_proxy", ""}, {"HTTP_PROXY", "a"}}).http == "a");
    const auto none = read({});
    BOOST_TEST((none.http.empty() && none.https.empty() && none.none.empty()));
}

BOOST_AUTO_TEST_CASE(a_client_of_a_cgi_process_cannot_set_the_proxy) {
    BOOST_TEST(read({{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "evil"}}).http == "");
    BOOST_TEST(read({{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "evil"}, {"http_proxy", "a"}}).http == "a");
}

BOOST_AUTO_TEST_CASE(the_scheme_of_the_url_selects_the_proxy) {
    const http_proxies both{"http://plain:1", "http://secure:2"};
    BOOST_TEST(proxy(both, "http://example.org/") == "plain:1");
    BOOST_TEST(proxy(both, "https://example.org/") == "secure:2");
    BOOST_TEST(proxy({"plain:1"}, "https://example.org/") == "");
    BOOST_TEST(proxy({}, "http://example.org/") == "");
}

BOOST_AUTO_TEST_CASE(hosts_without_a_proxy) {
    const struct {
        std::string none, url;
        bool proxied;
    } rows[] = {
        {"", "http://example.org/", true},
        {"example.org", "http://example.org/", false},
        {"Example.ORG", "http://EXAMPLE.org/", false},
        {"example.org", "http://www.example.org/", false},
        {"example.org", "http://badexample.org/", true},
        {".example.org", "http://www.example.org/", false},
        {".example.org", "http://example.org/", false},
        {"*.example.org", "http://www.example.org/", false},
        {"a.org, example.org ,b.org", "http://example.org/", false},
        {"example.org:8080", "http://example.org/", true},
        {"example.org:8080", "http://example.org:8080/", false},
        {"*", "http://example.org/", false},
        {"10.0.0.0/8", "http://10.1.2.3/", false},
        {"10.0.0.0/8", "http://11.1.2.3/", true},
        {"192.0.2.7", "http://192.0.2.7/", false},
        {"2001:db8::/32", "http://[2001:db8::7]/", false},
        {"unix", "http://example.org/", true},
        {"[", "http://example.org/", true},
        {"", "http://localhost/", false},
        {"", "http://a.localhost/", false},
        {"", "http://127.1.2.3/", false},
        {"", "http://[::1]/", false},
        {"", "http://[::2]/", true},
    };
    for (const auto& row : rows)
        BOOST_TEST(!proxy({"p", "", row.none}, row.url).empty() == row.proxied, row.none << ' ' << row.url);
}

BOOST_AUTO_TEST_CASE(a_wrong_proxy_is_refused_without_its_password) {
    for (const auto& from :
         {http_proxies{"socks5://me:hunter2@x", ""}, http_proxies{"", "https://me:hunter2@x"}})
        BOOST_CHECK_EXCEPTION(http_proxy_rules{from}, std::invalid_argument, [](const std::exception& e) {
            const std::string text = e.what();
            return text.starts_with("sigfire: ") && text.find("hunter2") == text.npos;
        });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
