// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/topics.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace hub_world;

BOOST_AUTO_TEST_SUITE(topics_)

BOOST_AUTO_TEST_CASE(a_publication_reaches_the_other_members) {
    hub_bench b{features{topics{}}};
    BOOST_TEST(b.connect("ann") == R"({"cmd":"welcome","data":{"id":"ann"}})");
    b.connect("bob");
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(b.ask("bob", R"({"cmd":"join","topic":"t"})") == R"(ok {"topic":"t","members":2})");
    b.say("ann", R"({"cmd":"publish","topic":"t","id":1,"data":[1]})");
    same(b.heard_by_all(),
         {R"(ann {"id":1,"ok":true})", R"(bob {"cmd":"publish","origin":"ann","topic":"t","data":[1]})"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"dance"})") == "unknown_command");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
