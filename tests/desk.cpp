// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/desk.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/mailbox.hpp>
#include <sigfire/presence.hpp>
#include <sigfire/records.hpp>
#include <sigfire/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace hub_world;

// What else a desk can do is tested with the features that need it.
BOOST_AUTO_TEST_SUITE(desk_of_hub)

BOOST_AUTO_TEST_CASE(a_renamed_peer_is_known_by_its_new_id_alone) {
    hub_bench b;
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    auto desk = b.desk_of_hub();
    const auto ann = b.peer("ann");
    const std::string longest(256, 'x');
    for (const std::string& id : {std::string{"eve"}, longest, std::string{"é"}}) {
        BOOST_TEST(desk.rename(ann, id) == errc::ok);
        BOOST_TEST((b.h.find(id) == ann));
        BOOST_TEST(desk.id(ann) == id);
        BOOST_TEST(b.h.size() == 2u);
        BOOST_TEST(b.ask("bob", R"({"cmd":"offer","target":")" + id + R"(","data":{"offer":1}})") == "ok");
        same(b.heard("ann"), {R"({"cmd":"offer","origin":"bob","data":{"offer":1}})"});
        BOOST_TEST(b.ask("ann", R"({"cmd":"session-start","target":"bob"})") == "ok");
        same(b.heard("bob"), {R"({"cmd":"session-start","origin":")" + id + R"("})"});
        BOOST_TEST(b.ask("bob", R"({"cmd":"session-start","target":"ann"})") == "unknown");
    }
    BOOST_TEST(desk.rename(ann, "") == errc::ok); // one nobody can guess
    BOOST_TEST(desk.id(ann).size() == 21u);
    BOOST_TEST((b.h.find(desk.id(ann)) == ann));
    b.connect("ann2", {.id = "ann"}); // the old id is free
    BOOST_TEST(b.h.size() == 3u);
    b.close("ann");
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_name_that_cannot_be_had_changes_nothing) {
    hub_bench b{features{topics{}}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    auto desk = b.desk_of_hub();
    const auto ann = b.peer("ann");
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})") != "");
    BOOST_TEST(desk.rename(ann, "bob") == errc::id_in_use);
    BOOST_TEST(desk.rename(ann, "ann") == errc::id_in_use);
    BOOST_TEST(desk.rename(ann, std::string(257, 'x')) == errc::malformed);
    BOOST_TEST(desk.rename(ann, "\xff") == errc::malformed);
    BOOST_TEST(desk.rename(peer_handle{}, "eve") == errc::offline);
    BOOST_TEST(desk.id(ann) == "ann");
    BOOST_TEST(desk.is_member("t", ann));
    b.close("ann");
    BOOST_TEST(desk.rename(ann, "eve") == errc::offline);
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_old_id_goes_to_who_claims_it) {
    hub_bench b;
    b.connect("ann");
    b.at("ann").answers_pings = false;
    b.connect("claimant", {.id = "ann"});
    BOOST_TEST(b.at("claimant").held);
    auto desk = b.desk_of_hub();
    BOOST_TEST(desk.rename(b.peer("ann"), "eve") == errc::ok);
    BOOST_TEST(!b.at("claimant").held);
    same(b.heard("claimant"), {R"({"cmd":"welcome","data":{"id":"ann"}})"});
    BOOST_TEST((b.h.find("ann") == b.peer("claimant")));
    b.advance(10s);
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(features_see_one_id_go_and_another_come) {
    hub_bench b{features{topics{}, presence{{.delay = 0ms}}, records<>{}}, mailbox{direct_router{}, 5s}};
    b.connect("ann", {.id = "ann", .metadata = R"({"a":1})"});
    b.connect("bob");
    b.ask("ann", R"({"cmd":"join","topic":"t"})");
    for (const auto* what : {R"("topic":"t")", R"("target":"ann")", R"("target":"eve")"})
        b.ask("bob", R"({"cmd":"watch",)" + std::string{what} + "}");
    b.advance(1s);
    b.heard("bob");
    BOOST_TEST(b.ask("bob", R"({"cmd":"offer","target":"eve","data":{"offer":1}})") == R"(ok {"held":true})");
    auto desk = b.desk_of_hub();
    BOOST_TEST(desk.rename(b.peer("ann"), "eve") == errc::ok);
    same(b.heard("ann"), {R"({"cmd":"offer","origin":"bob","data":{"offer":1}})"}); // was kept for her
    BOOST_TEST(!desk.is_member("t", b.peer("ann")));
    b.advance(1s);
    for (const auto& told : b.heard("bob")) BOOST_TEST_MESSAGE(told);
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"ann"})") == R"(ok {"exists":false})");
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"eve"})") == R"(ok {"exists":true})");
    b.close("ann");
    b.advance(1s);
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"eve"})") == R"(ok {"exists":false})");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
