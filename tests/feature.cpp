// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature.hpp>

#include "support/hub_bench.hpp"

#include <string>

namespace {

using namespace sigfire;
using namespace hub_world;

// Notes what it is told.
struct witness : feature {
    script* notes;
    explicit witness(script* to) : notes(to) {}

    static constexpr bool takes(verb v) noexcept { return v == verb::lookup; }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        notes->push_back("asked by " + std::string{desk.id(from)});
        desk.reply(from, e.id, errc::ok, R"({"mine":true})");
    }
    template <class D>
    errc sending(D& desk, peer_handle from, envelope& e) {
        notes->push_back(std::string{desk.id(from)} + " sends " + std::string{e.command});
        return e.to == "forbidden" ? errc::denied : errc::ok;
    }
    template <class D>
    void sent(D&, peer_handle, envelope& e) {
        notes->push_back("sent to " + std::string{e.to});
    }
    template <class D>
    errc missed(D&, peer_handle, const envelope& e, errc cause) {
        notes->push_back("missed " + std::string{e.to} + ": " + std::string{cause_name(cause)});
        return e.to == "absent" ? errc::held : cause;
    }
    template <class D>
    void opened(D& desk, peer_handle p, const admission& a) {
        notes->push_back("opened " + a.id + (desk.is_online(p) ? "" : " not online"));
    }
    template <class D>
    void closed(D& desk, peer_handle p, errc why) {
        notes->push_back("closed " + std::string{desk.id(p)} + ": " + std::string{cause_name(why)});
        BOOST_TEST((desk.send(p, envelope{}) == errc::offline));
    }
    template <class D>
    time_point tick(D& desk) {
        return desk.now() + 7s;
    }
};

BOOST_AUTO_TEST_SUITE(feature_tests)

BOOST_AUTO_TEST_CASE(a_feature_hears_of_all_that_happens) {
    script notes;
    hub_bench b{features{witness{&notes}}};
    b.connect("ann");
    b.connect("bob");
    same(std::exchange(notes, {}), {"opened ann", "opened bob"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"lookup","topic":"t"})") == R"(ok {"mine":true})");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"bob"})") == "ok");
    same(b.heard("bob"), {R"({"cmd":"bye","origin":"ann"})"});
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"forbidden"})") == "denied");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"nobody"})") == "unknown");
    BOOST_TEST(b.ask("ann", R"({"cmd":"bye","target":"absent"})") == R"(ok {"held":true})");
    same(std::exchange(notes, {}),
         {"asked by ann", "ann sends bye", "sent to bob", "ann sends bye", "missed forbidden: denied",
          "ann sends bye", "missed nobody: unknown", "ann sends bye", "missed absent: unknown"});
    BOOST_TEST((b.pause() == 7s));
    b.close("ann");
    same(notes, {"closed ann: closed"});
}

BOOST_AUTO_TEST_CASE(what_no_feature_takes_is_an_unknown_command) {
    hub_bench b{features<>{}};
    b.connect("ann");
    for (const auto* const cmd :
         {"join", "leave", "lookup", "publish", "set", "unset", "watch", "unwatch", "request", "respond",
          "resume", "create", "update", "info", "exists", "delete"})
        BOOST_TEST(b.ask("ann", R"({"cmd":")" + std::string{cmd} + R"(","topic":"t","target":"x"})") ==
                   "unknown_command");
    b.say("ann", R"({"cmd":"ack","received":1})");
    same(b.heard("ann"), {});
}

struct taker : feature {
    static constexpr bool takes(verb v) noexcept { return v == verb::join; }
};
static_assert(Feature<taker> && Feature<witness> && !Feature<int>);
static_assert(features<taker, witness>::takes(verb::join) && features<taker, witness>::takes(verb::lookup));
static_assert(!features<taker, witness>::takes(verb::send) && features<taker, witness>::size == 2);
static_assert(features<taker>::has<taker> && !features<taker>::has<witness>);

BOOST_AUTO_TEST_CASE(they_are_asked_in_their_order) {
    script notes;
    features f{taker{}, witness{&notes}};
    int n = 0;
    f.each([&](auto&) { ++n; });
    BOOST_TEST(n == 2);
    n = 0;
    BOOST_TEST(f.any([&](auto&) { return ++n == 1; }));
    BOOST_TEST(n == 1);
    BOOST_TEST(!f.any([](auto&) { return false; }));
    BOOST_TEST((f.get<witness>().notes == &notes));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
