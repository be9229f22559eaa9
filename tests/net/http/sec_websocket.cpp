// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/sec_websocket.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

namespace {

using namespace sigfire::detail;

BOOST_AUTO_TEST_SUITE(sec_websocket)

BOOST_AUTO_TEST_CASE(a_key_is_accepted_as_the_rfc_says) {
    BOOST_TEST(sec_websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // 1.3
    // hashes of one block, and of several
    BOOST_TEST(sec_websocket_accept("") == "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=");
    BOOST_TEST(sec_websocket_accept(std::string(200, 'a')).size() == 28u);
}

BOOST_AUTO_TEST_CASE(each_key_is_new) {
    std::set<std::string> keys;
    for (int i = 0; i < 100; ++i) {
        const auto key = sec_websocket_key();
        BOOST_TEST((key.size() == 24u && key.ends_with("==")));
        keys.insert(key);
    }
    BOOST_TEST(keys.size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
