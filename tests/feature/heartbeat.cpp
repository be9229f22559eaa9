// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/heartbeat.hpp>

#include "support/peerjs_world.hpp"

namespace {

using namespace peerjs_world;

const std::string beat = R"({"type":"HEARTBEAT"})";

struct closings {
    std::vector<errc>* seen;

    void on_close(peer_handle, errc why) { seen->push_back(why); }
};

BOOST_AUTO_TEST_SUITE(heartbeat_)

BOOST_AUTO_TEST_CASE(silence_ends_a_peer) {
    std::vector<errc> seen;
    basic_world<all_features, hooks<closings>> w{{.alive_timeout = 1000ms}, hooks{closings{&seen}}};
    w.connect("a");
    BOOST_TEST(w.h.get<heartbeat>().size() == 1u);
    w.advance(999ms);
    BOOST_TEST(seen.empty());
    w.advance(1ms);
    BOOST_TEST((seen == std::vector{errc::pong_timeout}));
    BOOST_TEST(w.h.get<heartbeat>().size() == 0u);
}

BOOST_AUTO_TEST_CASE(each_heartbeat_counts_from_when_it_came) {
    world w{{.alive_timeout = 1000ms}};
    w.connect("a");
    for (int i = 0; i < 100; ++i) {
        w.advance(999ms);
        BOOST_TEST_REQUIRE(w.say("a", beat));
    }
    w.advance(400ms);
    for (int i = 0; i < 1000; ++i) w.say("a", beat); // many are no more than one
    w.advance(999ms);
    BOOST_TEST(w.connections["a"].usable());
    w.advance(1ms);
    BOOST_TEST(!w.connections["a"].usable());
}

BOOST_AUTO_TEST_CASE(many_are_watched_each_for_itself) {
    world w{{.alive_timeout = 1000ms}};
    for (int i = 0; i < 10; ++i) {
        w.connect(std::to_string(i));
        w.advance(10ms);
    }
    w.close("3");
    BOOST_TEST(w.h.get<heartbeat>().size() == 9u);
    w.say("0", beat); // at 100 ms
    w.advance(900ms);
    for (int i = 0; i < 10; ++i) BOOST_TEST(w.connections[std::to_string(i)].usable() == (i != 3));
    w.advance(40ms); // 1, 2 and 4 are over
    BOOST_TEST(w.h.size() == 6u);
    w.advance(50ms);
    BOOST_TEST(w.h.size() == 1u);
    BOOST_TEST(w.connections["0"].usable());
    w.advance(10ms);
    BOOST_TEST(w.h.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_new_connection_is_no_heartbeat) {
    world w{{.alive_timeout = 1000ms}};
    w.connect("a", "x", "t");
    w.advance(600ms);
    w.connect("b", "x", "t");
    w.advance(399ms);
    BOOST_TEST(w.connections["b"].usable());
    w.advance(1ms);
    BOOST_TEST(!w.connections["b"].usable());
}

BOOST_AUTO_TEST_CASE(without_it_heartbeats_are_nothing) {
    basic_world<features<>> w{{.alive_timeout = 1000ms}};
    w.connect("a");
    w.forget_all();
    w.say("a", beat);
    w.advance(10s);
    BOOST_TEST(w.heard("a").empty());
    BOOST_TEST(w.connections["a"].usable());
}

BOOST_AUTO_TEST_CASE(the_id_of_one_that_fell_silent_is_free) {
    world w{{.alive_timeout = 1000ms}};
    w.connect("a", "x", "t1");
    w.advance(1s);
    w.connect("b", "x", "t2");
    w.advance(500ms);
    w.say("b", beat);
    w.advance(600ms);
    BOOST_TEST(w.connections["b"].usable());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
