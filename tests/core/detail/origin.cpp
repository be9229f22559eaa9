// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/detail/origin.hpp>

#include <sigfire/dialect/peerjs.hpp>
#include <sigfire/net/websocket.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(origins)

BOOST_AUTO_TEST_CASE(they_are_spelt_as_browsers_spell_them) {
    const struct {
        const char *given, *sent;
    } rows[] = {
        {"https://example.org", "https://example.org"},
        {"HTTPS://Example.ORG", "https://example.org"},
        {"https://example.org/", "https://example.org"},
        {"https://example.org:443", "https://example.org"},
        {"http://example.org:80/", "http://example.org"},
        {"http://example.org:443", "http://example.org:443"},
        {"https://example.org:8443", "https://example.org:8443"},
        {"https://example.org:65535", "https://example.org:65535"},
        {"http://[::1]:3000", "http://[::1]:3000"},
        {"http://[::1]:80", "http://[::1]"},
        {"capacitor://localhost", "capacitor://localhost"},
        {"file://", "file://"},
        {"null", "null"},
        {"None", "none"},
    };
    for (const auto& row : rows) BOOST_TEST(detail::serialized_origin(row.given) == row.sent);
}

BOOST_AUTO_TEST_CASE(those_that_could_never_match_are_refused_by_name) {
    boost::asio::io_context io;
    for (const std::string wrong : {"",
                                    "*",
                                    "example.org",
                                    "https://",
                                    "://example.org",
                                    "https://example.org/app",
                                    "https://a.org?x",
                                    "https://a.org, https://b.org",
                                    "https://me@example.org",
                                    "https://*.example.org",
                                    "https://b\xC3\xBC.org",
                                    "wss://example.org",
                                    "WS://localhost:3003",
                                    "https://example.org:",
                                    "https://example.org:web",
                                    "https://example.org:0",
                                    "https://example.org:08443",
                                    "https://example.org:65536",
                                    "https://:8443",
                                    "http://::1",
                                    "http://[::1",
                                    "http://[::1]3000",
                                    "http://a[b]"}) {
        const auto named = [&](const std::invalid_argument& e) {
            return std::string_view{e.what()}.find("'" + wrong + "'") != std::string_view::npos;
        };
        BOOST_CHECK_EXCEPTION(detail::serialized_origin(wrong), std::invalid_argument, named);
        BOOST_CHECK_EXCEPTION((sigfire::websocket{io, {.origins = {"https://a.org", wrong}}}),
                              std::invalid_argument, named);
        BOOST_CHECK_EXCEPTION(dialect::peerjs{{.cors_origins = {wrong}}}, std::invalid_argument, named);
    }
}

BOOST_AUTO_TEST_CASE(transports_and_dialects_compare_what_browsers_send) {
    boost::asio::io_context io;
    const sigfire::websocket w{io, {.origins = {"HTTPS://Example.org:443/"}}};
    BOOST_TEST_REQUIRE(w.origins().size() == 1u);
    BOOST_TEST(w.origins()[0] == "https://example.org");
    const dialect::peerjs p{{.cors_origins = {"http://A.example:80"}}};
    BOOST_TEST(p.options().cors_origins.at(0) == "http://a.example");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
