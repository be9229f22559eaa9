// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/claims.hpp>

#include "support/hub_bench.hpp"

#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace hub_world;

struct world {
    hub_bench<features<topics, requests, claims>> b;

    explicit world(claims_options options = {}) : b{features{topics{}, requests{}, claims{options}}} {
        for (const auto* name : {"ann", "bob", "eve"}) b.connect(name);
    }
    // As a wire says it on which peers name themselves.
    std::string says(const std::string& name, verb what, std::string_view topic, std::string_view as) {
        envelope e;
        e.what = what;
        e.topic = topic;
        e.to = as;
        e.id = "1";
        b.h.received(b.at(name).its_state.who, e);
        b.settle();
        return b.reply(name, 1);
    }
    std::string joins(const std::string& name, std::string_view topic, std::string_view as) {
        return says(name, verb::join, topic, as);
    }
    std::string id(const std::string& name) { return std::string{b.desk_of_hub().id(b.peer(name))}; }
    std::string members(const std::string& topic) {
        std::string all;
        b.get<topics>().for_each(topic, [&](peer_handle p) {
            all += b.desk_of_hub().id(p);
            all += ' ';
        });
        return all;
    }
};

BOOST_AUTO_TEST_SUITE(claims_of_ids)

BOOST_AUTO_TEST_CASE(who_joins_by_an_id_has_it) {
    world w;
    BOOST_TEST(w.joins("ann", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("ann") == "A");
    BOOST_TEST(w.b.get<claims>().size() == 1u);
    BOOST_TEST(w.joins("ann", "u", "A") == R"(ok {"topic":"u","members":1})");
    BOOST_TEST(w.joins("bob", "t", "") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.joins("bob", "t", "bob") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.members("t") == "A bob ");
    BOOST_TEST(w.members("u") == "A ");
    // another id is another's memberships
    BOOST_TEST(w.joins("ann", "t", "A2") == R"(ok {"topic":"t","members":2})");
    BOOST_TEST(w.members("t") == "bob A2 ");
    BOOST_TEST(w.members("u") == "");
    BOOST_TEST(w.joins("ann", "t", std::string(257, 'x')) == "malformed");
    BOOST_TEST(w.id("ann") == "A2");
    w.b.close("ann");
    BOOST_TEST(w.b.get<claims>().size() == 0u);
    BOOST_TEST(w.members("t") == "bob ");
}

BOOST_AUTO_TEST_CASE(the_newest_takes_over_what_was_claimed) {
    world w;
    w.joins("ann", "t", "A");
    w.joins("ann", "u", "A");
    w.joins("bob", "t", "A");
    BOOST_TEST(w.id("bob") == "A");
    BOOST_TEST(w.id("ann").size() == 21u);
    BOOST_TEST(w.members("t") == "A ");
    BOOST_TEST(w.members("u") == "");
    BOOST_TEST(w.b.get<claims>().size() == 1u);
    // only who has an id can leave by it
    BOOST_TEST(w.says("ann", verb::leave, "t", "A") == "unknown");
    BOOST_TEST(w.says("ann", verb::leave, "", "A") == "unknown");
    BOOST_TEST(w.members("t") == "A ");
    w.b.close("ann");
    BOOST_TEST(w.members("t") == "A ");
    w.joins("bob", "u", "A");
    BOOST_TEST(w.says("bob", verb::leave, "t", "A") == "ok");
    BOOST_TEST(w.members("t") == "");
    BOOST_TEST(w.says("bob", verb::leave, "", "A") == "ok");
    BOOST_TEST(w.members("u") == "");
}

BOOST_AUTO_TEST_CASE(what_a_hub_has_given_is_not_taken_over) {
    world w;
    BOOST_TEST(w.joins("ann", "t", "bob") == "id_in_use");
    BOOST_TEST(w.id("ann") == "ann");
    BOOST_TEST(w.members("t") == "");
    BOOST_TEST((w.b.h.attach("function", [](call&) {}).has_value()));
    BOOST_TEST(w.joins("ann", "t", "function") == "id_in_use");
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"join","topic":"t","target":"X"})") ==
               R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("ann") == "ann"); // sigfire's own wire has no word for it
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"leave","topic":"t","target":"X"})") == "ok");
    BOOST_TEST(w.b.ask("ann", R"({"cmd":"leave"})") == "malformed");
}

BOOST_AUTO_TEST_CASE(strictly_the_first_keeps_an_id_and_has_no_other) {
    world w{{.strict = true}};
    BOOST_TEST(w.joins("ann", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.joins("bob", "t", "A") == "id_in_use");
    BOOST_TEST(w.joins("ann", "t", "A2") == "id_in_use");
    BOOST_TEST(w.joins("ann", "u", "A") == R"(ok {"topic":"u","members":1})");
    w.b.close("ann");
    BOOST_TEST(w.joins("bob", "t", "A") == R"(ok {"topic":"t","members":1})");
    BOOST_TEST(w.id("bob") == "A");
}

BOOST_AUTO_TEST_CASE(a_topic_with_a_target_means_that_member) {
    world w;
    w.joins("bob", "t", "B");
    const auto send = [&](const std::string& topic) {
        return w.b.ask("ann", R"({"cmd":"bye","target":"B")" + topic + "}");
    };
    const auto request = [&](const std::string& topic) {
        return w.b.ask("ann", R"({"cmd":"request","target":"B")" + topic + "}");
    };
    BOOST_TEST(send("") == "ok");
    BOOST_TEST(send(R"(,"topic":"t")") == "ok");
    BOOST_TEST(send(R"(,"topic":"u")") == "unknown");
    BOOST_TEST(request(R"(,"topic":"u")") == "unknown");
    BOOST_TEST(request(R"(,"topic":"t")") == "");
    BOOST_TEST(request("") == "");
    BOOST_TEST(w.b.get<requests>().size() == 2u);
}

BOOST_AUTO_TEST_CASE(open_questions_survive_a_new_id) {
    world w;
    w.b.ask("ann", R"({"cmd":"request","target":"bob"})");
    const auto asked = w.b.asked();
    w.joins("ann", "t", "A");
    w.joins("bob", "t", "B");
    w.b.say("bob", R"({"cmd":"respond","request":1,"data":7})");
    BOOST_TEST(w.b.reply("ann", asked) == "ok 7");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
