// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/desk.hpp>

#include "support/hub_bench.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace {

using namespace hub_world;

// Does what a test has it do at the hub's desk, when a peer joins something.
template <class Job>
struct clerk : feature {
    std::shared_ptr<Job> job; // a feature can be assigned, a lambda cannot

    explicit clerk(Job j) : job(std::make_shared<Job>(std::move(j))) {}

    static constexpr bool takes(verb v) noexcept { return v == verb::join; }
    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        (*job)(desk, from, e);
    }
};

constexpr const char* go = R"({"cmd":"join","topic":"t","id":1})";

// What ann and bob hear when ann has the clerk do that.
template <class Job>
std::pair<script, script> hear(Job job) {
    hub_bench b{features{clerk{std::move(job)}}};
    b.connect("ann");
    b.connect("bob");
    b.say("ann", go);
    return {b.heard("ann"), b.heard("bob")};
}

} // namespace

BOOST_AUTO_TEST_SUITE(desk_)

BOOST_AUTO_TEST_CASE(it_knows_who_is_here) {
    hear([](auto& desk, peer_handle from, envelope& e) {
        BOOST_TEST(desk.id(from) == "ann");
        BOOST_TEST((desk.find("ann") == from));
        BOOST_TEST(desk.id(desk.find("bob")) == "bob");
        BOOST_TEST(!desk.find("eve"));
        BOOST_TEST(desk.id({}) == "");
        BOOST_TEST((desk.is_online(from) && !desk.is_away(from)));
        BOOST_TEST((!desk.is_online({}) && !desk.is_away({})));
        const std::string first{desk.fresh_id()};
        BOOST_TEST(first != desk.fresh_id());
        BOOST_TEST(desk.late_key() != desk.late_key());
        BOOST_TEST(desk.late_answers() != nullptr);
        BOOST_TEST(e.from == "ann");
    });
}

BOOST_AUTO_TEST_CASE(it_sends_to_one_peer_or_says_why_not) {
    const auto [ann, bob] = hear([](auto& desk, peer_handle from, envelope& e) {
        envelope news;
        news.what = verb::notice;
        news.command = "news";
        news.id = desk.fresh_id();
        BOOST_TEST(desk.send(desk.find("bob"), news) == errc::ok);
        BOOST_TEST(desk.send({}, news) == errc::offline);
        desk.send_uncounted(desk.find("bob"), news);
        desk.send_uncounted({}, news);
        desk.reply(from, e.id, errc::ok, "[1]");
        desk.reply(from, "2", errc::full, {}, "no room");
        desk.reply(from, {}, errc::ok); // wanted none
        desk.reply({}, "3", errc::ok);
    });
    same(ann, {R"({"id":1,"ok":true,"data":[1]})",
               R"({"id":2,"ok":false,"data":{"message":"no room","cause":"full"}})"});
    same(bob, {R"({"cmd":"news"})", R"({"cmd":"news"})"});
}

BOOST_AUTO_TEST_CASE(whoever_has_no_room_is_spared_what_may_be_dropped) {
    hub_bench b{features{clerk{[](auto& desk, peer_handle, envelope& e) {
        envelope news;
        news.what = verb::notice;
        news.command = "news";
        news.droppable = e.topic == "volatile";
        fanout shared;
        desk.reply(desk.find("ann"), e.id,
                   desk.spread(desk.find("bob"), news, shared) ? errc::ok : errc::full);
        BOOST_TEST(desk.spread({}, news, shared));
    }}}};
    b.connect("ann");
    b.connect("bob");
    b.connections.at("bob").full = true;
    b.say("ann", R"({"cmd":"join","topic":"volatile","id":1})");
    same(b.heard("ann"),
         {R"({"id":1,"ok":false,"data":{"message":"Peer Cannot Take More","cause":"full"}})"});
    BOOST_TEST(b.is_open("bob"));
    b.say("ann", go);
    same(b.heard("ann"), {R"({"id":1,"ok":true})"});
    BOOST_TEST(b.ended("bob") == errc::slow_consumer);
}

BOOST_AUTO_TEST_CASE(it_ends_a_peer) {
    hub_bench b{features{clerk{[](auto& desk, peer_handle, envelope&) {
        desk.close(desk.find("bob"), errc::denied);
        desk.close({}, errc::denied);
        BOOST_TEST(!desk.find("bob"));
    }}}};
    b.connect("ann");
    b.connect("bob");
    b.say("ann", go);
    BOOST_TEST(b.ended("bob") == errc::denied);
    BOOST_TEST(b.is_open("ann"));
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_shows_the_other_features) {
    int seen = 0;
    hear([&](auto& desk, peer_handle, envelope&) {
        desk.each([&](auto& f) { seen += f.takes(verb::join) ? 1 : 100; });
    });
    BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_SUITE_END()
