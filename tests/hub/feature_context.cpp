// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/feature_context.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace {

using namespace hub_world;

// Does what a test has it do with the hub's context, when a peer joins something.
template <class Job>
struct clerk : feature {
    std::shared_ptr<Job> job; // a feature can be assigned, a lambda cannot

    explicit clerk(Job j) : job(std::make_shared<Job>(std::move(j))) {}

    template <class X>
    void on_request(X& hub, peer_handle from, event::join& e) {
        (*job)(hub, from, e);
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

BOOST_AUTO_TEST_SUITE(feature_contexts)

BOOST_AUTO_TEST_CASE(it_knows_the_peers_that_are_here) {
    hear([](auto& hub, peer_handle from, event::join& e) {
        BOOST_TEST(hub.id(from) == "ann");
        BOOST_TEST((hub.find("ann") == from));
        BOOST_TEST(hub.id(hub.find("bob")) == "bob");
        BOOST_TEST(!hub.find("eve"));
        BOOST_TEST(hub.id({}) == "");
        BOOST_TEST((hub.is_online(from) && !hub.is_away(from)));
        BOOST_TEST((!hub.is_online({}) && !hub.is_away({})));
        const auto first = hub.fresh_id(), second = hub.fresh_id();
        BOOST_TEST(first.view() != second.view()); // each a text of its own
        BOOST_TEST(first.view().size() == 21u);
        BOOST_TEST(hub.notes_of(from) == nullptr);
        BOOST_TEST(hub.late_key() != hub.late_key());
        BOOST_TEST(hub.late_answers() != nullptr);
        BOOST_TEST(e.command == "join");
    });
}

BOOST_AUTO_TEST_CASE(it_sends_to_one_peer_or_says_why_not) {
    const auto [ann, bob] = hear([](auto& hub, peer_handle from, event::join& e) {
        const auto id = hub.fresh_id();
        event::send news;
        news.command = "news";
        news.id = id.view();
        BOOST_TEST(hub.send(hub.find("bob"), news) == errc::ok);
        BOOST_TEST(hub.send({}, news) == errc::offline);
        hub.send_uncounted(hub.find("bob"), news);
        hub.send_uncounted({}, news);
        event::reply said;
        said.token = e.token;
        said.data.bytes = "[1]";
        hub.reply(from, said);
        said = {};
        said.token.bytes = "2";
        said.cause = errc::full;
        said.text = "no room";
        hub.reply(from, said);
        hub.reply(from, {}, errc::ok); // wanted none
        hub.reply({}, {"3"}, errc::ok);
    });
    same(ann, {R"({"id":1,"ok":true,"data":[1]})",
               R"({"id":2,"ok":false,"data":{"message":"no room","cause":"full"}})"});
    same(bob, {R"({"cmd":"news"})", R"({"cmd":"news"})"});
}

BOOST_AUTO_TEST_CASE(a_peer_without_room_is_spared_droppable_messages) {
    hub_bench b{features{clerk{[](auto& hub, peer_handle, event::join& e) {
        event::send news;
        news.command = "news";
        fanout shared;
        const bool droppable = e.topic == "volatile";
        BOOST_TEST(!hub.has_room(hub.find("bob"), news));
        BOOST_TEST(hub.has_room(hub.find("ann"), news));
        BOOST_TEST(hub.has_room({}, news));
        hub.reply(hub.find("ann"), e.token,
                  hub.broadcast(hub.find("bob"), news, shared, droppable) ? errc::ok : errc::full);
        BOOST_TEST(hub.broadcast({}, news, shared, droppable));
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
    hub_bench b{features{clerk{[](auto& hub, peer_handle, event::join&) {
        hub.close(hub.find("bob"), errc::denied);
        hub.close({}, errc::denied);
        BOOST_TEST(!hub.find("bob"));
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
    hear([&](auto& hub, peer_handle, event::join&) {
        hub.each([&]<class F>(F&) { seen += detail::takes<F, event::join> ? 1 : 100; });
    });
    BOOST_TEST(seen == 1);
}

BOOST_AUTO_TEST_CASE(a_renamed_peer_is_known_by_its_new_id_alone) {
    hub_bench b;
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    auto& hub = b.context();
    const auto ann = b.peer("ann");
    const std::string longest(256, 'x');
    for (const std::string& id : {std::string{"eve"}, longest, std::string{"é"}}) {
        BOOST_TEST(hub.rename(ann, id) == errc::ok);
        BOOST_TEST((b.h.find(id) == ann));
        BOOST_TEST(hub.id(ann) == id);
        BOOST_TEST(b.h.size() == 2u);
        BOOST_TEST(b.ask("bob", R"({"cmd":"offer","target":")" + id + R"(","data":{"offer":1}})") == "ok");
        same(b.heard("ann"), {R"({"cmd":"offer","origin":"bob","data":{"offer":1}})"});
        BOOST_TEST(b.ask("ann", R"({"cmd":"session-start","target":"bob"})") == "ok");
        same(b.heard("bob"), {R"({"cmd":"session-start","origin":")" + id + R"("})"});
        BOOST_TEST(b.ask("bob", R"({"cmd":"session-start","target":"ann"})") == "unknown");
    }
    BOOST_TEST(hub.rename(ann, "") == errc::ok); // one nobody can guess
    BOOST_TEST(hub.id(ann).size() == 21u);
    BOOST_TEST((b.h.find(hub.id(ann)) == ann));
    b.connect("ann2", {.id = "ann"}); // the old id is free
    BOOST_TEST(b.h.size() == 3u);
    b.close("ann");
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_name_that_cannot_be_had_changes_nothing) {
    hub_bench b{features{topics{}}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    auto& hub = b.context();
    const auto ann = b.peer("ann");
    BOOST_TEST(b.ask("ann", R"({"cmd":"join","topic":"t"})") != "");
    BOOST_TEST(hub.rename(ann, "bob") == errc::id_in_use);
    BOOST_TEST(hub.rename(ann, "ann") == errc::id_in_use);
    BOOST_TEST(hub.rename(ann, std::string(257, 'x')) == errc::malformed);
    BOOST_TEST(hub.rename(ann, "\xff") == errc::malformed);
    BOOST_TEST(hub.rename(peer_handle{}, "eve") == errc::offline);
    BOOST_TEST(hub.id(ann) == "ann");
    BOOST_TEST(hub.is_member("t", ann));
    b.close("ann");
    BOOST_TEST(hub.rename(ann, "eve") == errc::offline);
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_old_id_goes_to_its_claimant) {
    hub_bench b;
    b.connect("ann");
    b.at("ann").answers_pings = false;
    b.connect("claimant", {.id = "ann"});
    BOOST_TEST(b.at("claimant").held);
    auto& hub = b.context();
    BOOST_TEST(hub.rename(b.peer("ann"), "eve") == errc::ok);
    BOOST_TEST(!b.at("claimant").held);
    same(b.heard("claimant"), {R"({"cmd":"welcome","data":{"id":"ann"}})"});
    BOOST_TEST((b.h.find("ann") == b.peer("claimant")));
    b.advance(10s);
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_unlisted_peer_goes_by_an_id_that_is_free) {
    hub_bench b{features{requests{}}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    auto& hub = b.context();
    const auto ann = b.peer("ann");
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(hub.unlist(ann) == errc::ok);
        BOOST_TEST((hub.is_unlisted(ann) && !b.h.find("ann") && hub.id(ann) == "ann"));
    }
    BOOST_TEST(b.h.size() == 1u);
    BOOST_TEST(b.ask("bob", R"({"cmd":"session-start","target":"ann"})") == "unknown");
    BOOST_TEST(b.ask("ann", R"({"cmd":"session-start","target":"bob"})") == "ok");
    same(b.heard("bob"), {R"({"cmd":"session-start","origin":"ann"})"});
    // the next holder has the id alone: a connection, a function, a peer that is renamed
    b.connect("ann2", {.id = "ann"});
    BOOST_TEST((!hub.is_unlisted(ann) && b.h.find(hub.id(ann)) == ann && hub.id(ann).size() == 21u));
    BOOST_TEST((b.h.find("ann") == b.peer("ann2")));
    BOOST_TEST(hub.unlist(b.peer("ann2")) == errc::ok);
    BOOST_TEST(b.h.attach("ann", [](call&) {}).has_value());
    BOOST_TEST(hub.id(b.peer("ann2")).size() == 21u);
    BOOST_TEST(hub.unlist(b.h.find("ann")) == errc::offline); // a function
    BOOST_TEST(hub.unlist(b.peer("bob")) == errc::ok);
    BOOST_TEST(hub.rename(ann, "bob") == errc::ok);
    BOOST_TEST((b.h.find("bob") == ann && hub.id(b.peer("bob")).size() == 21u));
    BOOST_TEST(b.h.size() == 4u);
    b.close("bob");
    BOOST_TEST(b.h.size() == 3u);
    BOOST_TEST(hub.unlist({}) == errc::offline);
    BOOST_TEST(!hub.is_unlisted({}));
}

BOOST_AUTO_TEST_CASE(an_unlisted_peer_may_have_its_id_again_and_be_closed_by_it) {
    hub_bench b;
    b.connect("ann");
    auto& hub = b.context();
    const auto ann = b.peer("ann");
    BOOST_TEST(hub.unlist(ann) == errc::ok);
    BOOST_TEST(hub.rename(ann, "ann") == errc::ok);
    BOOST_TEST((!hub.is_unlisted(ann) && b.h.find("ann") == ann));
    BOOST_TEST(hub.unlist(ann) == errc::ok);
    BOOST_TEST(b.h.close("ann", errc::denied));
    BOOST_TEST(!b.h.close("ann", errc::denied));
    b.settle();
    BOOST_TEST(b.ended("ann") == errc::denied);
    b.connect("ann"); // nothing is left of her
    BOOST_TEST((b.h.size() == 1u && !hub.is_unlisted(b.peer("ann"))));
}

BOOST_AUTO_TEST_CASE(an_id_that_is_claimed_cannot_be_kept_after_it_was_given_up) {
    hub_bench b;
    b.connect("ann");
    b.at("ann").answers_pings = false;
    b.connect("claimant", {.id = "ann"});
    auto& hub = b.context();
    BOOST_TEST(hub.unlist(b.peer("ann")) == errc::ok);
    same(b.heard("claimant"), {R"({"cmd":"welcome","data":{"id":"ann"}})"});
    BOOST_TEST((b.h.find("ann") == b.peer("claimant") && hub.id(b.peer("ann")).size() == 21u));
    b.advance(10s);
    BOOST_TEST(b.h.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_peer_that_can_come_back_stays_where_it_is_found) {
    hub_bench b{features{resume{}}};
    b.connect("ann", {.id = "ann", .target = "/?resume"});
    BOOST_TEST(b.context().unlist(b.peer("ann")) == errc::denied);
    BOOST_TEST((b.h.find("ann") == b.peer("ann")));
    b.connect("bob");
    BOOST_TEST(b.context().unlist(b.peer("bob")) == errc::ok);
    b.ask("bob", R"({"cmd":"resume"})");
    b.lose("bob"); // in any case it was not to be found any more
    BOOST_TEST(b.h.size() == 1u);
}

BOOST_AUTO_TEST_CASE(watchers_of_an_id_see_it_go_once) {
    hub_bench b{features{topics{}, presence{{.delay = 0ms}}}};
    for (const auto* name : {"ann", "bob"}) b.connect(name);
    b.ask("ann", R"({"cmd":"join","topic":"t"})");
    b.ask("bob", R"({"cmd":"watch","target":"ann"})");
    b.advance(1s);
    b.heard("bob");
    const auto told = [&] {
        b.advance(1s);
        return b.heard("bob");
    };
    BOOST_TEST(b.context().unlist(b.peer("ann")) == errc::ok);
    BOOST_TEST(!b.context().is_member("t", b.peer("ann")));
    BOOST_TEST(told().size() == 1u);
    b.close("ann");
    BOOST_TEST(told().empty());
    b.connect("ann");
    BOOST_TEST(told().size() == 1u);
    b.context().unlist(b.peer("ann"));
    BOOST_TEST(told().size() == 1u);
    b.connect("ann2", {.id = "ann"}); // she comes; that the other one is renamed is no news of this id
    const auto last = told();
    BOOST_TEST_REQUIRE(last.size() == 1u);
    BOOST_TEST(last[0].find(R"("left":)") == std::string::npos, last[0]);
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
    auto& hub = b.context();
    BOOST_TEST(hub.rename(b.peer("ann"), "eve") == errc::ok);
    same(b.heard("ann"), {R"({"cmd":"offer","origin":"bob","data":{"offer":1}})"}); // was kept for her
    BOOST_TEST(!hub.is_member("t", b.peer("ann")));
    b.advance(1s);
    for (const auto& told : b.heard("bob")) BOOST_TEST_MESSAGE(told);
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"ann"})") == R"(ok {"exists":false})");
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"eve"})") == R"(ok {"exists":true})");
    b.close("ann");
    b.advance(1s);
    BOOST_TEST(b.ask("bob", R"({"cmd":"exists","target":"eve"})") == R"(ok {"exists":false})");
}

BOOST_AUTO_TEST_SUITE_END()
