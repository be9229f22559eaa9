// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/takeover.hpp>

#include "support/hub_bench.hpp"
#include "support/peerjs_world.hpp"

#include <sigfire/feature/resume.hpp>

namespace {

using namespace peerjs_world;

const std::string opened = R"({"type":"OPEN"})";
const std::string taken = R"({"type":"ID-TAKEN","payload":{"msg":"ID is taken"}})";

BOOST_AUTO_TEST_SUITE(takeover_)

BOOST_AUTO_TEST_CASE(only_the_token_is_proof) {
    world w;
    w.connect("a", "x", "secret");
    w.forget_all();
    for (const std::string token : {"Secret", "secre", "secret0", "%00"}) {
        w.connect("b", "x", token);
        same(w.heard("b"), {"open 101 ", taken, "close 1005 "});
    }
    // nor is it one for another id
    w.connect("c", "y", "secret");
    same(w.heard("c"), {"open 101 ", opened});
    BOOST_TEST(w.heard("a").empty());
    BOOST_TEST(w.connections["a"].usable());
}

BOOST_AUTO_TEST_CASE(without_it_nobody_takes_over) {
    basic_world<features<>> w;
    w.connect("a", "x", "secret");
    w.forget_all();
    w.connect("b", "x", "secret");
    same(w.heard("b"), {"open 101 ", taken, "close 1005 "});
    BOOST_TEST(w.heard("a").empty());
}

BOOST_AUTO_TEST_CASE(whoever_waits_for_the_id_is_refused) {
    world w;
    w.connect("a", "x", "secret");
    w.connections["a"].answers_pings = false;
    w.connect("b", "x", "other");
    w.forget_all();
    w.connect("c", "x", "secret");
    same(w.heard("a"), {"close 1005 "});
    same(w.heard("b"), {taken, "close 1005 "});
    same(w.heard("c"), {"open 101 ", opened});
    w.advance(3s);
    BOOST_TEST(w.connections["c"].usable());
}

BOOST_AUTO_TEST_CASE(a_token_is_forgotten_with_its_peer) {
    world w;
    w.connect("a", "x", "secret");
    w.close("a");
    w.connect("b", "x", "other");
    w.forget_all();
    w.connect("c", "x", "secret");
    same(w.heard("c"), {"open 101 ", taken, "close 1005 "});
    w.connect("d", "x", "other");
    same(w.heard("b"), {"close 1005 "});
}

BOOST_AUTO_TEST_CASE(again_and_again) {
    world w;
    for (int i = 0; i < 5; ++i) {
        w.connect(std::to_string(i), "x", "t");
        BOOST_TEST(w.h.size() == 1u);
    }
    for (int i = 0; i < 4; ++i) same(w.heard(std::to_string(i)), {"open 101 ", opened, "close 1005 "});
    BOOST_TEST(w.connections["4"].usable());
}

BOOST_AUTO_TEST_CASE(resumption_leaves_such_peers_alone) {
    basic_world<features<resume, takeover>> w;
    w.connect("a", "x", "t");
    w.connect("b", "x", "t");
    same(w.heard("a"), {"open 101 ", opened, "close 1005 "});
    same(w.heard("b"), {"open 101 ", opened});
    w.lose("b");
    BOOST_TEST(w.h.size() == 0u);
}

// Peers of other wires have no token, or one that is for resuming.
BOOST_AUTO_TEST_CASE(nothing_is_no_token) {
    hub_world::hub_bench<features<resume, takeover>> b;
    using hub_world::entrance;
    BOOST_TEST(!b.connect("a", entrance{.id = "x"}).empty());
    BOOST_TEST(b.connect("b", entrance{.id = "x"}).empty());
    BOOST_TEST(b.is_open("a"));
    BOOST_TEST(!b.connect("c", entrance{}).empty()); // who names no id is nobody's successor
    BOOST_TEST(!b.connect("d", entrance{.id = "y", .target = "/?resume", .token = "t"}).empty());
    BOOST_TEST(b.connect("e", entrance{.id = "y", .target = "/?resume", .token = "t"}).empty());
    BOOST_TEST(b.is_open("d"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
