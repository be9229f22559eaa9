// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/directory.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using strings = std::vector<std::string>;

// Notes something about each peer that comes.
struct note_taker {
    errc on_admit(const request&, sigfire::admission& a) {
        if (a.id != "cid") a.attached.put(std::string{"note on "} + a.id);
        return errc::ok;
    }
};

using bench = hub_world::hub_bench<features<topics, identity>, hooks<note_taker>>;

struct world : bench {
    world() : bench(features{topics{}, identity{}}, hooks{note_taker{}}) {
        for (const std::string name : {"zoe", "ann", "cid"}) connect(name, {.id = name == "cid" ? "" : name});
        ask("zoe", R"({"cmd":"join","topic":"t"})");
        ask("ann", R"({"cmd":"join","topic":"t"})");
        ask("ann", R"({"cmd":"join","topic":"u"})");
    }
    bench::hub_type::directory here{h};
};

BOOST_AUTO_TEST_SUITE(directory)

BOOST_AUTO_TEST_CASE(peers_are_found_by_id_and_named_in_the_order_in_which_they_came) {
    world w;
    BOOST_TEST(w.here.size() == 3u);
    BOOST_TEST((w.here.find("ann") == w.peer("ann")));
    BOOST_TEST(!w.here.find("nobody"));
    BOOST_TEST(w.here.id(w.peer("zoe")) == "zoe");
    BOOST_TEST(w.here.id({}) == "");
    strings named;
    w.here.for_each_peer([&](std::string_view id, peer_handle) { named.emplace_back(id); });
    BOOST_TEST_REQUIRE(named.size() == 3u);
    BOOST_TEST(named[0] == "zoe");
    BOOST_TEST(named[1] == "ann");
}

BOOST_AUTO_TEST_CASE(members_and_topics_are_told) {
    world w;
    BOOST_TEST(w.here.is_member("t", w.peer("zoe")));
    BOOST_TEST(!w.here.is_member("u", w.peer("zoe")));
    BOOST_TEST(!w.here.is_member("nothing", w.peer("zoe")));
    strings members, topics_of_ann;
    w.here.for_each("t", [&](peer_handle p) { members.emplace_back(w.here.id(p)); });
    BOOST_TEST((members == strings{"zoe", "ann"}));
    w.here.for_each_topic(w.peer("ann"), [&](std::string_view t) { topics_of_ann.emplace_back(t); });
    std::sort(topics_of_ann.begin(), topics_of_ann.end());
    BOOST_TEST((topics_of_ann == strings{"t", "u"}));
}

BOOST_AUTO_TEST_CASE(notes_of_hooks_are_at_hand) {
    world w;
    const auto* const notes = w.here.notes_of(w.peer("ann"));
    BOOST_TEST_REQUIRE(notes != nullptr);
    BOOST_TEST(*notes->find<std::string>() == "note on ann");
    BOOST_TEST(w.here.notes_of({}) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
