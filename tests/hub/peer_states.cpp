// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/peer_states.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(peer_states_)

BOOST_AUTO_TEST_CASE(states_belong_to_a_peer_and_not_to_its_slot) {
    peer_states<std::string> states;
    const peer_handle a{2, 1}, next{2, 2}, b{200, 1};
    BOOST_TEST(states.find(a) == nullptr);
    std::string& first = states.emplace(a, "anna");
    states.emplace(b, 3u, 'b');
    BOOST_TEST(states.find(a) == &first); // growth moves nothing
    BOOST_TEST(*states.find(b) == "bbb");
    BOOST_TEST(states.find(next) == nullptr);
    BOOST_TEST(states.find({}) == nullptr);
    states.erase(next);
    BOOST_TEST(*states.find(a) == "anna");
    states.emplace(next, "nora");
    BOOST_TEST(states.find(a) == nullptr);
    states.erase(a);
    BOOST_TEST(*states.find(next) == "nora");
    states.erase(next);
    states.erase(next);
    BOOST_TEST(states.find(next) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
