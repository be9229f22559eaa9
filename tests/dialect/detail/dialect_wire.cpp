// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/detail/dialect_wire.hpp>

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(dialect_wire)

BOOST_AUTO_TEST_CASE(endings_are_those_of_rfc_6455) {
    const struct {
        errc why;
        unsigned status;
        int code;
    } rows[] = {
        {errc::closed, 400, 1000},
        {errc::lost, 408, 0},
        {errc::pong_timeout, 408, 0},
        {errc::stopping, 503, 1001},
        {errc::protocol_violation, 400, 1002},
        {errc::bad_utf8, 400, 1007},
        {errc::too_large, 413, 1009},
        {errc::overloaded, 503, 1013},
        {errc::slow_consumer, 503, 1013},
        {errc::handshake_timeout, 503, 1013},
        {errc::internal_error, 500, 1011},
        {errc::denied, 403, 1008},
        {errc::forbidden_origin, 403, 1008},
        {errc::id_in_use, 409, 1008},
        {errc::version_not_supported, 426, 1008},
        {errc::upgrade_required, 426, 1008},
        {errc::header_too_large, 431, 1008},
        {errc::rate, 429, 1008},
        {errc::flood, 429, 1008},
    };
    std::set<errc> named;
    for (const auto& r : rows) {
        const auto e = detail::plain_ending(r.why);
        BOOST_TEST(e.http_status == r.status, to_string(r.why));
        BOOST_TEST(int{e.close_code} == r.code, to_string(r.why));
        BOOST_TEST(e.text == (r.why == errc::closed ? "" : to_string(r.why)));
        named.insert(r.why);
    }
    for (const auto& row : detail::errc_table) {
        if (named.contains(row.code)) continue;
        const auto e = detail::plain_ending(row.code);
        BOOST_TEST((e.http_status == 400 && e.close_code == 1008 && e.text == row.text), row.text);
    }
}

BOOST_AUTO_TEST_CASE(the_first_subprotocol_is_echoed) {
    const auto first = [](std::initializer_list<header> fields) {
        const std::vector<header> all{fields};
        return detail::first_subprotocol(request{"GET", "/", all, {}});
    };
    BOOST_TEST(first({}).empty());
    BOOST_TEST(first({{"sec-websocket-protocol", " a, b"}, {"Sec-WebSocket-Protocol", "c"}}) == "a");
}

BOOST_AUTO_TEST_CASE(a_payload_is_its_own_while_it_lies_in_the_message) {
    std::string message = R"({"data":1})", other = "1";
    event::send e;
    e.whole = {message, message_type::text};
    BOOST_TEST(detail::has_own_payload(e), "none is none of another");
    e.data.bytes = std::string_view{message}.substr(8, 1);
    BOOST_TEST(detail::has_own_payload(e));
    e.data.bytes = message;
    BOOST_TEST(detail::has_own_payload(e));
    e.data.bytes = other;
    BOOST_TEST(!detail::has_own_payload(e));
    e.whole = {std::span<char>{message}.subspan(1), message_type::text};
    e.data.bytes = message;
    BOOST_TEST(!detail::has_own_payload(e));
    e.whole = {std::span<char>{message}.first(3), message_type::text};
    e.data.bytes = std::string_view{message}.substr(1, 3);
    BOOST_TEST(!detail::has_own_payload(e));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
