// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/request_body.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using detail::request_body;
using verdict = request_body::verdict;

BOOST_AUTO_TEST_SUITE(request_body_)

BOOST_AUTO_TEST_CASE(bodies_by_length_and_in_chunks) {
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
    const struct {
        std::string bytes;
        verdict is;
        std::string_view body;
    } rows[] = {
        {head + "\r\n", verdict::good, ""},
        {head + "Content-Length: 5\r\n\r\nhello", verdict::good, "hello"},
        {head + "Content-Length: 10\r\n\r\n0123456789", verdict::good, "0123456789"},
        {head + "Content-Length: 11\r\n\r\n", verdict::too_large, ""},
        {head + "Content-Length: x\r\n\r\n", verdict::bad, ""},
        {head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", verdict::good, "abcde"},
        {head + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n",
         verdict::too_large, ""},
        {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", verdict::bad, ""},
    };
    for (const auto& row : rows) {
        request_body b;
        BOOST_TEST((b.read(row.bytes + (row.is == verdict::good ? "GET /next" : ""), 10) == row.is),
                   row.bytes);
        if (row.is != verdict::good) continue;
        BOOST_TEST(b.body() == row.body);
        BOOST_TEST(b.size() == row.bytes.size());
        for (auto n = row.bytes.find("\r\n\r\n") + 4; n < row.bytes.size(); ++n) {
            request_body part;
            BOOST_TEST((part.read(std::string_view{row.bytes}.substr(0, n), 10) == verdict::incomplete));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_body_is_announced_by_length_or_encoding) {
    const header length[] = {{"Content-Length", "3"}}, none[] = {{"Content-Length", "0"}},
                 chunked[] = {{"transfer-encoding", "chunked"}};
    BOOST_TEST(detail::has_body({"POST", "/", length, ""}));
    BOOST_TEST(detail::has_body({"POST", "/", chunked, ""}));
    BOOST_TEST(!detail::has_body({"POST", "/", none, ""}));
    BOOST_TEST(!detail::has_body({"GET", "/", {}, ""}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
