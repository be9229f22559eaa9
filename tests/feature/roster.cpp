// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/roster.hpp>

#include "support/peerjs_world.hpp"

namespace {

using namespace peerjs_world;

template <class W>
strings ids(W& w) {
    strings out;
    typename W::hub_type::directory{w.h}.for_each_peer([&](std::string_view id, peer_handle peer) {
        BOOST_TEST((peer == w.h.find(id)));
        out.emplace_back(id);
    });
    return out;
}

BOOST_AUTO_TEST_SUITE(roster_)

BOOST_AUTO_TEST_CASE(peers_are_named_in_the_order_in_which_they_came) {
    world w;
    same(ids(w), {});
    for (int i = 20; i-- > 0;) w.connect(std::to_string(i));
    strings expected;
    for (int i = 20; i-- > 0;)
        if (i % 3 == 0)
            w.close(std::to_string(i));
        else
            expected.push_back(std::to_string(i));
    same(ids(w), expected);
    w.connect("x");
    expected.push_back("x");
    same(ids(w), expected);
    w.h.stop();
    same(ids(w), {});
}

BOOST_AUTO_TEST_CASE(without_it_they_are_named_in_any_order) {
    basic_world<features<>> w;
    for (const auto name : {"c", "a", "b"}) w.connect(name);
    auto found = ids(w);
    std::sort(found.begin(), found.end());
    same(found, {"a", "b", "c"});
}

BOOST_AUTO_TEST_CASE(a_party_is_counted_for_itself) {
    world w{{.concurrent_limit = 2}};
    // another listener of the same hub
    boost::asio::io_context io;
    listener<transport, peerjs, world::hub_type> other{transport{&io}, peerjs{{.concurrent_limit = 1}}, w.h};
    w.connect("a");
    world::connection b, c;
    other.opening(b, {"GET", "/peerjs?key=peerjs&id=b&token=t", {}, {}});
    w.connect("d");
    other.opening(c, {"GET", "/peerjs?key=peerjs&id=c&token=t", {}, {}});
    w.connect("e");
    BOOST_TEST(w.h.size() == 3u);
    BOOST_TEST((b.usable() && !c.usable() && w.connections["d"].usable() && !w.connections["e"].usable()));
    same(ids(w), {"a", "b", "d"});
    b.ending_for = errc::closed;
    other.closed(b, errc::closed);
    world::connection f;
    other.opening(f, {"GET", "/peerjs?key=peerjs&id=f&token=t", {}, {}});
    BOOST_TEST(f.usable());
    same(ids(w), {"a", "d", "f"});
}

BOOST_AUTO_TEST_CASE(who_takes_a_dead_peers_place_is_not_one_too_many) {
    world w{{.concurrent_limit = 1}};
    w.connect("a", "x", "t1");
    w.connections["a"].answers_pings = false;
    w.connect("b", "x", "t2");
    w.advance(2s);
    BOOST_TEST(w.connections["b"].usable());
    same(ids(w), {"x"});
    w.connect("c");
    BOOST_TEST(!w.connections["c"].usable());
    w.close("b");
    w.connect("d");
    BOOST_TEST(w.connections["d"].usable());
}

BOOST_AUTO_TEST_CASE(parties_that_are_gone_are_forgotten) {
    roster r;
    struct {
    } desk;
    const int party = 0;
    admission one;
    one.party = &party;
    one.party_limit = 1;
    BOOST_TEST((r.entering(desk, one) == errc::ok));
    r.opened(desk, {1, 1}, one);
    BOOST_TEST(r.count(&party) == 1u);
    BOOST_TEST((r.entering(desk, one) == errc::overloaded));
    BOOST_TEST((r.entering(desk, admission{}) == errc::ok));
    r.closed(desk, {2, 1}, errc::lost); // nobody it knows
    r.closed(desk, {1, 1}, errc::lost);
    BOOST_TEST(r.count(&party) == 0u);
    BOOST_TEST((r.entering(desk, one) == errc::ok));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
